"""What must hold of a home and of processes whatever the scenario was. It believes files and printed text alone."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation
from tests.campaign.instances.house import state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.support.exec_world import ExecWorld

CODES = {"completed": 0, "failed": 1, "blocked": 3, "paused": 5, "refused": 6}
"""The documented exit code of each outcome without a schema."""

LONGEST_MESSAGE = 200


def rows(database: Path, query: str, *values: object) -> list[dict[str, Any]]:
    """Rows of a database file."""
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def number(database: Path, query: str, *values: object) -> int:
    """The one number that a query finds; nothing counts as 0."""
    (row,) = rows(database, query, *values)
    (value,) = row.values()
    return int(value or 0)


def home_kept(world: ExecWorld) -> Iterator[Violation]:
    """Files, modes and database of a home that nobody uses now (I9, I10, S8)."""
    yield from _modes(world.home)
    for path in world.home.rglob("*"):
        if path.name.endswith(".tmp") or ".corrupt-" in path.name:
            yield Violation(rule="I9", words=f"left behind: {path.relative_to(world.home)}")
        if path.parent.name == "instances":
            yield Violation(rule="I9", words=f"a lock of nobody: {path.name}")
    try:
        state_of(world)
    except ValueError as problem:
        yield Violation(rule="I9", words=f"the state file does not parse: {problem}")
    if world.database.exists():
        yield from _database(world.database)


def _modes(home: Path) -> Iterator[Violation]:
    for path in (home, *home.rglob("*")):
        mode = path.lstat().st_mode & 0o777
        if mode & 0o077:
            yield Violation(rule="I9", words=f"{path.relative_to(home.parent)} has mode {mode:03o}")


def _database(database: Path) -> Iterator[Violation]:
    told = [row["integrity_check"] for row in rows(database, "PRAGMA integrity_check")]
    if told != ["ok"]:
        yield Violation(rule="I10", words=f"integrity_check: {told[:3]}")
    if found := rows(database, "PRAGMA foreign_key_check"):
        yield Violation(rule="I10", words=f"{len(found)} rows refer to nothing")
    for status in ("accepted", "running"):
        if count := number(database, "SELECT count(*) FROM requests WHERE status = ?", status):
            yield Violation(rule="I2", words=f"{count} requests are {status} while nothing runs")
    if count := number(database, "SELECT count(*) FROM reservations"):
        yield Violation(rule="B2", words=f"{count} reservations of nobody")
    steps = [row["number"] for row in rows(database, "SELECT number FROM schema_migrations ORDER BY number")]
    version = number(database, "PRAGMA user_version")
    if steps != list(range(1, version + 1)):
        yield Violation(rule="I19", words=f"migrations {steps} for version {version}")


def told_well(ended: Iterable[Ended]) -> Iterator[Violation]:
    """What processes said: no traceback, no lock, one line for people, the documented exit code (I10, I14, I20)."""
    for each in ended:
        name = f"process {each.who} ({' '.join(each.words)[:40]})"
        if each.hung:
            yield Violation(rule="I14", words=f"{name} never ended")
        if each.killed or each.hung:
            continue
        said = each.out + each.err
        if "Traceback" in said:
            yield Violation(rule="I20", words=f"{name}: a traceback: {each.err[-200:]!r}")
        if re.search(r"\blocked\b", said):
            yield Violation(rule="I10", words=f"{name}: {_line_with('locked', said)!r}")
        if re.search(r"damaged|cannot be (read|written|opened)", said):
            yield Violation(rule="I10", words=f"{name}: {each.err[-200:]!r}")
        if each.code < 0:
            yield Violation(rule="I14", words=f"{name} died of signal {-each.code}")
        yield from _answers(name, each)


def _answers(name: str, each: Ended) -> Iterator[Violation]:
    statuses = [record["status"] for record in each.records if "status" in record and "attempts" in record]
    for record in each.records:
        if isinstance(error := record.get("error"), dict):
            message = str(error.get("message"))
            if len(message) > LONGEST_MESSAGE or len(message.splitlines()) != 1:
                yield Violation(rule="I20", words=f"{name}: not one line of {LONGEST_MESSAGE}: {message[:80]!r}")
    if len(statuses) == 1 and each.code != CODES.get(statuses[0], each.code):
        yield Violation(rule="I1", words=f"{name}: {statuses[0]} with exit code {each.code}: {each.err[-120:]!r}")


def _line_with(word: str, text: str) -> str:
    return next(line for line in text.splitlines() if word in line)[:200]
