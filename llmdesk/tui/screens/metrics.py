"""The measures over the whole screen: how fast, how soon, how dear, what went wrong."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.widgets import Static

from llmdesk.core.views import Topic
from llmdesk.tui.screens.measured import GROUPINGS, View, measure
from llmdesk.tui.screens.metrics_text import metrics_text
from llmdesk.tui.screens.panel import PanelScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.content import Content
    from textual.widget import Widget

    from llmdesk.tui.screens.measured import Measured, Span


class MetricsScreen(PanelScreen):
    """The lane below it, or all of them, over a span of time."""

    panel: ClassVar = "metrics"
    heading: ClassVar[str] = "metrics"
    keys: ClassVar = (
        ("metrics_hour", "hour"), ("metrics_day", "day"), ("metrics_week", "week"), ("metrics_month", "month"),
        ("metrics_lane", "lane/all"), ("metrics_group", "group by"),
    )  # fmt: skip
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.REQUESTS, Topic.COOLDOWNS})
    DEFAULT_CSS = """
    MetricsScreen VerticalScroll { padding: 0 0 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view = View()
        self._found: Measured | None = None
        self._drawn: Content | None = None

    def body(self) -> Iterable[Widget]:
        """One text."""
        yield VerticalScroll(Static("…", id="measures"))

    def begin(self) -> None:
        """Look at the lane that is shown below."""
        self._view = replace(self._view, lane=self.house.chat.lane or None)
        self.query_one(VerticalScroll).focus()

    async def read(self) -> None:
        """Measure what is looked at."""
        self._found = await measure(await self.desk(), self._view, time.time())
        self._draw()

    def on_resize(self) -> None:
        """Fit anew."""
        self._draw()

    def _draw(self) -> None:
        if self._found is None:
            return
        text = metrics_text(self._found, width=max(self.size.width - 2, 20), height=self.size.height)
        if text != self._drawn:
            self._drawn = text
            self.query_one("#measures", Static).update(text)

    def action_look_back(self, span: Span) -> None:
        """Look at another span."""
        self._view = replace(self._view, span=span)
        self.action_reload()

    def action_widen(self) -> None:
        """Look at all lanes, or at the one below again."""
        lane = None if self._view.lane is not None else self.house.chat.lane or None
        self._view = replace(self._view, lane=lane)
        self.action_reload()

    def action_group(self) -> None:
        """Group the table by the next thing."""
        by = GROUPINGS[(GROUPINGS.index(self._view.by) + 1) % len(GROUPINGS)]
        self._view = replace(self._view, by=by)
        self.action_reload()
