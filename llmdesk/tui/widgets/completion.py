"""The list of slash commands that fit what is typed, each with its one line of help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 6
"""Rows of the list at a time."""


class Completion(Widget):
    """Commands to choose from; hidden while there are none.

    Attributes:
        marked: index of the command that tab or enter takes.
    """

    marked: reactive[int] = reactive(0)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.choices: Sequence[tuple[str, str]] = ()
        self.display = False

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Show ``(command, help)`` pairs; none hides the list."""
        self.choices = choices
        self.marked = 0
        self.display = bool(choices)
        self.refresh(layout=True)

    def step(self, by: int) -> None:
        """Mark another command."""
        if self.choices:
            self.marked = (self.marked + by) % len(self.choices)

    @property
    def choice(self) -> str:
        """The marked command; empty when there is none."""
        return self.choices[self.marked][0] if self.choices else ""

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return min(len(self.choices), SHOWN)

    def render(self) -> Content:
        """Draw the rows around the marked one."""
        first = max(0, min(self.marked - SHOWN + 1, len(self.choices) - SHOWN))
        rows = []
        for at, (command, help_line) in enumerate(self.choices[first : first + SHOWN], first):
            style = "$block-cursor-foreground on $block-cursor-background" if at == self.marked else ""
            rows.append(
                Content.assemble((f" {command:<16}", style or "bold $accent"), (f" {help_line} ", style or "$muted"))
            )
        width = max(self.size.width, 1)
        return Content("\n").join(row.truncate(width, ellipsis=True) for row in rows)
