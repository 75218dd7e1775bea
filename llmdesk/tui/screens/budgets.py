"""The budgets over the whole screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.widgets import Static

from llmdesk.core.measures import Selection
from llmdesk.core.views import Topic
from llmdesk.tui.screens.budgets_text import budgets_text
from llmdesk.tui.screens.filtering import FilteredPanel
from llmdesk.tui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.content import Content
    from textual.widget import Widget

    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk

MINUTE_S = 60.0
"""How often the times left are counted down; nothing is read for that, seconds."""


class BudgetsScreen(FilteredPanel):
    """Every budget, how it stands, and what to write where there is none."""

    panel: ClassVar = "budgets"
    heading: ClassVar[str] = "budgets"
    keys: ClassVar = (("filter", "filter (lane: provider: agent: job:)"), ("reload", "read again"))
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.REQUESTS, Topic.COOLDOWNS})
    DEFAULT_CSS = """
    BudgetsScreen #budgets { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._views: tuple[BudgetView, ...] | None = None
        self._unpriced: Mapping[str, int] = {}
        self._drawn: Content | None = None

    def body(self) -> Iterable[Widget]:
        """The filter and one long text."""
        yield FilterLine()
        yield VerticalScroll(Static("…", id="budgets"))

    def begin(self) -> None:
        """The times left are counted down while they are looked at."""
        super().begin()
        self.set_interval(MINUTE_S, self._draw)

    @property
    def reader(self) -> Widget:
        """The text, for scrolling."""
        return self.query_one(VerticalScroll)

    async def narrow(self) -> None:
        """Show the budgets that have the words."""
        self._draw()

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
        width = max(self.size.width - 4, 20)
        talk = self.house.chat.talked
        text = budgets_text(
            self._views, self._unpriced, width=width, now=time.time(), query=self.filtered_by, talk=talk
        )
        if text != self._drawn:
            self._drawn = text
            self.query_one("#budgets", Static).update(text)


async def _unpriced(desk: Desk, views: Iterable[BudgetView]) -> dict[str, int]:
    """Model ref -> attempts without a known price, in the longest period of a budget that lacks any."""
    begun = [view.begins_at for view in views if view.unknown]
    since = None if None in begun else min(at for at in begun if at is not None)
    found = await desk.measures(Selection(since=since), ("provider", "model"))
    return {f"{row.group['provider']}/{row.group['model']}": row.unknown_price for row in found if row.unknown_price}
