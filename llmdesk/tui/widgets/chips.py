"""What a list can be narrowed to, one click each: ``provider: cloud local  reason: rate server``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events

VALUE_WIDTH = 16
"""Columns of one value at most."""


class Chips(Widget):
    """The values there are of each facet; those that are wanted now are marked."""

    @dataclass
    class Clicked(Message):
        """A value was clicked."""

        facet: str
        value: str

    DEFAULT_CSS = """
    Chips { height: 1; width: 1fr; padding: 0 1; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._values: Mapping[str, Sequence[str]] = {}
        self._wanted: frozenset[tuple[str, str]] = frozenset()
        self._spans: list[tuple[int, int, str, str]] = []

    def show_values(self, values: Mapping[str, Sequence[str]], wanted: frozenset[tuple[str, str]]) -> None:
        """Show these; a facet with a single value narrows nothing, unless it is wanted."""
        chosen = {name for name, _ in wanted}
        values = {name: tuple(each) for name, each in values.items() if len(each) > 1 or name in chosen}
        if (values, wanted) != (self._values, self._wanted):
            self._values, self._wanted = values, wanted
            self.display = bool(values)
            self.refresh()

    def render(self) -> Content:
        """Draw as many as there is room for."""
        self._spans = []
        line = Content("")
        for name, values in self._values.items():
            line = Content.assemble(line, "  " if line.plain else "", (f"{name}:", "$muted"))
            for value in values:
                shown = one_line(value, VALUE_WIDTH)
                start = line.cell_length + 1
                if start + cell_len(shown) > self.size.width:
                    break
                style = "bold reverse" if (name, value) in self._wanted else "$accent"
                line = Content.assemble(line, " ", (shown, style))
                self._spans.append((start, start + cell_len(shown), name, value))
        return line.truncate(max(self.size.width, 1), ellipsis=True)

    def on_click(self, event: events.Click) -> None:
        """Narrow to the value under the pointer, or no longer."""
        x = event.get_content_offset_capture(self).x
        for start, end, name, value in self._spans:
            if start <= x < end:
                self.post_message(self.Clicked(name, value))
