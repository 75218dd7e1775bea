"""Bringing a database up to date: each step of the schema once, in one transaction, with a backup before it."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from llmdesk.new_files import sync_folder
from llmdesk.storage.files import TEMP_SUFFIX, create_private_file
from llmdesk.storage.schema import MIGRATIONS
from llmdesk.storage.transactions import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmdesk.storage.schema import Migration

BACKUPS_KEPT = 3

UPGRADE_TIMEOUT_S = 60.0
"""How long another process that migrates the same file is waited for."""

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT
"""


def schema_version(connection: sqlite3.Connection) -> int:
    """How many migrations the database has seen; 0 = it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    connection: sqlite3.Connection,
    path: Path | None,
    *,
    now: Callable[[], float],
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Bring the database up to date. Any number of processes may do this at once; each step happens once.

    Args:
        connection: in autocommit mode, outside a transaction.
        path: the database file, beside which backups are put; ``None`` = in memory, no backups.
        now: UTC epoch seconds.
        migrations: all known steps.

    Raises:
        sqlite3.Error, OSError: a step failed and was rolled back; the backup taken before it stays.
    """
    if schema_version(connection) >= len(migrations):
        return
    with transaction(connection):
        if schema_version(connection) == 0:  # a new one is made at once: nobody ever sees half of it
            for number, migration in enumerate(migrations, 1):
                _apply(connection, number, migration, now_s=now())
    while (version := schema_version(connection)) < len(migrations):
        with _alone(path):  # a backup that others prune or write as well is none
            if schema_version(connection) == version:
                if path is not None:
                    back_up(connection, path, version=version, now_s=now())
                with transaction(connection):
                    _apply(connection, version + 1, migrations[version], now_s=now())


@contextmanager
def _alone(path: Path | None) -> Iterator[None]:
    """Keep other processes from migrating the same file meanwhile; copying a large one takes its time."""
    if path is None:
        yield
        return
    from filelock import FileLock

    with FileLock(path.with_name(f"{path.name}.lock"), timeout=UPGRADE_TIMEOUT_S, mode=0o600):
        yield


def _apply(connection: sqlite3.Connection, number: int, migration: Migration, *, now_s: float) -> None:
    connection.execute(_LEDGER)
    for statement in migration.statements:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, ?, ?)",
        (number, migration.name, round(now_s * 1000)),
    )
    connection.execute(f"PRAGMA user_version = {number}")


def back_up(connection: sqlite3.Connection, path: Path, *, version: int, now_s: float) -> Path:
    """Copy the whole database beside itself; only the newest copies are kept."""
    import sqlite3

    target = path.with_name(f"{path.name}.backup-v{version}-{round(now_s * 1000)}")
    unfinished = path.with_name(f".{target.name}{TEMP_SUFFIX}")
    for left in path.parent.glob(f".{path.name}.backup-*"):  # of a program that died here; nobody else is at it now
        left.unlink()
    create_private_file(unfinished)
    copy = sqlite3.connect(unfinished)
    try:
        copy.execute("PRAGMA journal_mode = MEMORY")  # half a copy is of no use, and never gets the name of one
        connection.backup(copy)
        # A copy that says WAL would grow -wal and -shm files when it is looked at.
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    unfinished.rename(target)
    sync_folder(path.parent)
    for old in backups(path)[:-BACKUPS_KEPT]:
        with suppress(OSError):
            old.unlink()
    return target


def backups(path: Path) -> list[Path]:
    """The copies made before migrations, oldest first."""
    dated = [
        (int(found[1]), each)
        for each in path.parent.glob(f"{path.name}.backup-v*")
        if (found := re.fullmatch(r"backup-v\d+-(\d+)", each.name.removeprefix(f"{path.name}.")))
    ]
    return [each for _, each in sorted(dated)]
