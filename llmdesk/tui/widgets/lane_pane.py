"""One lane's place on the screen: its transcript, what is waited for, what is queued, and its own prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from llmdesk.tui.transcript.view import TranscriptView
from llmdesk.tui.widgets.choices import Choices
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.widgets.wait_line import WaitLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from llmdesk.tui.history import PromptHistory
    from llmdesk.tui.widgets.find_line import FindLine
    from llmdesk.tui.widgets.recall import Recall
    from llmdesk.tui.widgets.search_input import SearchInput


class LanePane(Vertical):
    """Everything of one lane; it keeps its draft and its scroll position while another one is shown.

    Attributes:
        search: the search that is open, in the conversation or in the prompts sent before; ``None`` = none.
    """

    def __init__(self, history: PromptHistory, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.transcript = TranscriptView()
        self.wait_line = WaitLine()
        self.queue_line = QueueLine()
        self.completion = Choices()
        self.prompt = Prompt(history, placeholder="Ask something. Enter sends, ctrl+j new line, / commands, f1 help")
        self.search: FindLine | Recall | None = None

    def compose(self) -> ComposeResult:
        """Put them below one another."""
        yield self.transcript
        yield self.wait_line
        yield self.queue_line
        yield self.completion
        yield self.prompt

    @property
    def typed_into(self) -> Prompt | SearchInput | TranscriptView:
        """What has the keys while this lane is shown."""
        if self.transcript.chosen is not None:
            return self.transcript
        return self.prompt if self.search is None else self.search.input

    def offer_commands(self, choices: list[tuple[str, str]], *, marked: int = 0) -> None:
        """Show what fits what is typed; none hides the list and gives the prompt its keys back."""
        self.completion.offer(choices, marked=marked)
        self.prompt.completing = bool(choices)

    async def open_search(self, search: FindLine | Recall) -> None:
        """Put a search above the prompt, in place of the one that is open; it has the keys."""
        self.close_search()
        self.offer_commands([])
        self.search = search
        await self.mount(search, before=self.prompt)
        self.screen.set_focus(search.input)

    def close_search(self) -> None:
        """Take the search away and give the prompt its keys back."""
        if self.search is not None:
            search, self.search = self.search, None
            self.transcript.mark(None)
            self.screen.set_focus(self.prompt)
            search.remove()
