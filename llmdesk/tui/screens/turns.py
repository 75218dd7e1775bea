"""Which entries of a transcript belong to which request, so that a turn can be acted on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.views import Attachment


@dataclass(slots=True, kw_only=True, eq=False)
class Turn:
    """A prompt and what came of it, by the keys of their entries.

    ``request`` is ``None`` until it is accepted; ``kept`` = the desk has it, so that another turn can take its
    place.
    ``answered`` = it is sent along with later prompts. ``continues`` is the request whose answer it goes on with.
    ``version`` is the key of the line that the turn it replaces, and all after it, were folded into. ``late`` = it was
    answered after a summary was made that stands behind it, which therefore does not speak for it.
    """

    asked: int
    text: str
    files: tuple[Attachment, ...] = ()
    request: str | None = None
    kept: bool = False
    answered: bool = False
    answer: int | None = None
    continues: str | None = None
    version: int | None = None
    late: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Turns:
    """The turns of one transcript that stand, oldest first, and those that were folded away in it.

    Attributes:
        summaries: the keys of the summaries that stand, oldest first; the last one above a prompt goes along with it in
            place of what is above the summary.
    """

    summaries: list[int] = field(default_factory=list)
    _standing: list[Turn] = field(default_factory=list)
    _away: dict[int, tuple[list[Turn], list[int]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._standing)

    @property
    def last(self) -> Turn | None:
        """The newest one; ``None`` = nobody has asked anything."""
        return self._standing[-1] if self._standing else None

    @property
    def last_answered(self) -> Turn | None:
        """The newest one with an answer on the screen, whole or not."""
        return next((turn for turn in reversed(self._standing) if turn.answer is not None), None)

    def add(self, turn: Turn) -> None:
        """A new one, behind the others."""
        self._standing.append(turn)

    def of_entry(self, key: int) -> Turn | None:
        """The turn that an entry is the prompt or the answer of."""
        return next((turn for turn in reversed(self._standing) if key in (turn.asked, turn.answer)), None)

    def of_request(self, request: str) -> Turn | None:
        """The turn of a request."""
        return next((turn for turn in reversed(self._standing) if turn.request == request), None)

    def beside(self, request: str) -> str | None:
        """The request of the turn after the one of a request, else of the one before; ``None`` = it is the only one."""
        asked = [turn.request for turn in self._standing]
        at = asked.index(request) if request in asked else 0
        return next((each for each in [*asked[at + 1 :], *asked[:at][::-1]] if each is not None), None)

    def in_place_of(self, request: str) -> Turn | None:
        """The turn of a request, or the one that stands in its place by now."""
        turn = self.of_request(request)
        if turn is not None:
            return turn
        lines = [line for line, (away, _) in self._away.items() if any(each.request == request for each in away)]
        instead = next((turn for turn in self._standing if turn.version in lines), None)
        if instead is not None or not lines:
            return instead
        began = next((away[0] for away, _ in self._away.values() if away and away[0].version in lines), None)
        return self.in_place_of(began.request) if began is not None and began.request not in (None, request) else None

    def fold_away(self, turn: Turn, into: int) -> None:
        """A turn and all after it stand no longer; ``into`` is the line that is shown instead."""
        at = self._standing.index(turn)
        summaries = [key for key in self.summaries if key > turn.asked]
        self._away[into] = self._standing[at:], summaries
        del self._standing[at:]
        self.summaries = [key for key in self.summaries if key not in summaries]

    def bring_back(self, line: int) -> None:
        """What was folded into a line stands again, before what has come since."""
        back, summaries = self._away.pop(line, ([], []))
        self.summaries = sorted([*self.summaries, *summaries])
        at = next((at for at, turn in enumerate(self._standing) if turn.asked > line), len(self._standing))
        self._standing[at:at] = back

    def folded_into(self, line: int) -> str | None:
        """The request that began what was folded into a line here; ``None`` = not here, or not on disk."""
        away, _ = self._away.get(line, ([], []))
        return away[0].request if away and away[0].kept else None

    def sent_before(self, turn: Turn) -> list[int]:
        """The entries with which each turn begins that goes along with one, oldest first."""
        begins = max((key for key in self.summaries if key < turn.asked), default=None)
        sent = [each for each in self._standing if each.answered and each.asked < turn.asked]
        return [each.asked for each in sent if begins is None or each.asked > begins or each.late]
