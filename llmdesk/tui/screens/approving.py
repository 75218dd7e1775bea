"""Asking for approval: what would be written into the configuration, line by line, and nothing without the word."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmdesk.core.errors import ConfigurationError, DeskError
from llmdesk.core.text import sanitise
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.core.edits import Edit, Proposal
    from llmdesk.tui.screens.base import DeskScreen

_STYLES = {"+": "$success", "-": "$error", "@": "$accent"}


class Approval(ModalScreen[bool]):
    """Shows lines and asks whether they may be written; without ``question`` there is only something to read.

    Args:
        heading: what it is about.
        lines: a diff, or what is wrong.
        question: what ``y`` does; empty = nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Write", show=False),
        Binding("escape,n", "answer(False)", "Leave it", show=False),
    ]
    DEFAULT_CSS = """
    Approval { align: center middle; }
    Approval > Vertical { width: 110; max-width: 100%; height: auto; max-height: 90%; padding: 0 1;
                          border: round $primary; background: $surface; }
    Approval VerticalScroll { height: auto; max-height: 30; }
    """

    def __init__(self, heading: str, lines: Sequence[str], *, question: str = "") -> None:
        super().__init__()
        self._heading = heading
        self._lines = lines
        self._question = question

    def compose(self) -> ComposeResult:
        """What, and the two answers."""
        with Vertical():
            yield Static(Content.styled(sanitise(self._heading), "bold"))
            yield VerticalScroll(Static(_coloured(self._lines)))
            offers = [Offer(label="Esc leave it as it is", action="answer(False)")]
            if self._question:
                offers.insert(0, Offer(label=f"y {self._question}", action="answer(True)"))
            yield ActionLine(offers)

    def on_mount(self) -> None:
        """Arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes and bool(self._question))

    @on(ActionLine.Chosen)
    async def _clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)


def _coloured(lines: Sequence[str]) -> Content:
    return Content("\n").join(Content.styled(sanitise(line), _STYLES.get(line[:1], "")) for line in lines)


async def write_down(screen: DeskScreen, edits: Sequence[Edit]) -> bool:
    """Show what edits make of the configuration, and write it if the user says so; must run in a worker.

    Returns:
        Whether the file says so now.
    """
    desk = await screen.desk()
    try:
        proposal = await desk.configuration.propose(edits)
    except ConfigurationError as error:
        await screen.app.push_screen_wait(Approval("This cannot be written", error.faults))
        return False
    except DeskError as error:
        screen.say(str(error), severity="error")
        return False
    if proposal.before is not None and not proposal.diff:
        screen.say("The file says so already.")
        return True
    question = "write it" if proposal.before is not None else "create the file"
    if not await screen.app.push_screen_wait(Approval(_heading(proposal), proposal.diff, question=question)):
        screen.say("Nothing was written.")
        return False
    try:
        copy = await desk.configuration.write(proposal)
    except DeskError as error:
        screen.say(str(error), severity="error")
        return False
    screen.say(f"Written. The file as it was: {copy.name}" if copy is not None else f"Written: {proposal.file}")
    return True


def _heading(proposal: Proposal) -> str:
    if proposal.before is None:
        return f"{proposal.file} does not exist yet. It would begin like this:"
    return f"{proposal.file} would change like this; a copy of it as it is stays beside it:"
