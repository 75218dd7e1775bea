"""The ledger: every attempt in numbers, also of requests that are themselves not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.storage.booking import HERE, book

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.budget import Account
    from llmdesk.core.periods import Calendar
    from llmdesk.core.types import Attempt
    from llmdesk.storage.database import Database


class Ledger:
    """Books the attempts that no request in the same database books.

    Args:
        database: where they go.
        apart: requests are kept elsewhere (in memory, off the record), so that all attempts are booked here too.
        calendar: the user's days.
    """

    def __init__(self, database: Database, *, apart: bool = False, calendar: Calendar = HERE) -> None:
        self.database = database
        self.apart = apart
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

        def work(connection: sqlite3.Connection) -> None:
            for attempt in attempts:
                book(
                    connection,
                    account,
                    attempt,
                    calendar=self._calendar,
                    run=run,
                    record_text=False,
                    record_words=False,
                )

        if attempts:
            await self.database.write(work)
