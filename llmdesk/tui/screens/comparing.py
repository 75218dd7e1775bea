"""The way from the chat into a comparison, and what of it has to be known when the desk is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.tui.screens.lanes import LanedScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.tui.screens.column import Contender
    from llmdesk.tui.screens.compare import CompareScreen
    from llmdesk.tui.screens.talk import Talk


class ComparingScreen(LanedScreen):
    """A screen from which lanes are compared."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._comparison: CompareScreen | None = None

    def all_talks(self) -> list[Talk]:
        """Every talk, the columns of a comparison too."""
        columns = self._comparison.columns if self._comparison is not None else []
        return [*super().all_talks(), *columns]

    def action_compare(self) -> None:
        """Send one prompt to this lane and the next one, or to others."""
        names = [lane.name for lane in self.lanes]
        if self.talk.lane not in names:
            return
        at = names.index(self.talk.lane)
        self.compare(list(dict.fromkeys([names[at], names[(at + 1) % len(names)]])), self.talk.pane.prompt.text)

    def compare(self, names: Sequence[str], text: str, *, send: bool = False) -> None:
        """Compare lanes or models by their names, unless this lane is answering."""
        from llmdesk.tui.screens.compare import CompareScreen

        if self.talk.busy:
            self.say("This lane is answering: compare when that is done.", severity="warning")
            return
        contenders = [_contender(self, name) for name in names]
        self._comparison = CompareScreen(self, contenders, text=text, send=send, closed=self._compared)
        self.app.push_screen(self._comparison)

    def _compared(self) -> None:
        self._comparison = None


def _contender(chat: LanedScreen, name: str) -> Contender:
    from llmdesk.core.types import ModelRef
    from llmdesk.tui.screens.column import Contender
    from llmdesk.tui.screens.compare import contender_for

    if name in [lane.name for lane in chat.lanes]:
        return contender_for(chat, name)
    return Contender(lane=chat.talk.lane, model=ModelRef.parse(name), params=chat.talk.params)


async def compare(chat: LanedScreen, argument: str) -> None:
    """``/compare LANE LANE … PROMPT``: lanes or models, then what is asked, which is sent at once."""
    assert isinstance(chat, ComparingScreen)
    desk = await chat.desk()
    lanes = [lane.name for lane in chat.lanes]
    providers = [status.provider for status in desk.providers()]
    names, text = contenders_in(argument, lanes, providers)
    if not names:
        if text:
            raise UsageError(f"There is no lane '{text.split()[0]}'. There are {', '.join(lanes)}.")
        chat.action_compare()
        return
    if len(names) == 1:
        names.insert(0, chat.talk.lane)
    chat.compare(list(dict.fromkeys(names)), text or chat.talk.pane.prompt.text, send=bool(text))


def contenders_in(argument: str, lanes: Sequence[str], providers: Sequence[str]) -> tuple[list[str], str]:
    """Split into the names of lanes and models that stand at the beginning, four at most, and the rest."""
    names: list[str] = []
    rest = argument.strip()
    while rest and len(names) < 4:
        word, _, after = rest.partition(" ")
        provider, slash, model = word.partition("/")
        if word not in lanes and not (slash and model and provider in providers):
            break
        names.append(word)
        rest = after.strip()
    return names, rest
