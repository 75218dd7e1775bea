"""How it went, from what is booked: sums and distributions over any selection, and the booked rows themselves."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from llmdesk.core.hours import HOUR_S, hour_of
from llmdesk.core.measures import Measures, Percentiles
from llmdesk.storage.booking import HERE
from llmdesk.storage.columns import to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.measures import Grouping, Selection
    from llmdesk.core.periods import Calendar
    from llmdesk.storage.database import Database


class MeasureStore:
    """The measures of everything booked in one database.

    Args:
        database: where it is booked.
        calendar: the user's days.
    """

    def __init__(self, database: Database, *, calendar: Calendar = HERE) -> None:
        self._database = database
        self._calendar = calendar

    async def read(self, selection: Selection, by: Sequence[Grouping] = ()) -> tuple[Measures, ...]:
        """Measure the attempts of ``selection``, one row a group; without groupings one row for all of them.

        Raises:
            StorageError: the database cannot be read.
        """
        return await self._database.read(lambda connection: self._measure(connection, selection, by))

    def _measure(
        self, connection: sqlite3.Connection, selection: Selection, by: Sequence[Grouping]
    ) -> tuple[Measures, ...]:
        where, values = self._condition(selection)
        steps = connection.execute("SELECT id, count(*), sum(lost_ms) FROM failovers GROUP BY id")
        failovers = {row[0]: (row[1], row[2]) for row in steps}
        groups: dict[tuple[str | None, ...], list[sqlite3.Row]] = {}
        for row in connection.execute(f"SELECT * FROM attempts{where}", values):  # noqa: S608 - our names
            groups.setdefault(tuple(self._value(row, each) for each in by), []).append(row)
        if not by:
            groups.setdefault((), [])
        ordered = sorted(groups.items(), key=lambda item: [(value is None, value or "") for value in item[0]])
        return tuple(_measures(dict(zip(by, key, strict=True)), rows, failovers) for key, rows in ordered)

    def _value(self, row: sqlite3.Row, grouping: Grouping) -> str | None:
        value = hour_of(self._calendar, row["at"] / 1000) if grouping == "hour" else row[grouping]
        return None if value is None else str(value)

    def _condition(self, selection: Selection) -> tuple[str, list[object]]:
        """What picks the attempts: by the day they are booked to, and within the first and the last one by the hour."""
        conditions: list[str] = []
        values: list[object] = []
        if selection.since is not None:
            hour = hour_of(self._calendar, selection.since)
            conditions.append("(day > ? OR day = ? AND at >= ?)")
            values += [day := self._calendar.day(selection.since), day, to_ms(hour)]
        if selection.until is not None:
            hour = hour_of(self._calendar, selection.until)
            end = hour if hour == selection.until else self._end_of_hour(hour)
            conditions.append("(day < ? OR day = ? AND at < ?)")
            values += [day := self._calendar.day(end - 0.001), day, to_ms(end)]
        for name in ("provider", "model", "lane", "agent", "job"):
            if (wanted := getattr(selection, name)) is not None:
                conditions.append(f"{name} = ?")
                values.append(wanted)
        return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values

    def _end_of_hour(self, hour: int) -> int:
        return min(hour + HOUR_S, int(self._calendar.ends_at("day", hour)))


def _measures(
    group: dict[Grouping, str | None], rows: Sequence[sqlite3.Row], failovers: dict[int, tuple[int, int]]
) -> Measures:
    asked = [row for row in rows if row["outcome"] != "skipped"]
    done = [row for row in rows if row["outcome"] == "completed"]
    outcomes = Counter(row["outcome"] for row in rows)
    free: dict[str, tuple[int, int]] = {}
    for row in done:
        if row["cost_nano_usd"] == 0:
            read, written = free.get(row["lane"], (0, 0))
            free[row["lane"]] = (read + (row["input_tokens"] or 0), written + (row["output_tokens"] or 0))
    return Measures(
        group=group,
        attempts=len(asked),
        completed=outcomes["completed"],
        failed=outcomes["failed"],
        refused=outcomes["refused"],
        cancelled=outcomes["cancelled"],
        skipped=outcomes["skipped"],
        errors=dict(sorted(Counter(row["error_kind"] for row in asked if row["error_kind"] is not None).items())),
        response_s=_percentiles([row["elapsed_ms"] / 1000 for row in done]),
        first_token_s=_percentiles([ms / 1000 for row in done if (ms := row["first_token_ms"]) is not None]),
        tokens_per_s=_percentiles([speed for row in done if (speed := _tokens_per_s(row)) is not None]),
        input_tokens=sum(row["input_tokens"] or 0 for row in asked),
        output_tokens=sum(row["output_tokens"] or 0 for row in asked),
        cached_input_tokens=sum(row["cached_input_tokens"] or 0 for row in asked),
        reasoning_tokens=sum(row["reasoning_tokens"] or 0 for row in asked),
        estimated=sum(row["estimated"] for row in asked),
        cost_nano_usd=sum(row["cost_nano_usd"] or 0 for row in asked),
        unknown_price=sum(1 for row in asked if row["has_usage"] and row["cost_nano_usd"] is None),
        failovers=sum(failovers.get(row["id"], (0, 0))[0] for row in rows),
        lost_s=sum(failovers.get(row["id"], (0, 0))[1] for row in rows) / 1000,
        cooldown_s=sum(row["cooldown_ms"] for row in rows) / 1000,
        free_tokens=free,
    )


def _tokens_per_s(row: sqlite3.Row) -> float | None:
    """How fast a model wrote, where it is told how much; from the first token on, where that is known."""
    took_ms = row["elapsed_ms"] - (row["first_token_ms"] or 0)
    if not row["has_usage"] or row["estimated"] or not row["output_tokens"] or took_ms <= 0:
        return None
    return float(row["output_tokens"] * 1000 / took_ms)


def _percentiles(values: list[float]) -> Percentiles | None:
    """The smallest values that so many hundredths of all do not exceed (nearest rank)."""
    if not values:
        return None
    values.sort()
    p50, p95, p99 = (values[math.ceil(len(values) * part / 100) - 1] for part in (50, 95, 99))
    return Percentiles(count=len(values), p50=p50, p95=p95, p99=p99)
