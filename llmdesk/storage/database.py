"""The database file: one connection owned by one worker thread, opened on first use, every write one transaction.

Commits are durable when they return (``synchronous=FULL``). A broken file is moved aside and never deleted; a file that
vanishes is made anew; a file of a newer llmdesk is read and not written (policy D3, D4, D6 to D11).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from llmdesk.core.errors import StorageError
from llmdesk.core.text import one_line
from llmdesk.new_files import make_private_folder
from llmdesk.storage import fulltext
from llmdesk.storage.changes import ForeignWrites
from llmdesk.storage.connection import connect, newer_schema, prepare
from llmdesk.storage.files import corrupt_name, create_private_file, on_network_filesystem
from llmdesk.storage.schema import MIGRATIONS
from llmdesk.storage.transactions import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

T = TypeVar("T")

LOCK_TIMEOUT_S = 5.0
"""How long a lock held by another program is waited for (policy D7)."""

_COMPANIONS = ("-wal", "-shm", "-journal")


class Database:
    """SQLite behind ``await``: ``read`` and ``write`` run a function against the connection, one at a time.

    A function that was handed in always runs to its end: cancelling the task that waits for it changes nothing on disk.

    Args:
        path: the file; ``None`` = in memory, gone with the process.
        on_warning: told in one line what the user should know; called from the worker thread.
        clock: UTC epoch seconds, for the names of files moved aside and of backups.
        lock_timeout_s: how long a lock of another program is waited for, seconds.
        on_network: whether a file lies on a network filesystem.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        on_warning: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        on_network: Callable[[Path], bool] = on_network_filesystem,
    ) -> None:
        self.path = path
        self._warn = on_warning
        self._clock = clock
        self._lock_timeout_s = lock_timeout_s
        self._on_network = on_network
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        self._foreign = ForeignWrites(path)
        # From here on: touched by the worker thread only.
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._newer_schema: int | None = None

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on one consistent snapshot; it must not write.

        Raises:
            StorageError: the file cannot be opened or read.
        """
        return await self._submit(partial(self._transact, work))

    async def write(self, work: Callable[[sqlite3.Connection], T], *, purge: bool = False, durable: bool = True) -> T:
        """Run ``work`` in one immediate transaction and return when it is on the disk.

        Whatever ``work`` raises rolls everything back. It may run twice, when the file had to be made anew in between.

        Args:
            work: gets the connection; returns what the caller gets.
            purge: text was removed, so the write-ahead log, which still holds it, is emptied too.
            durable: false = do not wait for the disk; a power cut may undo it, the end of any process does not.

        Raises:
            StorageError: the disk, a lock or a newer schema forbids it; nothing was written.
        """
        return await self._submit(partial(self._write, work, purge=purge, durable=durable))

    def data_version(self) -> int:
        """Return a number that grows when another instance has written; costs two ``stat`` calls, waits for nothing."""
        return self._foreign.count()

    async def health(self) -> str:
        """Return ``ok``, or the first fault SQLite finds in the file.

        Raises:
            StorageError: the file cannot be opened or read.
        """
        return await self.read(lambda connection: str(connection.execute("PRAGMA quick_check(1)").fetchone()[0]))

    async def aclose(self) -> None:
        """Finish what was handed in, then close the file. Closing twice is fine."""
        if self._closed:
            return
        executor = self._executor
        if executor is not None:
            try:
                await self._submit(self._drop_connection, last=True)
            finally:
                executor.shutdown(wait=False)
        self._closed = True

    # --- the waiting side ---------------------------------------------------------------------------------------

    async def _submit(self, job: Callable[[], T], *, last: bool = False) -> T:
        if self._closed:
            raise StorageError(f"{self._name()}: the database is closed.")
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llmdesk-database")
        executor = self._executor
        self._closed = last
        # Shielded, because cancelling the future of a job that still waits in the queue would take it out.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(executor, job))

    def _name(self) -> str:
        return "the database in memory" if self.path is None else str(self.path)

    # --- the worker thread --------------------------------------------------------------------------------------

    def _write(self, work: Callable[[sqlite3.Connection], T], *, purge: bool, durable: bool) -> T:
        result = self._transact(work, writing=True, durable=durable)
        if purge and self._connection is not None:
            import sqlite3

            # A reader in another instance may hold the log; then its next checkpoint does this.
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._foreign.know()
        return result

    def _transact(self, work: Callable[[sqlite3.Connection], T], *, writing: bool = False, durable: bool = True) -> T:
        import sqlite3

        mended = False
        while True:
            try:
                connection = self._connected()
                if writing and self._newer_schema is not None:
                    raise StorageError(self._newer_message(self._newer_schema))
                if writing:
                    with _synchronous(connection, full=durable):
                        return self._foreign.transact(connection, work)
                with transaction(connection, "BEGIN"):
                    return work(connection)
            except sqlite3.Error as error:
                if mended or not self._mend(error):
                    raise StorageError(self._explain(error)) from error
                mended = True
            except OSError as error:
                raise StorageError(f"{self._name()}: {error.strerror or error}.") from error
            except OverflowError as error:  # what SQLite cannot hold must not cost more than its record
                raise StorageError(f"{self._name()}: a number is too large to be kept.") from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self.path is not None and _identity(self.path) != self._identity:
            self._drop_connection()  # deleted, or replaced by another instance
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _drop_connection(self) -> None:
        import sqlite3

        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            create_private_file(self.path)
            self._identity = _identity(self.path)
        connection = connect(self.path, lock_timeout_s=self._lock_timeout_s)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._foreign.know()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._newer_schema = newer_schema(connection)
        if self._newer_schema is not None:
            connection.execute("PRAGMA query_only = ON")
            self._warn(self._newer_message(self._newer_schema))
            return
        on_network = self.path is not None and self._on_network(self.path)
        if on_network:
            self._warn(f"{self.path} is on a network filesystem; several instances at once will be slow there.")
        prepare(connection, self.path, lock_timeout_s=self._lock_timeout_s, on_network=on_network, now=self._clock)

    # --- when it goes wrong -------------------------------------------------------------------------------------

    def _mend(self, error: sqlite3.Error) -> bool:
        """Do what can be done about ``error``; true = worth another try."""
        import sqlite3

        try:
            return self.path is not None and self._repair(self.path, error)
        except (sqlite3.Error, OSError):
            return False

    def _repair(self, path: Path, error: sqlite3.Error) -> bool:
        import sqlite3

        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_CORRUPT_VTAB and self._connection is not None:
            # Only the index is broken, and it can be made from the messages.
            with transaction(self._connection):
                fulltext.fill(self._connection)
            return True
        if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self._move_aside(path, error)
            return True
        if code == sqlite3.SQLITE_READONLY_DBMOVED:
            self._drop_connection()
            return True
        return False

    def _move_aside(self, path: Path, error: sqlite3.Error) -> None:
        from filelock import FileLock

        broken = self._identity
        self._drop_connection()
        make_private_folder(path.parent)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=self._lock_timeout_s, mode=0o600):
            if _identity(path) != broken:
                return  # another instance was faster
            aside = corrupt_name(path, self._clock())
            for suffix in _COMPANIONS:
                with suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
            path.rename(aside)
        self._warn(
            f"The database was damaged ({one_line(str(error), 80)}). It is kept as {aside}; a new one was begun."
        )

    def _newer_message(self, version: int) -> str:
        return (
            f"{self._name()} was written by a newer llmdesk (schema {version}, this one knows {len(MIGRATIONS)}). "
            "It is only read. Update llmdesk."
        )

    def _explain(self, error: sqlite3.Error) -> str:
        import sqlite3

        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                cause = f"locked by another program for more than {self._lock_timeout_s:g} s"
            case sqlite3.SQLITE_FULL:
                cause = "the disk is full"
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                cause = "cannot be written"
            case sqlite3.SQLITE_CANTOPEN:
                cause = "cannot be opened"
            case sqlite3.SQLITE_IOERR:
                cause = f"the disk reported an error ({one_line(str(error), 80)})"
            case _:
                cause = one_line(str(error), 120)
        return f"{self._name()}: {cause}."


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _synchronous(connection: sqlite3.Connection, *, full: bool) -> Iterator[None]:
    """Let commits wait for the disk or not; with a write-ahead log the next one that waits takes the others along."""
    if full:
        yield
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
