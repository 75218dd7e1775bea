"""The life of each prompt: what was asked, what servers saw of it, what the database says of it, side by side.

A prompt is known to servers by its words alone and to the database by its id; both are brought together here, and each
row of history is laid beside the request that a server saw for it. What cannot be laid together stays alone, for the
rules to judge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.campaign.rules.beside import lay_together, poisoned, run_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.campaign.evidence import Asked, Evidence, Resumed, Served, Target
    from tests.campaign.rules.beside import Pair
    from tests.campaign.rules.book import Attempt, Book, Request

GRACE_S = 2.0
"""How long something that was under way may still take to be heard of, on a busy machine; far below any cooldown."""


@dataclass(kw_only=True)
class Run:
    """One way of a request down its lane: the first, or one after it was taken out of the outbox.

    ``cut`` is what was done to it meanwhile, ``began`` and ``over`` are monotonic.
    """

    life: Life
    number: int
    began: float
    over: float | None
    instance: int
    cut: str = ""
    cut_at: float | None = None
    probe: bool = False
    pairs: list[Pair] = field(default_factory=list)

    @property
    def lane(self) -> Sequence[Target]:
        """The targets it may ask, in order."""
        return self.life.lane


@dataclass(kw_only=True)
class Life:
    """One prompt from its asking to its end."""

    asked: Asked
    lane: Sequence[Target]
    id: str = ""
    row: Request | None = None
    history: list[Attempt] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As a report calls it."""
        return f"ask {self.asked.number}"

    @property
    def pairs(self) -> list[Pair]:
        """Everything that happened to it, in order."""
        return [pair for run in self.runs for pair in run.pairs]

    @property
    def killed(self) -> bool:
        """An instance that had it under way was killed."""
        return any(run.cut == "kill" for run in self.runs)


def _owner(of_prompt: dict[str, Life], prompt: str) -> Life | None:
    """Whose prompt it is; where a turn before it has an empty answer, some wires send both prompts as one message."""
    found = of_prompt.get(prompt)
    return found or next((life for asked, life in of_prompt.items() if prompt.endswith(asked)), None)


class Lives:
    """All prompts of a sequence, and what belongs to none of them."""

    def __init__(self, evidence: Evidence, book: Book) -> None:
        self.evidence = evidence
        self.book = book
        by_prompt = {row.prompt: row for row in book.requests.values() if row.prompt}
        self.all: list[Life] = []
        of_prompt: dict[str, Life] = {}
        for asked in evidence.asked:
            found = book.requests.get(asked.request) or by_prompt.get(asked.prompt)
            life = Life(
                asked=asked,
                lane=evidence.lanes.get(asked.lane, ()),
                id=asked.request or (found.id if found else ""),
                row=found,
            )
            if life.id:
                life.history = sorted(book.attempts.get(life.id, ()), key=lambda row: row.number)
                life.resumed = [each for each in evidence.resumed if each.request == life.id and each.taken]
            self.all.append(life)
            of_prompt[asked.prompt] = life
        self.strays: list[Served] = []
        for served in sorted(evidence.served, key=lambda each: each.at):
            if (owner := _owner(of_prompt, served.prompt)) is not None:
                owner.served.append(served)
            else:
                self.strays.append(served)
        self.of: dict[int, tuple[Life, Run]] = {}
        """Whose a served request is, by its ``id()``."""
        for life in self.all:
            self._split(life)

    def _split(self, life: Life) -> None:
        """Lay history beside servers and divide both into runs."""
        asked = life.asked
        life.runs = [
            Run(
                life=life, number=1, began=asked.at, over=asked.over, instance=asked.instance, cut=asked.cut,
                cut_at=asked.cut_at,
            )
        ]  # fmt: skip
        for each in life.resumed:
            life.runs.append(
                Run(
                    life=life, number=len(life.runs) + 1, began=each.at, over=each.over, instance=each.instance,
                    cut=each.cut, cut_at=each.cut_at, probe=each.probe,
                )
            )  # fmt: skip
        for run in life.runs:
            self._close_with_its_instance(run)
        for pair in lay_together(self.evidence, life):
            run = self._run_of(life, pair)
            run.pairs.append(pair)
            if pair.served is not None:
                self.of[id(pair.served)] = (life, run)

    def _close_with_its_instance(self, run: Run) -> None:
        """An instance that ended while it had a request under way cut it, whoever ordered that."""
        for lived in self.evidence.instances:
            ended = lived.over is not None and lived.number == run.instance and run.began <= lived.over
            if ended and (run.over is None or (lived.over is not None and lived.over <= run.over)) and not run.cut:
                run.cut, run.cut_at = ("kill" if lived.hard else "close"), lived.over

    def _run_of(self, life: Life, pair: Pair) -> Run:
        if pair.row is not None:
            return run_of(life, pair.row)
        assert pair.served is not None
        begun = [run for run in life.runs if run.began <= pair.served.at]
        return begun[-1] if begun else life.runs[0]

    # --- what comes after what ---

    def went_on(self, served: Served) -> float:
        """When, at the latest, its request had visibly gone on after this answer: the next one asked, or its end."""
        life, run = self.of[id(served)]
        later = [each.at for each in life.served if each.at > served.at]
        ends = [run.over] if run.over is not None else []
        told = [*later, *ends, (served.over or served.at) + GRACE_S]
        return max(min(told), served.at)

    def follows(self, later: Served, earlier: Served) -> bool:
        """Whether ``later`` was sent by somebody who must have known what ``earlier`` said.

        The same request knows; others that were under way at that moment need not, until it has visibly gone on.
        """
        if later.at <= earlier.at:
            return False
        if later.at > (earlier.over or earlier.at) + GRACE_S:
            return True
        if id(later) not in self.of:
            return False
        life, run = self.of[id(later)]
        if life is self.of[id(earlier)][0]:
            return True
        return run.began >= self.went_on(earlier)

    def delivered(self, served: Served) -> bool:
        """Whether the client surely got this answer: nobody left, nothing was cut, the wire was good."""
        if id(served) not in self.of or served.left or served.over is None:
            return False
        _, run = self.of[id(served)]
        pair = next((each for each in run.pairs if each.served is served), None)
        if pair is not None and pair.row is not None:
            return pair.recorded == served.error or not pair.fits  # what is recorded wrongly had come all the same
        if run.cut_at is not None and run.cut_at <= served.over + GRACE_S:
            return False
        return not self.poisoned(served.provider, served.at, served.over)

    def poisoned(self, provider: str, began: float, over: float | None) -> bool:
        """Whether a provider's wire was bad at some time between two moments."""
        return poisoned(self.evidence, provider, began, over)
