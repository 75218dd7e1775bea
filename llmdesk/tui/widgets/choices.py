"""A short list to choose from, above the prompt: commands that fit what is typed, prompts that were sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 6
"""Rows of the list at a time."""


class Choices(Widget):
    """Names to choose from, each with a line of help or none; hidden while there are none.

    Attributes:
        marked: index of the one that is taken.
    """

    DEFAULT_CSS = """
    Choices { height: auto; max-height: 6; width: 1fr; background: $panel; }
    """

    marked: reactive[int] = reactive(0)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._choices: Sequence[tuple[str, str]] = ()
        self.display = False

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Show ``(name, help)`` pairs; none hides the list."""
        self._choices = choices
        self.marked = 0
        self.display = bool(choices)
        self.refresh(layout=True)

    def step(self, by: int) -> None:
        """Mark another one."""
        if self._choices:
            self.marked = (self.marked + by) % len(self._choices)

    @property
    def choice(self) -> str:
        """The marked name; empty when there is none."""
        return self._choices[self.marked][0] if self._choices else ""

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return min(len(self._choices), SHOWN)

    def render(self) -> Content:
        """Draw the rows around the marked one."""
        width = max(self.size.width, 1)
        first = max(0, min(self.marked - SHOWN + 1, len(self._choices) - SHOWN))
        rows = []
        for at, (name, help_line) in enumerate(self._choices[first : first + SHOWN], first):
            marked = "$block-cursor-foreground on $block-cursor-background" if at == self.marked and name else ""
            look = marked or ("bold $accent" if help_line else "$foreground")
            label = Content.styled(f" {name:<16}" if help_line else f" {name} ", look)
            help_part = Content.styled(f" {help_line} ", marked or "$muted") if help_line else Content("")
            rows.append((label + help_part).truncate(width, ellipsis=True))
            if marked:
                rows[-1] = rows[-1].pad_right(width - rows[-1].cell_length).stylize(marked)
        return Content("\n").join(rows)
