"""How it went, from what is booked: sums and distributions over any selection, and the booked rows themselves.

Whole days are read from what is added up by the day, what is left of a first and a last day from what is added up by
the hour (``rollups``), and the attempts themselves where nothing added up tells: the hours of a model, an agent or a
job, names that no roll-up keeps apart together, and what is not rolled up yet. Distributions are told in the same
buckets either way.
"""

from __future__ import annotations

import json
from operator import add
from typing import TYPE_CHECKING, Any

from llmdesk.core.histogram import Tally
from llmdesk.core.hours import QUARTER_S, hour_of
from llmdesk.core.measures import AttemptRow, Measures
from llmdesk.core.money import to_usd
from llmdesk.storage.booking import HERE
from llmdesk.storage.columns import to_s
from llmdesk.storage.rollups import COUNTED, ERROR, HIGHS, LEVELS, LOWS, MEASURED, NAMES, SUMS, backlog
from llmdesk.storage.spans import anywhere, spans

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from llmdesk.core.measures import Grouping, Selection
    from llmdesk.core.periods import Calendar
    from llmdesk.storage.database import Database
    from llmdesk.storage.rollups import Level
    from llmdesk.storage.spans import Span

ROWS_AT_ONCE = 500
"""So many attempts are handed out between two looks at the database."""

_THOUSANDTHS = 1000
"""Milliseconds in a second, and thousandths of a token in a token."""


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

        The rows are in the order of their groups, those without a name last. Percentiles are within 1 % of exact.

        Raises:
            StorageError: the database cannot be read.
        """
        return await self._database.read(
            lambda connection: _Reading(connection, self._calendar, selection, by).measures()
        )

    async def rows(self, selection: Selection) -> AsyncGenerator[AttemptRow]:
        """The attempts and skips of ``selection``, in the order in which they were booked.

        Raises:
            StorageError: the database cannot be read.
        """
        during, times = anywhere(spans(selection, self._calendar))
        named, names = _selected(selection)
        where, values = f"{during}{named}", (*times, *names)

        def ends(connection: sqlite3.Connection) -> tuple[int | None, int | None]:
            found = connection.execute(f"SELECT min(id), max(id) FROM attempts WHERE {where}", values)  # noqa: S608 - our names
            first, last = found.fetchone()
            return first, last

        def some(connection: sqlite3.Connection) -> list[AttemptRow]:
            found = connection.execute(
                f"SELECT * FROM attempts WHERE id BETWEEN ? AND ? AND {where} ORDER BY id LIMIT ?",  # noqa: S608 - our names
                (first, last, *values, ROWS_AT_ONCE),
            ).fetchall()
            if not found:
                return []
            steps = connection.execute(
                "SELECT id, to_provider, to_model, lost_ms FROM failovers WHERE id BETWEEN ? AND ?",
                (found[0]["id"], found[-1]["id"]),
            )
            left = {row["id"]: row for row in steps}
            return [_attempt_row(row, left.get(row["id"])) for row in found]

        first, last = await self._database.read(ends)
        while first is not None and (rows := await self._database.read(some)):
            for row in rows:
                yield row
            first = rows[-1].id + 1


class _Group:
    """What is added up of one group."""

    def __init__(self) -> None:
        self.sums = [0] * len(SUMS)
        self.errors: dict[str, int] = {}
        self.free: dict[str, tuple[int, int]] = {}
        self.tallies = [Tally() for _ in MEASURED]

    def add_sums(self, lane: str, sums: Iterable[int]) -> None:
        """Add the sums of some attempts of one lane."""
        own = list(sums)
        self.sums = list(map(add, self.sums, own))
        free = own[_FREE_INPUT], own[_FREE_OUTPUT]
        if any(free):
            read, written = self.free.get(lane, (0, 0))
            self.free[lane] = (read + free[0], written + free[1])

    def add_error(self, kind: str, count: int) -> None:
        """Add failures of one class."""
        self.errors[kind] = self.errors.get(kind, 0) + count

    def measures(self, group: dict[Grouping, str | None]) -> Measures:
        """What came of it all."""
        sums = dict(zip(SUMS, self.sums, strict=True))
        del sums["free_input_tokens"], sums["free_output_tokens"]
        lost_ms, cooldown_ms = sums.pop("lost_ms"), sums.pop("cooldown_ms")
        response, first_token, speed = (tally.percentiles(_THOUSANDTHS) for tally in self.tallies)
        return Measures(
            group=group,
            **sums,
            errors=dict(sorted(self.errors.items())),
            response_s=response,
            first_token_s=first_token,
            tokens_per_s=speed,
            lost_s=lost_ms / _THOUSANDTHS,
            cooldown_s=cooldown_ms / _THOUSANDTHS,
            free_tokens=self.free,
        )


_WRITTEN = {"agent": "nullif(agent, '')", "job": "nullif(job, '')", "hour": "CAST(hour AS TEXT)"}
"""Groupings that roll-ups keep in another form."""

_FIVE_MINUTES_S = 300

_PARTS = {
    "hour": f"at / {QUARTER_S * 1000}",
    "five_minutes": f"CAST(at / {_FIVE_MINUTES_S * 1000} * {_FIVE_MINUTES_S} AS TEXT)",
}
"""Groupings that attempts are put into by their instant; the quarters of an hour are put together afterwards."""

_LEFT = "attempts CROSS JOIN (SELECT id AS step, to_id, lost_ms FROM failovers) ON step = id"
"""Attempts with the failovers away from them; the attempts are looked for first."""

_FREE_INPUT, _FREE_OUTPUT = SUMS.index("free_input_tokens"), SUMS.index("free_output_tokens")
_FAILOVERS = SUMS.index("failovers")


class _Reading:
    """One question, answered within one transaction."""

    def __init__(
        self, connection: sqlite3.Connection, calendar: Calendar, selection: Selection, by: Sequence[Grouping]
    ) -> None:
        self._cursor = connection.cursor()
        self._cursor.row_factory = None  # plain tuples are read twice as fast
        self._connection = connection
        self._calendar = calendar
        self._by = tuple(by)
        self._spans = spans(selection, calendar)
        self._where, self._values = _selected(selection)
        self._named = {name for name in NAMES if name in by or getattr(selection, name) is not None}
        self._groups: dict[tuple[str | None, ...], _Group] = {}

    def measures(self) -> tuple[Measures, ...]:
        """The answer."""
        for span in self._spans:
            level = self._level(span)
            if level is None:
                self._add_attempts(span)
            else:
                self._add_rolled_up(span, level)
                if (waiting := backlog(self._connection)) is not None:
                    self._add_attempts(span, waiting)
        if not self._by:
            self._of(())
        ordered = sorted(self._groups.items(), key=lambda item: [(value is None, value or "") for value in item[0]])
        return tuple(group.measures(dict(zip(self._by, key, strict=True))) for key, group in ordered)

    def _level(self, span: Span) -> Level | None:
        """The coarsest roll-ups that answer for a span; ``None`` = none does."""
        if span.exact or "five_minutes" in self._by:
            return None
        hourly = not span.whole or "hour" in self._by
        return next((each for each in LEVELS if each.hourly == hourly and self._named <= each.names), None)

    def _of(self, key: tuple[str | None, ...]) -> _Group:
        if key not in self._groups:
            self._groups[key] = _Group()
        return self._groups[key]

    def _add_rolled_up(self, span: Span, level: Level) -> None:
        during, times = span.where("hour", 1)
        where, values = f"level = ? AND {during}{self._where}", (level.name, *times, *self._values)
        columns = [_WRITTEN.get(name, name) for name in self._by]
        group, places = "".join(f"{column}, " for column in columns), len(columns)
        sums = ", ".join(f"sum({name})" for name in SUMS)
        ends = ", ".join([f"min({name})" for name in LOWS] + [f"max({name})" for name in HIGHS])
        for row in self._cursor.execute(
            f"SELECT {group}lane, {sums}, {ends} FROM measures WHERE {where} GROUP BY {group}lane",  # noqa: S608 - our names
            values,
        ):
            into, ended = self._of(row[:places]), places + 1 + len(SUMS)
            into.add_sums(row[places], row[places + 1 : ended])
            for tally, low, high in zip(into.tallies, row[ended:], row[ended + len(LOWS) :], strict=False):
                tally.bound(low, high)
        known: dict[str, dict[str, int]] = {"": {}}
        for row in self._cursor.execute(
            f"SELECT {group}errors, {', '.join(MEASURED)} FROM measures WHERE {where}",  # noqa: S608 - our names
            values,
        ):
            into, errors = self._of(row[:places]), row[places]
            if errors not in known:
                known[errors] = json.loads(errors)
            for kind, count in known[errors].items():
                into.add_error(kind, count)
            for tally, kept in zip(into.tallies, row[places + 1 :], strict=True):
                tally.add(kept)

    def _add_attempts(self, span: Span, waiting: tuple[int, int] | None = None) -> None:
        """Add attempts themselves; of those in ``waiting`` alone, where a range of keys is given."""
        during, times = span.where("at", 1000)
        where, values = f"{during}{self._where}", (*times, *self._values)
        within, stepped, keys = "", "", waiting or ()
        if waiting is not None:
            within, stepped = " AND id BETWEEN ? AND ?", " AND to_id BETWEEN ? AND ?"
        group = "".join(f"{_PARTS.get(name, name)}, " for name in self._by)
        places = len(self._by)
        grouped = ", ".join(str(place) for place in range(1, places + 2))

        def rows(what: str, source: str, condition: str) -> Iterable[tuple[Any, ...]]:
            return self._cursor.execute(
                f"SELECT {group}{what} FROM {source} WHERE {where}{condition}",  # noqa: S608 - our names
                (*values, *keys),
            )

        sums = ", ".join(f"sum({value})" for value in COUNTED.values())
        for row in rows(f"lane, {sums}", "attempts", f"{within} GROUP BY {grouped}"):
            self._of(self._key(row)).add_sums(row[places], (*row[places + 1 :], 0, 0))
        for row in rows(f"{ERROR} AS error, count(*)", "attempts", f"{within} AND error NOT NULL GROUP BY {grouped}"):
            self._of(self._key(row)).add_error(row[places], row[places + 1])
        for row in rows("lane, count(*), sum(lost_ms)", _LEFT, f"{stepped} GROUP BY {grouped}"):
            self._of(self._key(row)).add_sums(row[places], (*[0] * _FAILOVERS, *row[places + 1 :]))
        measured: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in rows(", ".join(MEASURED.values()), "attempts", f"{within} AND outcome = 'completed'"):
            measured.setdefault(row[:places], []).append(row[places:])
        for group_of_rows, found in measured.items():
            for tally, each in zip(self._of(self._key(group_of_rows)).tallies, zip(*found, strict=True), strict=True):
                tally.count([value for value in each if value is not None])

    def _key(self, row: Sequence[Any]) -> tuple[str | None, ...]:
        """The group of a row of attempts."""
        return tuple(
            str(hour_of(self._calendar, value * QUARTER_S)) if name == "hour" else value
            for name, value in zip(self._by, row, strict=False)
        )


def _selected(selection: Selection) -> tuple[str, tuple[str, ...]]:
    """What names ask for, as more conditions, and their values."""
    named = [(name, wanted) for name in NAMES if (wanted := getattr(selection, name)) is not None]
    return "".join(f" AND {name} = ?" for name, _ in named), tuple(wanted for _, wanted in named)


def _attempt_row(row: sqlite3.Row, left: sqlite3.Row | None) -> AttemptRow:
    return AttemptRow(
        id=row["id"],
        at=to_s(row["at"]),
        day=row["day"],
        request=row["request"],
        number=row["number"],
        lane=row["lane"],
        agent=row["agent"],
        job=row["job"],
        provider=row["provider"],
        model=row["model"],
        served_model=row["served_model"],
        outcome=row["outcome"],
        error_kind=row["error_kind"],
        reason=row["reason"],
        http_status=row["http_status"],
        first_token_s=to_s(row["first_token_ms"]),
        elapsed_s=to_s(row["elapsed_ms"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cached_input_tokens=row["cached_input_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        estimated=bool(row["estimated"]),
        cost_usd=to_usd(row["cost_nano_usd"]),
        failover_to=None if left is None else f"{left['to_provider']}/{left['to_model']}",
        lost_s=None if left is None else to_s(left["lost_ms"]),
        cooldown_s=to_s(row["cooldown_ms"]),
    )
