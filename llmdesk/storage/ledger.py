"""The ledger: every attempt in numbers, also of requests that are themselves not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.storage import failovers
from llmdesk.storage.booking import HERE, book_row
from llmdesk.storage.columns import attempt_row, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.budget import Account
    from llmdesk.core.periods import Calendar
    from llmdesk.core.types import Attempt
    from llmdesk.core.views import FailoverRow
    from llmdesk.storage.database import Database
    from llmdesk.storage.overflow import Overflow, Part


class Ledger:
    """Books the attempts that no request in the same database books, and tells what is booked.

    Args:
        database: where they go.
        apart: requests are kept elsewhere (in memory, off the record), so that all attempts are booked here too.
        overflow: where they wait when the database cannot be written; ``None`` = nowhere.
        calendar: the user's days.
    """

    def __init__(
        self,
        database: Database,
        *,
        apart: bool = False,
        overflow: Overflow | None = None,
        calendar: Calendar = HERE,
    ) -> None:
        self.database = database
        self.apart = apart
        self._overflow = overflow
        self._calendar = calendar

    async def book(self, account: Account, attempts: Sequence[Attempt], *, run: int = 1) -> None:
        """Book attempts in one commit: numbers and names, no message and no text. One that is there already stays.

        Args:
            account: to whom.
            attempts: attempts and skips.
            run: tells the runs of a request apart.

        Raises:
            StorageError: nothing was booked.
        """
        rows = self._rows(account, attempts, run)

        def work(connection: sqlite3.Connection) -> None:
            for row in rows:
                book_row(connection, row, self._calendar)

        if rows:
            await self.database.write(work)

    def keep_for_later(self, account: Account, attempts: Sequence[Attempt], *, run: int = 1) -> bool:
        """Keep attempts that the database refused, in numbers, until the next start; takes some milliseconds.

        An attempt that the database takes after all is not counted twice. Whatever goes wrong becomes a warning.

        Args:
            account: to whom they are booked then.
            attempts: attempts and skips.
            run: tells the runs of a request apart.

        Returns:
            Whether they are kept.
        """
        if self._overflow is None or not attempts:
            return False
        return self._overflow.keep(self._rows(account, attempts, run))

    async def fold(self) -> int:
        """Book what the database could not take in earlier runs; any number of instances may do this at once.

        Returns:
            How many attempts were new.

        Raises:
            StorageError: nothing was booked, and everything waits on.
        """
        overflow = self._overflow
        if overflow is None or not overflow.waits():
            return 0

        def work(connection: sqlite3.Connection) -> tuple[tuple[Part, ...], int]:
            parts = overflow.parts(connection)
            return parts, sum(book_row(connection, row, self._calendar) for part in parts for row in part.rows)

        parts, new = await self.database.write(work)
        for part in parts:
            overflow.drop(part)
        return new

    async def failovers(
        self,
        *,
        since: float | None = None,
        lane: str | None = None,
        provider: str | None = None,
        reason: str | None = None,
        limit: int = 500,
    ) -> tuple[FailoverRow, ...]:
        """Steps from one target to the next, newest first.

        Args:
            since: UTC epoch seconds; ``None`` = from the beginning.
            lane: only this lane's.
            provider: only those away from, or to, this one.
            reason: only those for this reason.
            limit: at most so many.

        Raises:
            StorageError: the database cannot be read.
        """
        since_ms = None if since is None else to_ms(since)
        return await self.database.read(
            lambda connection: failovers.read(connection, since_ms, lane, limit, provider=provider, reason=reason)
        )

    def _rows(self, account: Account, attempts: Sequence[Attempt], run: int) -> list[dict[str, object]]:
        return [
            attempt_row(
                attempt, account, day=self._calendar.day(attempt.at), run=run, record_text=False, record_words=False
            )
            for attempt in attempts
        ]
