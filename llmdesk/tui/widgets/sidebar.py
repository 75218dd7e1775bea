"""The sidebar: panels below one another, each whole or not at all, and each the way to its full screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.content import Content

NARROW_BELOW = 24
"""Columns of a panel below which its lines are short."""


class SidePanel(Widget):
    """A panel of the sidebar.

    Attributes:
        opens: the name of the full screen behind it.
        rank: the lower, the longer it stays where there is not room for all.
        known: there is something to show.
    """

    class Changed(Message):
        """It is higher or lower than before, or has something to show now."""

    class Opened(Message):
        """It was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    opens: ClassVar[str]
    rank: ClassVar[int] = 0

    def __init__(self, id: str | None = None, *, known: bool = False) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.known = known
        self.display = known
        self._measured: tuple[int, int] | None = None
        """Its width when it was measured, and how many rows it had then."""

    @property
    def narrow(self) -> bool:
        """Lines have to be short."""
        return self.size.width < NARROW_BELOW

    def render(self) -> Content:
        """Draw the panel."""
        raise NotImplementedError

    def changed(self) -> None:
        """Draw it anew, in the room it needs now; where that is what it has, nothing else is drawn or laid out."""
        measured, self._measured = self._measured, None
        if measured is not None and self.known and self.display and measured == (self.size.width, self.rows):
            self.refresh()
            return
        self._measured = None
        self.refresh(layout=True)
        self.post_message(self.Changed())

    @property
    def rows(self) -> int:
        """How many rows it needs."""
        if self._measured is None or self._measured[0] != self.size.width:
            self._measured = self.size.width, self.render().plain.count("\n") + 1
        return self._measured[1]

    def on_click(self) -> None:
        """Show it in full."""
        self.post_message(self.Opened(self.opens))


class Sidebar(Vertical):
    """Shows as many of its panels as there is room for."""

    def on_resize(self) -> None:
        """There is more room now, or less."""
        self.fit()

    def on_side_panel_changed(self, event: SidePanel.Changed) -> None:
        """A panel needs more room, or less."""
        event.stop()
        self.fit()

    def fit(self) -> None:
        """Show the panels that fit as a whole, the most important ones first; the first one in any case."""
        room = self.size.height
        for panel in sorted(self.query(SidePanel), key=lambda each: each.rank):
            needed = panel.rows + (1 if panel.rank else 0) if panel.known else 0
            shown = panel.known and (needed <= room or panel.rank == 0)
            if shown:
                room -= needed
            if panel.display is not shown:
                panel.display = shown
