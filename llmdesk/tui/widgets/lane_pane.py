"""One lane's place on the screen: its transcript, what is waited for, what is queued, and its own prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from llmdesk.tui.transcript.view import TranscriptView
from llmdesk.tui.widgets.completion import Completion
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.widgets.wait_line import WaitLine

if TYPE_CHECKING:
    from textual.app import ComposeResult


class LanePane(Vertical):
    """Everything of one lane; it keeps its draft, its history and its scroll position while another one is shown."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.transcript = TranscriptView()
        self.wait_line = WaitLine()
        self.queue_line = QueueLine()
        self.completion = Completion()
        self.prompt = Prompt(placeholder="Ask something. Enter sends, ctrl+j new line, / commands, f1 help")

    def compose(self) -> ComposeResult:
        """Put them below one another."""
        yield self.transcript
        yield self.wait_line
        yield self.queue_line
        yield self.completion
        yield self.prompt

    def offer_commands(self, choices: list[tuple[str, str]]) -> None:
        """Show the commands that fit; none hides the list and gives the prompt its keys back."""
        self.completion.offer(choices)
        self.prompt.completing = bool(choices)
