"""Whether another instance has written to the database: seen by its files, and told from what this one writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from llmdesk.storage.files import change_mark
from llmdesk.storage.transactions import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from llmdesk.storage.files import Mark

T = TypeVar("T")


class ForeignWrites:
    """Counts the writes of others. Shared by the thread that writes and whoever asks, without a lock.

    Args:
        path: the database; ``None`` = in memory, where nobody else is.
    """

    def __init__(self, path: Path | None) -> None:
        self._files = () if path is None else (path, path.with_name(f"{path.name}-wal"))
        self._mark: tuple[Mark, ...] = ()
        self._count = 0  # a lost step still leaves the number changed
        self._writing = False

    def count(self) -> int:
        """Return a number that grows when another instance has written; costs two ``stat`` calls, waits for nothing.

        While this one writes, the files tell nothing: who else has written is known at the end of that.
        """
        if not self._writing:
            self._look()
        return self._count

    def know(self) -> None:
        """Take the files as they are now for known, as this instance has just changed or opened them."""
        self._mark = self._marks()

    def transact(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a write in one immediate transaction, so that the count grows for what others wrote, and only for that.

        Nobody else writes between the two ends of the transaction; before it the files tell, after it SQLite does. The
        files are looked at before SQLite is asked, so that what another instance commits in between shows in one of the
        two.
        """
        self._writing = True
        try:
            with transaction(connection):
                self._look()
                seen = _commits_of_others(connection)
                result = work(connection)
            self.know()
        finally:
            self._writing = False
        if _commits_of_others(connection) != seen:
            self._count += 1
        return result

    def _look(self) -> None:
        if (marks := self._marks()) != self._mark:
            self._mark = marks
            self._count += 1

    def _marks(self) -> tuple[Mark, ...]:
        return tuple(map(change_mark, self._files))


def _commits_of_others(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
