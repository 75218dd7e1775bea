"""A connection to the database file as everything here expects it: its journal, its pragmas, its schema, its index."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmdesk.storage import fulltext
from llmdesk.storage.migrations import migrate, schema_version
from llmdesk.storage.schema import MIGRATIONS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path


def connect(path: Path | None, *, lock_timeout_s: float) -> sqlite3.Connection:
    """Open the file; nothing is read or written yet.

    Args:
        path: the file; ``None`` = in memory.
        lock_timeout_s: how long a lock of another program is waited for, seconds.
    """
    import sqlite3

    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=lock_timeout_s,  # set before the first pragma (policy D7)
        isolation_level=None,
        # A statement that is kept for next time keeps what was last bound to it: three of them, each prompt.
        cached_statements=0,
    )
    connection.row_factory = sqlite3.Row
    return connection


def newer_schema(connection: sqlite3.Connection) -> int | None:
    """The schema of a file that a newer llmdesk has written, which is only to be read; ``None`` = it is ours."""
    version = schema_version(connection)
    return version if version > len(MIGRATIONS) else None


def prepare(
    connection: sqlite3.Connection,
    path: Path | None,
    *,
    lock_timeout_s: float,
    on_network: bool,
    now: Callable[[], float],
) -> None:
    """Make everything ready for writing, and bring the schema up to date.

    Args:
        connection: fresh from ``connect``.
        path: the file; ``None`` = in memory.
        lock_timeout_s: how long a lock of another program is waited for, seconds.
        on_network: it lies on a network filesystem, which gives no shared memory.
        now: UTC epoch seconds.

    Raises:
        sqlite3.Error, OSError: the file cannot be used.
    """
    if path is not None:
        _choose_journal(connection, "delete" if on_network else "wal", lock_timeout_s)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 16 MiB: one commit in 600 waits for it, not one in 150
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, path, now=now)
    fulltext.ensure(connection, fts5=fulltext.available(connection))


def _choose_journal(connection: sqlite3.Connection, wanted: str, lock_timeout_s: float) -> None:
    import sqlite3

    deadline = time.monotonic() + lock_timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
        try:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
        except sqlite3.OperationalError as error:
            # Changing the mode needs the file alone, and does not wait for it as other locks do.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return  # a filesystem that cannot do it keeps what it has
