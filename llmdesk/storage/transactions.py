"""A transaction around a piece of work: all of it is written, or nothing."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@contextmanager
def transaction(
    connection: sqlite3.Connection, begin: Literal["BEGIN", "BEGIN IMMEDIATE"] = "BEGIN IMMEDIATE"
) -> Iterator[None]:
    """Commit what is done inside, or roll it back where anything is raised.

    Args:
        connection: in autocommit mode, outside a transaction.
        begin: an immediate one has the file for itself from its beginning; else it is one snapshot to read from.
    """
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        import sqlite3

        # After a full disk SQLite has often rolled back by itself.
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise
