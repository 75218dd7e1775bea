"""Measures added up beforehand: by local hours and days and by names, with distributions that add up.

An attempt is rolled up in the transaction that books it. Those that were booked before there were roll-ups are the
backlog: a range of keys, rolled up from its beginning a batch at a time, and measured row by row until then.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import field
from operator import add
from typing import TYPE_CHECKING, Any

from llmdesk.core.histogram import bucket_of, put
from llmdesk.core.hours import hour_of
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from llmdesk.core.periods import Calendar

BATCH = 500
"""So many attempts of the backlog are rolled up at once; nobody waits for the database longer than that takes."""

NAMES = ("provider", "lane", "model", "agent", "job")


@dataclass(frozen=True, slots=True)
class Level:
    """A kind of roll-up: which names its rows keep apart, and whether by the hour. All else is added up in them."""

    name: str
    names: frozenset[str]
    hourly: bool = False


LEVELS = (
    Level("hour", frozenset({"provider", "lane"}), hourly=True),
    Level("day", frozenset({"provider", "lane"})),
    Level("model", frozenset({"provider", "lane", "model"})),
    Level("agent", frozenset({"provider", "lane", "model", "agent"})),
    Level("job", frozenset({"provider", "lane", "job"})),
)
"""The coarser first. Hours are kept of provider and lane alone: with more names there are as many as attempts."""

_KEPT_APART = tuple((level.name, level.hourly, tuple(name in level.names for name in NAMES)) for level in LEVELS)

_DONE = "outcome = 'completed'"
_FREE = f"({_DONE} AND cost_nano_usd IS 0)"
_ASKED = "outcome <> 'skipped'"

COUNTED = {
    "attempts": _ASKED,
    "completed": _DONE,
    "failed": "outcome = 'failed'",
    "refused": "outcome = 'refused'",
    "cancelled": "outcome = 'cancelled'",
    "skipped": "outcome = 'skipped'",
    "input_tokens": "coalesce(input_tokens, 0)",
    "output_tokens": "coalesce(output_tokens, 0)",
    "cached_input_tokens": "coalesce(cached_input_tokens, 0)",
    "reasoning_tokens": "coalesce(reasoning_tokens, 0)",
    "estimated": f"{_ASKED} AND estimated",
    "cost_nano_usd": "coalesce(cost_nano_usd, 0)",
    "unknown_price": f"{_ASKED} AND has_usage AND cost_nano_usd IS NULL",
    "cooldown_ms": "cooldown_ms",
    "free_input_tokens": f"{_FREE} * coalesce(input_tokens, 0)",
    "free_output_tokens": f"{_FREE} * coalesce(output_tokens, 0)",
}
"""What is added up of attempts -> how much of it there is in one."""

STEPPED = ("failovers", "lost_ms")
"""What is added up of the failovers away from them."""

SUMS = (*COUNTED, *STEPPED)

ERROR = f"CASE WHEN {_ASKED} THEN error_kind END"

MEASURED = {
    "response": f"CASE WHEN {_DONE} THEN elapsed_ms END",
    "first_token": f"CASE WHEN {_DONE} THEN first_token_ms END",
    # Of answers whose tokens the server counted, from the first token on where that is known.
    "speed": (
        f"CASE WHEN {_DONE} AND has_usage AND NOT estimated AND output_tokens > 0 "
        "AND elapsed_ms > coalesce(first_token_ms, 0) THEN "
        "CAST(output_tokens * 1000000.0 / (elapsed_ms - coalesce(first_token_ms, 0)) + 0.5 AS INTEGER) END"
    ),
}
"""What is kept as a distribution -> its whole number in one attempt: milliseconds, and thousandths of a token/s."""

LOWS = tuple(f"{name}_low" for name in MEASURED)
HIGHS = tuple(f"{name}_high" for name in MEASURED)

_KEY = ("level", "day", "hour", *NAMES)
_KEPT = ("errors", *MEASURED, *LOWS, *HIGHS)
_COLUMNS = (*_KEY, *SUMS, *_KEPT)

_ERROR_AT = 2 + len(NAMES)
_COUNTED_AT = _ERROR_AT + 1 + len(MEASURED)
"""Where in a row of ``_ATTEMPTS`` its error stands, and where what is counted begins."""

_NAMES_OF = "a.provider, a.lane, a.model, coalesce(a.agent, ''), coalesce(a.job, '')"
_ATTEMPTS = (
    f"SELECT day, at, {_NAMES_OF}, {ERROR}, {', '.join(MEASURED.values())}, {', '.join(COUNTED.values())} "  # noqa: S608 - our names
    "FROM attempts a WHERE id BETWEEN ? AND ?"
)
_STEPS = f"SELECT a.day, a.at, {_NAMES_OF}, f.lost_ms FROM failovers f JOIN attempts a ON a.id = f.id WHERE "  # noqa: S608 - our names
_NOTHING = ("", *[b""] * len(MEASURED), *[None] * len(LOWS + HIGHS))
"""What ``_KEPT`` holds in a new row."""

_FIND = f"SELECT id, {', '.join(_KEPT)} FROM measures WHERE {' AND '.join(f'{n} = ?' for n in _KEY)}"  # noqa: S608 - our names
_INSERT = f"INSERT INTO measures ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our names
_UPDATE = (
    f"UPDATE measures SET {', '.join(f'{name} = {name} + ?' for name in SUMS)}, "  # noqa: S608 - our names
    f"{', '.join(f'{name} = ?' for name in _KEPT)} WHERE id = ?"
)


def roll_up(connection: sqlite3.Connection, calendar: Calendar, booked: int) -> None:
    """Add one attempt to the measures, in the transaction that has just booked it.

    Args:
        connection: in that transaction.
        calendar: the user's days.
        booked: its key.
    """
    additions = _Additions(calendar)
    additions.add_attempts(connection.execute(_ATTEMPTS, (booked, booked)))
    late = connection.execute(
        "SELECT a.request FROM attempts a JOIN attempts n ON n.request = a.request AND n.number > a.number "
        "WHERE a.id = ? LIMIT 1",
        (booked,),
    ).fetchone()
    if late is None:
        additions.add_steps(connection.execute(f"{_STEPS} f.to_id = ?", (booked,)))
    else:
        _count_steps_anew(connection, additions, booked, request=late[0])
    additions.write(connection)


def _count_steps_anew(connection: sqlite3.Connection, additions: _Additions, booked: int, *, request: str) -> None:
    """Mend the failovers of a request one of whose attempts is booked after its successors."""
    rolled_up = f"{_STEPS} f.request = ? AND f.to_id NOT BETWEEN ? AND ?"
    values = (request, *(backlog(connection) or (0, -1)))
    connection.execute("SAVEPOINT without")
    connection.execute("DELETE FROM attempts WHERE id = ?", (booked,))
    before = connection.execute(rolled_up, values).fetchall()
    connection.execute("ROLLBACK TO without")
    connection.execute("RELEASE without")
    additions.add_steps(before, -1)
    additions.add_steps(connection.execute(rolled_up, values))


def backlog(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """The first and the last key that may not be rolled up yet; ``None`` = everything is."""
    found = dict(connection.execute("SELECT name, value FROM upkeep WHERE name LIKE 'backlog %'").fetchall())
    return (found["backlog first"], found["backlog last"]) if found else None


def roll_up_backlog(connection: sqlite3.Connection, calendar: Calendar, *, batch: int = BATCH) -> bool:
    """Roll up the next attempts of the backlog, in one transaction; returns whether any are left."""
    waiting = backlog(connection)
    if waiting is None:
        return False
    first, last = waiting
    row = connection.execute(
        "SELECT max(id) FROM (SELECT id FROM attempts WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?)",
        (first, last, batch),
    ).fetchone()
    if row[0] is None or row[0] >= last:
        connection.execute("DELETE FROM upkeep WHERE name LIKE 'backlog %'")
    else:
        connection.execute("UPDATE upkeep SET value = ? WHERE name = 'backlog first'", (row[0] + 1,))
    if row[0] is not None:
        additions = _Additions(calendar)
        additions.add_attempts(connection.execute(_ATTEMPTS, (first, row[0])))
        additions.add_steps(connection.execute(f"{_STEPS} f.to_id BETWEEN ? AND ?", (first, row[0])))
        additions.write(connection)
    return row[0] is not None and row[0] < last


@dataclass(slots=True)
class _Addition:
    """What is to be added to one row of measures."""

    sums: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    errors: Counter[str] = field(default_factory=Counter)
    values: tuple[list[tuple[int, int]], ...] = field(default_factory=lambda: tuple([] for _ in MEASURED))
    """Of each measure, its values with their buckets."""

    def kept(self, before: Sequence[Any]) -> list[object]:
        """What ``_KEPT`` holds after this, from what it held before."""
        errors, places = before[0], len(MEASURED)
        if self.errors:
            errors = json.dumps(self.errors + Counter(json.loads(errors) if errors else {}))
        distributions, lows, highs = (list(before[1 + n * places : 1 + (n + 1) * places]) for n in range(3))
        for place, values in enumerate(self.values):
            if values:
                distributions[place] = put(distributions[place], [bucket for _, bucket in values])
                (low, _), (high, _) = min(values), max(values)
                lows[place] = low if lows[place] is None else min(low, lows[place])
                highs[place] = high if highs[place] is None else max(high, highs[place])
        return [errors, *distributions, *lows, *highs]


class _Additions:
    """What is to be added to the measures, by the keys of their rows."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._by_key: dict[tuple[object, ...], _Addition] = {}

    def add_attempts(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of ``_ATTEMPTS``."""
        for row in rows:
            day, at, *names = row[:_ERROR_AT]
            error, *values = row[_ERROR_AT:_COUNTED_AT]
            counted = (*row[_COUNTED_AT:], *[0] * len(STEPPED))
            measured = [None if value is None else (value, bucket_of(value)) for value in values]
            for addition in self._of(day, at, names):
                addition.sums = list(map(add, addition.sums, counted))
                if error is not None:
                    addition.errors[error] += 1
                for known, value in zip(addition.values, measured, strict=True):
                    if value is not None:
                        known.append(value)

    def add_steps(self, rows: Iterable[Sequence[Any]], times: int = 1) -> None:
        """Add rows of ``_STEPS``, or take them away with -1."""
        for row in rows:
            day, at, *names, lost_ms = row
            for addition in self._of(day, at, names):
                addition.sums[-2] += times
                addition.sums[-1] += times * lost_ms

    def _of(self, day: str, at_ms: int, names: Sequence[str]) -> Iterator[_Addition]:
        """The rows, one a level, to which an attempt of these names counts."""
        hour = hour_of(self._calendar, at_ms / 1000)
        for level, hourly, kept_apart in _KEPT_APART:
            kept = [name if is_kept else "" for name, is_kept in zip(names, kept_apart, strict=True)]
            key = (level, day, hour if hourly else 0, *kept)
            found = self._by_key.get(key)
            if found is None:
                found = self._by_key[key] = _Addition()
            yield found

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the table."""
        for key, addition in self._by_key.items():
            row = connection.execute(_FIND, key).fetchone()
            if row is None:
                connection.execute(_INSERT, (*key, *addition.sums, *addition.kept(_NOTHING)))
            else:
                connection.execute(_UPDATE, (*addition.sums, *addition.kept(row[1:]), row[0]))
