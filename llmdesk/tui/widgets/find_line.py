"""The line that finds words in the open conversation: what is looked for, which hit this is, and of how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from llmdesk.tui.widgets.search_input import SearchInput

if TYPE_CHECKING:
    from textual.app import ComposeResult

HINTS = ("  enter next  ↑ previous  Esc close", "  Esc close", "")
"""What the keys do, the longest first; the first that leaves room for the words is shown."""

WORDS_WIDTH = 24
"""Columns that are left for the words before a hint goes."""


class FindLine(Horizontal):
    """Asks for words and for steps from hit to hit."""

    DEFAULT_CSS = """
    FindLine { height: 1; width: 1fr; padding: 0 1; background: $panel; }
    FindLine > Static { width: auto; }
    FindLine > SearchInput { width: 1fr; background: $panel; }
    """

    @dataclass(eq=False, repr=False)
    class Changed(Message):
        """Other words are looked for."""

        words: str

    @dataclass(eq=False, repr=False)
    class Stepped(Message):
        """The next hit (1) or the one before (-1) is wanted."""

        by: int

    def __init__(self) -> None:
        super().__init__()
        self.input = SearchInput(placeholder="words of this conversation")
        self._count = Static(markup=False)
        self._said = ""

    def compose(self) -> ComposeResult:
        """What it is, the words, the count."""
        yield Static(Content.styled("find ▸ ", "bold $accent"))
        yield self.input
        yield self._count

    def show_count(self, at: int, of: int) -> None:
        """Say which hit is shown, from 1, and of how many."""
        self._said = f"{at} of {of}" if of else "nothing found" if self.input.value.strip() else ""
        self._draw()

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._draw()

    def _draw(self) -> None:
        room = self.size.width - WORDS_WIDTH - len("find ▸ ") - len(self._said)
        hint = next((hint for hint in HINTS if len(hint) <= room), "")
        style = "$warning" if self._said == "nothing found" else "$foreground"
        self._count.update(Content.assemble((f" {self._said}", style), (hint, "$muted")))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Stepped(1))

    @on(SearchInput.Stepped)
    def _stepped(self, event: SearchInput.Stepped) -> None:
        event.stop()
        self.post_message(self.Stepped(event.by))
