"""What the database holds, read without a word of the program that wrote it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A row of ``requests``."""

    position: int
    id: str
    status: str
    owner: str
    lane: str
    conversation: str | None
    prompt: str
    payload: str
    record_text: int
    run: int
    reason: str
    error_kind: str | None
    next_try_at: int | None
    answer: str
    provider: str | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of ``attempts``: an attempt, or a target that was passed over."""

    id: int
    request: str
    number: int
    run: int
    provider: str
    model: str
    outcome: str
    at: int
    error_kind: str | None
    reason: str
    http_status: int | None
    message: str
    details: str
    elapsed_ms: int
    has_usage: int
    input_tokens: int | None
    output_tokens: int | None
    estimated: int
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    image_tokens: int | None
    cost_nano_usd: int | None
    discarded_text: str
    probe: int
    day: str
    lane: str

    @property
    def skipped(self) -> bool:
        """It tells of a target that was not asked."""
        return self.outcome == "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A row of ``messages``."""

    id: int
    conversation: str
    request: str | None
    role: str
    content: str
    completeness: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A row of ``spend``."""

    scope: str
    key: str
    lane: str
    provider: str
    tokens: int
    nano_usd: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A row of ``reservations``."""

    request: str
    number: int
    owner: str
    nano_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A row of ``measures`` at the level that keeps whole days apart by provider and lane."""

    provider: str
    lane: str
    attempts: int
    completed: int
    skipped: int
    input_tokens: int
    output_tokens: int


Row = TypeVar("Row")


@dataclass(kw_only=True)
class Book:
    """All of it; ``trouble`` = why it could not be read, one line each."""

    requests: dict[str, Request] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    spend: list[Spend] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    there: bool = False

    @property
    def rows(self) -> list[Attempt]:
        """Every attempt and skip, in the order in which they were booked."""
        return sorted((row for rows in self.attempts.values() for row in rows), key=lambda row: row.id)


def read(path: Path) -> Book:
    """Read a database; one that is damaged gives trouble, one that is not there an empty book."""
    book = Book()
    if not path.exists():
        return book
    book.there = True
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            _fill(book, connection)
    except sqlite3.Error as error:
        book.trouble.append(f"{path.name}: {error}")
    return book


def _fill(book: Book, connection: sqlite3.Connection) -> None:
    checked = [str(line[0]) for line in connection.execute("PRAGMA integrity_check")]
    if checked != ["ok"]:
        book.trouble.append(f"integrity_check: {'; '.join(checked[:3])}")
    if orphans := connection.execute("PRAGMA foreign_key_check").fetchall():
        book.trouble.append(f"foreign_key_check: {len(orphans)} rows refer to nothing")
    book.requests = {row.id: row for row in _all(connection, Request, "requests ORDER BY position")}
    for attempt in _all(connection, Attempt, "attempts ORDER BY request, number"):
        book.attempts[attempt.request].append(attempt)
    for message in _all(connection, Message, "messages ORDER BY id"):
        book.messages[message.request or ""].append(message)
    book.spend = _all(connection, Spend, "spend")
    book.reservations = _all(connection, Reservation, "reservations")
    book.counted = _all(connection, Counted, "measures WHERE level = 'day'")


def _all(connection: sqlite3.Connection, kind: type[Row], table: str) -> list[Row]:
    names: list[str] = [each.name for each in fields(kind)]  # type: ignore[arg-type]  # each of them is a dataclass
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}")
    return [kind(**_named(names, row)) for row in rows]


def _named(names: list[str], row: Any) -> dict[str, Any]:
    return dict(zip(names, row, strict=True))
