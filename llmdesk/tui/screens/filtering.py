"""A panel that words narrow: typed into a line of their own, taken away again by Esc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.widgets import Input

from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from textual.widget import Widget


class FilteredPanel(PanelScreen):
    """A full-screen panel with a ``FilterLine`` in its body."""

    @property
    def reader(self) -> Widget:
        """What has the keys while nothing is typed."""
        raise NotImplementedError

    async def narrow(self) -> None:
        """Show what has the words that are typed now."""
        raise NotImplementedError

    @property
    def filtered_by(self) -> str:
        """What is typed; empty = everything is shown."""
        return self.query_one(FilterLine).value

    def begin(self) -> None:
        """The keys are for what is read."""
        self.reader.focus()

    def action_filter(self) -> None:
        """Type words."""
        self.query_one(FilterLine).begin()

    def action_close_panel(self) -> None:
        """Take the words away, else close the panel."""
        if self.query_one(FilterLine).put_away():
            self.reader.focus()
        else:
            super().action_close_panel()

    @on(Input.Changed, "#filter")
    async def _filter_changed(self) -> None:
        await self.narrow()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self) -> None:
        self.reader.focus()
