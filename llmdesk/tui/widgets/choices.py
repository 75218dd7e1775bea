"""A short list to choose from, above the prompt: what fits the word being typed, prompts that were sent before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmdesk.core.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

LONGEST = 1_000
"""Characters of a name that are looked at; no row is longer."""

SHOWN = 6
"""Rows of the list at a time."""


class Choices(Widget):
    """Names to choose from, each with a line of help or none; hidden while there are none.

    Attributes:
        marked: index of the one that is taken; -1 = none is, before the user has moved in the list.
    """

    DEFAULT_CSS = """
    Choices { height: auto; max-height: 6; width: 1fr; background: $panel; }
    """

    marked: reactive[int] = reactive(0)

    @dataclass(eq=False, repr=False)
    class Clicked(Message):
        """A row was clicked; it is marked now."""

        choices: Choices

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._choices: Sequence[tuple[str, str]] = ()
        self.display = False

    def offer(self, choices: Sequence[tuple[str, str]], *, marked: int = 0) -> None:
        """Show ``(name, help)`` pairs; none hides the list."""
        self._choices = choices
        self.marked = marked
        self.display = bool(choices)
        self.refresh(layout=True)

    def step(self, by: int) -> None:
        """Mark another one."""
        if self._choices:
            start = self.marked if self.marked >= 0 or by > 0 else 0
            self.marked = (start + by) % len(self._choices)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return min(len(self._choices), SHOWN)

    @property
    def _first(self) -> int:
        return max(0, min(self.marked - SHOWN + 1, len(self._choices) - SHOWN))

    def render(self) -> Content:
        """Draw the rows around the marked one."""
        width = max(self.size.width, 1)
        shown = [
            (at, (_harmless(name), _harmless(help_line)))
            for at, (name, help_line) in enumerate(self._choices[self._first : self._first + SHOWN], self._first)
        ]
        names = [cell_len(name) for _, (name, help_line) in shown if help_line]
        column = min(max([16, *names]), max(16, width // 2))
        rows = []
        for at, (name, help_line) in shown:
            marked = "$block-cursor-foreground on $block-cursor-background" if at == self.marked and name else ""
            look = marked or ("bold $accent" if help_line else "$foreground")
            label = Content.styled(f" {name} ", look)
            if help_line:
                label = label.pad_right(max(0, column + 1 - label.cell_length)).stylize(look)
            help_part = Content.styled(f" {help_line} ", marked or "$muted") if help_line else Content("")
            rows.append((label + help_part).truncate(width, ellipsis=True))
            if marked:
                rows[-1] = rows[-1].pad_right(width - rows[-1].cell_length).stylize(marked)
        return Content("\n").join(rows)

    def on_click(self, event: events.Click) -> None:
        """Mark the row under the pointer and say so."""
        at = self._first + event.y
        if 0 <= at < len(self._choices):
            self.marked = at
            self.post_message(self.Clicked(self))


def _harmless(text: str) -> str:
    """What somebody else named, as one row; spaces stay, as they are part of a name."""
    return sanitise(text[:LONGEST]).replace("\n", " ").replace("\t", " ")
