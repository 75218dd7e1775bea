"""What lies in a home, looked at without a line of the program: which files, what is in them, whether they are whole.

A database is never opened where it lies, because opening it would mend it: a copy is, with its log as it was left.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Row = dict[str, Any]

KEYS: Mapping[str, tuple[str, ...]] = {
    "requests": ("id",),
    "conversations": ("id",),
    "messages": ("id",),
    "attempts": ("request", "number"),
    "attachments": ("request", "position"),
    "tags": ("conversation", "tag"),
    "drafts": ("owner", "lane"),
    "spend": ("scope", "key", "lane", "provider", "agent"),
    "reservations": ("request", "number"),
}
"""The tables whose rows tell what a user has, and what tells a row from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database as it was left.

    Args:
        there: there is a file, and something in it.
        faults: what SQLite finds wrong in it; empty = nothing.
        version: how many migrations it has seen.
        tables: by name, its rows by their key.
    """

    there: bool = False
    faults: tuple[str, ...] = ()
    version: int = 0
    tables: Mapping[str, Mapping[tuple[Any, ...], Row]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table; none where it does not exist."""
        return list(self.tables.get(table, {}).values())

    def requests_of(self, prompt: str) -> list[Row]:
        """The requests that ask this."""
        return [row for row in self.rows("requests") if row["prompt"] == prompt]


def look_into(path: Path) -> Database:
    """Read a database from a copy of its files."""
    if not path.exists() or (not path.stat().st_size and not path.with_name(f"{path.name}-wal").exists()):
        return Database()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal", "-shm", "-journal"):
            if (part := path.with_name(path.name + suffix)).exists():
                shutil.copyfile(part, copy.with_name(copy.name + suffix))
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.row_factory = sqlite3.Row
                return _read(connection)
        except sqlite3.Error as error:
            return Database(there=True, faults=(f"{path.name}: {error}",))


def _read(connection: sqlite3.Connection) -> Database:
    faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    faults += [f"foreign key: {tuple(row)}" for row in connection.execute("PRAGMA foreign_key_check")]
    names = {row[0]: row[1] or "" for row in connection.execute("SELECT name, sql FROM sqlite_master")}
    for name, sql in names.items():
        if "USING fts5" in sql:
            try:
                connection.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")
            except sqlite3.Error as error:
                faults.append(f"{name}: {error}")
    connection.rollback()
    tables = {
        table: {tuple(row[part] for part in key): dict(row) for row in connection.execute(f"SELECT * FROM {table}")}
        for table, key in KEYS.items()
        if table in names
    }
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    return Database(there=bool(names), faults=tuple(faults), version=version, tables=tables)


def state_of(path: Path) -> Mapping[str, Any] | None:
    """The cooldown file; ``None`` = there is none.

    Raises:
        ValueError: it is no whole JSON object.
    """
    if not path.exists():
        return None
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or not isinstance(value.get("cooldowns"), dict):
        raise ValueError(f"no state: {str(value)[:60]}")
    return value


def files_below(folder: Path) -> Iterator[Path]:
    """Every file and folder below ``folder``."""
    return (path for path in sorted(folder.rglob("*")) if not path.is_symlink())


def open_to_others(folder: Path) -> list[str]:
    """The files and folders that others than their owner may look at."""
    return [
        f"{path.relative_to(folder)} {stat.S_IMODE(path.stat().st_mode):o}"
        for path in files_below(folder)
        if path.stat().st_mode & 0o077
    ]


def left_behind(home: Path) -> list[str]:
    """Files that no running program uses: halves, locks of instances that are gone, records of dead processes."""
    return [
        str(path.relative_to(home))
        for path in files_below(home)
        if path.is_file()
        and (
            path.suffix == ".tmp"
            or path.name.startswith(".")
            or path.parent.name in ("instances", "groups")
            or ".booking-" in path.name
        )
    ]


def holders(folder: Path, text: str) -> list[str]:
    """The files in which a text stands."""
    wanted = text.encode()
    return [
        str(path.relative_to(folder)) for path in files_below(folder) if path.is_file() and wanted in path.read_bytes()
    ]
