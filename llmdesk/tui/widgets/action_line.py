"""A line of things that can be done, each with its key, each of them clickable; more lines where it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from llmdesk.tui.widgets.wait_line import Offer


class ActionLine(Widget):
    """Offers side by side."""

    DEFAULT_CSS = """
    ActionLine { height: auto; width: 1fr; }
    """

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """An offer was clicked."""

        action: str

    def __init__(self, offers: Sequence[Offer] = (), id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._offers: tuple[Offer, ...] = tuple(offers)
        self._spans: list[tuple[int, int, int, str]] = []

    def show_offers(self, offers: Sequence[Offer]) -> None:
        """Show these; none leaves the line empty."""
        if self._offers != tuple(offers):
            self._offers = tuple(offers)
            self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as the offers need."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Draw them in rows."""
        return Content("\n").join(self._rows(max(self.size.width, 1)))

    def on_click(self, event: events.Click) -> None:
        """Choose the offer under the pointer."""
        for row, start, end, action in self._spans:
            if row == event.y and start <= event.x < end:
                event.stop()
                self.post_message(self.Chosen(action))

    def _rows(self, width: int) -> list[Content]:
        rows = [Content("")]
        self._spans = []
        for offer in self._offers:
            label = Content(f"[{offer.told(self.app)}]").truncate(width, ellipsis=True)
            column = rows[-1].cell_length
            if column and column + 1 + label.cell_length > width:
                rows.append(Content(""))
                column = 0
            gap = " " if column else ""
            start = column + len(gap)
            self._spans.append((len(rows) - 1, start, start + label.cell_length, offer.action))
            rows[-1] = Content.assemble(rows[-1], gap, label.stylize("$accent"))
        return rows
