"""Failover history: what stepped from whom to whom, why, and every attempt behind it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from llmdesk.core.errors import UsageError
from llmdesk.core.views import Topic
from llmdesk.tui.reasons import reason_words
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.screens.request_detail import request_text
from llmdesk.tui.words import clock, seconds

if TYPE_CHECKING:
    from textual.content import Content

    from llmdesk.core.views import FailoverRow, RequestView


class FailoversScreen(ListPanel):
    """Failovers, newest first."""

    panel: ClassVar = "failovers"
    heading: ClassVar[str] = "failovers"
    columns: ClassVar[tuple[str, ...]] = ("when", "lane", "from", "to", "why", "lost", "message")
    elastic: ClassVar[tuple[str, ...]] = ("from", "to", "message")
    nothing: ClassVar[str] = "No failover yet: every answer came from the first target asked."
    keys: ClassVar = (
        "enter attempts",
        ("discarded", "discarded"),
        ("failovers_raw", "sent/received"),
        ("filter", "filter"),
    )
    chips: ClassVar[tuple[str, ...]] = ("lane", "provider", "reason")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.REQUESTS})

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, FailoverRow] = {}
        self._request: RequestView | None = None
        self._discarded = False

    async def read(self) -> None:
        """Read the history."""
        desk = await self.desk()
        found = await desk.failovers()
        keyed: dict[str, FailoverRow] = {}
        seen = Counter[str]()
        for row in reversed(found):  # from the oldest on, so that a step keeps its key when others come
            key = f"{row.request} {row.source} {row.target}"
            keyed[f"{key} {seen[key]}"] = row
            seen[key] += 1
        self._found = keyed
        self.show_rows([_row(key, row) for key, row in reversed(keyed.items())])

    def told(self, key: str) -> str:
        """The whole message."""
        return self._found[key].message if key in self._found else ""

    async def detail(self, key: str) -> Content:
        """Every attempt of the request."""
        desk = await self.desk()
        if key not in self._found:
            raise UsageError("That failover is not in the list any more.")
        if key != self.opened:
            self._discarded = False
        self._request = await desk.request(self._found[key].request)
        return request_text(self._request, discarded=self._discarded)

    def action_raw(self) -> None:
        """What was sent and received for the request."""
        key = self.chosen
        if key is not None and key in self._found:
            self.house.show_raw(self._found[key].request)

    def action_toggle_discarded(self) -> None:
        """Show or hide what failed attempts had said."""
        if self.opened is not None and self._request is not None:
            self._discarded = not self._discarded
            self.query_one("#detail-text", Static).update(request_text(self._request, discarded=self._discarded))


def _row(key: str, row: FailoverRow) -> Row:
    target = str(row.target) if row.target is not None else "nobody"
    why = reason_words(row.reason)
    return Row(
        key=key,
        cells=(clock(row.at), row.lane, str(row.source), target, why, seconds(row.lost_s), row.message),
        facets={
            "lane": row.lane,
            "provider": f"{row.source.provider} {row.target.provider if row.target else ''}",
            "reason": row.reason.replace(" ", "-"),
        },
    )
