"""What the metrics screen shows, read from the desk: a span of time, whose lane, and how it is grouped."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from llmdesk.core.measures import Measures, Selection
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.measures import Grouping
    from llmdesk.desk import Desk

Span = Literal["1 h", "24 h", "7 d", "30 d"]

SECONDS: dict[Span, float] = {"1 h": 3600.0, "24 h": 86_400.0, "7 d": 7 * 86_400.0, "30 d": 30 * 86_400.0}
"""How long each span is, seconds."""

WORDS: dict[Span, str] = {
    "1 h": "the last hour", "24 h": "the last 24 hours", "7 d": "the last 7 days", "30 d": "the last 30 days",
}  # fmt: skip

COST_S = SECONDS["7 d"]
"""Cost by day goes back at least so far, seconds: a day alone is no plot."""

FIVE_MINUTES_S = 300

GROUPINGS: tuple[Grouping, ...] = ("provider", "lane", "model", "agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is looked at. ``lane`` ``None`` = all of them; ``by`` groups the table."""

    span: Span = "24 h"
    lane: str | None = None
    by: Grouping = "provider"

    @property
    def hourly(self) -> bool:
        """The plots have a column an hour or five minutes, else one a day."""
        return self.span in ("1 h", "24 h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found: in all, by hour or day (oldest first, with gaps filled), by day, and by group.

    ``since`` is where the span begins, UTC epoch seconds.
    """

    view: View
    since: float
    whole: Measures
    times: tuple[tuple[str, Measures], ...]
    days: tuple[tuple[str, Measures], ...]
    groups: tuple[Measures, ...]


async def measure(desk: Desk, view: View, now: float) -> Measured:
    """Read it.

    Args:
        desk: whose.
        view: what to look at.
        now: UTC epoch seconds.

    Raises:
        DeskError: it cannot be read.
    """
    since = now - SECONDS[view.span]
    short = view.span == "1 h"
    chosen = Selection(since=since, lane=view.lane, exact=short)
    whole = await desk.measures(chosen, ())
    groups = await desk.measures(chosen, (view.by,) if view.by != "model" else ("provider", "model"))
    far = min(since, now - COST_S)
    days = _by_day(await desk.measures(Selection(since=far, lane=view.lane), ("day",)), far, now)
    times = days
    if view.hourly:
        step: Grouping = "five_minutes" if short else "hour"
        times = _by_time(await desk.measures(chosen, (step,)), step, since, now)
    return Measured(
        view=view,
        since=since if short else _hour(since),
        whole=whole[0] if whole else Measures(group={}),
        times=times,
        days=days,
        groups=tuple(sorted(groups, key=lambda row: -row.attempts)),
    )


def _hour(at: float) -> float:
    """The beginning of the local hour of ``at``."""
    here = time.localtime(at)
    return int(at) - 60 * here.tm_min - here.tm_sec


def _by_time(rows: Sequence[Measures], step: Grouping, since: float, now: float) -> tuple[tuple[str, Measures], ...]:
    found = {round(float(row.group[step] or 0)): row for row in rows}
    if step == "hour":
        begins = range(int(_hour(since)), int(now) + 1, 3600)
    else:
        begins = range(int(since) // FIVE_MINUTES_S * FIVE_MINUTES_S, int(now) + 1, FIVE_MINUTES_S)
    return tuple((time.strftime("%H:%M", time.localtime(at)), found.get(at, Measures(group={}))) for at in begins)


def _by_day(rows: Sequence[Measures], since: float, now: float) -> tuple[tuple[str, Measures], ...]:
    found = {row.group["day"]: row for row in rows}
    first, last = (datetime.fromtimestamp(at).astimezone().date() for at in (since, now))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return tuple((f"{day.day} {day:%b}", found.get(day.isoformat(), Measures(group={}))) for day in days)
