"""The budgets over the whole screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from llmdesk.core.measures import Selection
from llmdesk.core.views import Topic
from llmdesk.tui.screens.budgets_text import budgets_text
from llmdesk.tui.screens.panel import PanelScreen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.content import Content
    from textual.widget import Widget

    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk

MINUTE_S = 60.0
"""How often the times left are counted down; nothing is read for that, seconds."""


class BudgetsScreen(PanelScreen):
    """Every budget, how it stands, and what to write where there is none."""

    panel: ClassVar = "budgets"
    heading: ClassVar[str] = "budgets"
    keys: ClassVar[tuple[str, ...]] = ("/ filter (lane: provider: agent: job:)", "ctrl+r read again", "↑ ↓ scroll")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.REQUESTS, Topic.COOLDOWNS})
    DEFAULT_CSS = """
    BudgetsScreen #filter { margin: 0 1; }
    BudgetsScreen #budgets { padding: 0 1; }
    BudgetsScreen .away { display: none; }
    """

    def __init__(self, *, below: str) -> None:
        super().__init__(below=below)
        self._views: tuple[BudgetView, ...] | None = None
        self._unpriced: Mapping[str, int] = {}
        self._drawn: Content | None = None

    def body(self) -> Iterable[Widget]:
        """The filter and one long text."""
        yield Input(placeholder="filter", id="filter", classes="away", compact=True)
        yield VerticalScroll(Static("…", id="budgets"))

    def begin(self) -> None:
        """The text has the keys; the times left are counted down while it is looked at."""
        self.query_one(VerticalScroll).focus()
        self.set_interval(MINUTE_S, self._draw)

    async def read(self) -> None:
        """Read how they stand, and which models have no price where that matters."""
        desk = await self.desk()
        views = await desk.budgets()
        unpriced = await _unpriced(desk, views) if any(view.unknown for view in views) else {}
        self._views, self._unpriced = views, unpriced
        self._draw()

    def on_resize(self) -> None:
        """Fit anew."""
        self._draw()

    def _draw(self) -> None:
        if self._views is None:
            return
        query = self.query_one("#filter", Input).value
        width = max(self.size.width - 4, 20)
        talk = self.house.chat.talked
        text = budgets_text(self._views, self._unpriced, width=width, now=time.time(), query=query, talk=talk)
        if text != self._drawn:
            self._drawn = text
            self.query_one("#budgets", Static).update(text)

    def action_filter(self) -> None:
        """Type words that budgets must have."""
        field = self.query_one("#filter", Input)
        field.remove_class("away")
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._draw()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_close_panel(self) -> None:
        """Close the filter, else the panel."""
        field = self.query_one("#filter", Input)
        if field.has_class("away"):
            super().action_close_panel()
            return
        field.value = ""
        field.add_class("away")
        self.query_one(VerticalScroll).focus()


async def _unpriced(desk: Desk, views: Iterable[BudgetView]) -> dict[str, int]:
    """Model ref -> attempts without a known price, in the longest period of a budget that lacks any."""
    begun = [view.begins_at for view in views if view.unknown]
    since = None if None in begun else min(at for at in begun if at is not None)
    found = await desk.measures(Selection(since=since), ("provider", "model"))
    return {f"{row.group['provider']}/{row.group['model']}": row.unknown_price for row in found if row.unknown_price}
