"""Searching the prompts sent so far: type words, choose one of what is left, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from llmdesk.core.text import one_line
from llmdesk.tui.widgets.choices import Choices
from llmdesk.tui.widgets.search_input import SearchInput

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from llmdesk.tui.history import PromptHistory


class Recall(Vertical):
    """The prompts that hold the words, and the words."""

    DEFAULT_CSS = """
    Recall { height: auto; width: 1fr; background: $panel; }
    Recall > Horizontal { height: 1; padding: 0 1; }
    Recall Static { width: auto; }
    Recall SearchInput { width: 1fr; background: $panel; }
    """

    @dataclass(eq=False, repr=False)
    class Taken(Message):
        """A prompt was chosen."""

        text: str

    def __init__(self, history: PromptHistory) -> None:
        super().__init__()
        self.input = SearchInput(placeholder="words of a prompt sent before, ↑ ↓ choose, enter takes, Esc back")
        self._choices = Choices()
        self._history = history
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """The prompts above the words."""
        yield self._choices
        with Horizontal():
            yield Static(Content.styled("history ▸ ", "bold $accent"))
            yield self.input

    def search(self, words: str) -> None:
        """Show the prompts that hold these words."""
        self._found = self._history.search(words)
        nothing = "no prompt holds these words" if len(self._history) else "no prompt was sent yet"
        self._choices.offer([(one_line(text, 500), "") for text in self._found] or [("", nothing)])

    def step(self, by: int) -> None:
        """Mark another prompt; 1 is older."""
        self._choices.step(by)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.search(event.value)

    @on(SearchInput.Stepped)
    def _stepped(self, event: SearchInput.Stepped) -> None:
        event.stop()
        self.step(event.by)

    @on(Choices.Clicked)
    def _clicked(self, event: Choices.Clicked) -> None:
        event.stop()
        self._take()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def _take(self) -> None:
        if self._found:
            self.post_message(self.Taken(self._found[self._choices.marked]))
