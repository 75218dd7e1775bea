"""What a desk does beside its work, now and then: rolling up what is not yet, and forgetting what is too old.

Both in small steps with pauses in between, so that nobody who books an attempt waits for more than one step; any number
of instances may do them at once. What is forgotten are numbers: attempts, measures and the sums of days. Conversations
and requests stay, and so do the attempts of a request that still waits, because its next ones go on from them.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.storage.booking import HERE
from llmdesk.storage.rollups import LEVELS, backlog, roll_up_backlog

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable

    from llmdesk.core.periods import Calendar
    from llmdesk.storage.database import Database

FIRST_S = 2.0
"""How long a new desk is left alone, seconds: its first prompt comes before any of this."""

PAUSE_S = 0.05
"""Between two steps, seconds."""

STEP = 200
"""So many rows are forgotten at once."""

LAST_STEPS = 2
"""So many steps of each kind are done on leaving, a few milliseconds each."""

_OLD = (
    """DELETE FROM attempts WHERE id IN (
           SELECT a.id FROM attempts a WHERE a.day < :day AND NOT EXISTS (
               SELECT 1 FROM requests r WHERE r.id = a.request AND r.status IN ('accepted', 'running', 'paused'))
           LIMIT :step)""",
    *(
        f"DELETE FROM measures WHERE id IN (SELECT id FROM measures WHERE level = '{level.name}' AND day < :day "  # noqa: S608 - our names
        "LIMIT :step)"
        for level in LEVELS
    ),
    """DELETE FROM spend WHERE (scope, key, lane, provider, agent) IN (
           SELECT scope, key, lane, provider, agent FROM spend WHERE scope = 'day' AND key < :day LIMIT :step)""",
)
"""Each forgets some rows of days before ``day``."""

_LAST = "retention"
"""Under this name stands the local date on which old rows were last looked for."""


class Upkeep:
    """The upkeep of one database.

    Args:
        database: it.
        keep_days: attempts and measures of so many local days before today are kept.
        clock: UTC epoch seconds.
        calendar: the user's days.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep_days: int,
        clock: Callable[[], float] = time.time,
        calendar: Calendar = HERE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._keep_days = keep_days
        self._clock = clock
        self._calendar = calendar
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    def begin(self) -> None:
        """Do what is due in the background; must be called from the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._try())

    async def aclose(self) -> None:
        """Stop after the step under way; the next desk goes on from there.

        Whoever only ever runs short commands has no desk that lives long enough: a few steps are done on leaving.
        """
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._begun:
            with suppress(StorageError):
                await self._forget_old(steps=LAST_STEPS)

    async def _try(self) -> None:
        with suppress(StorageError):  # a desk that can write will do it
            await self.run()

    async def run(self) -> None:
        """Do what is due, then return; old rows are looked for once a local day.

        Raises:
            StorageError: the database cannot be written; what was done until then stays done.
        """
        await self._sleep(FIRST_S)
        self._begun = True
        if await self._database.read(backlog) is not None:
            await self._step_by_step(lambda connection: roll_up_backlog(connection, self._calendar))
        await self._forget_old()

    async def _forget_old(self, *, steps: int | None = None) -> None:
        """Forget the numbers of all days that are too old, once a local day.

        Args:
            steps: do at most so many of each kind; what is left is for the next desk. ``None`` = all.
        """
        today = self._calendar.day(self._clock())
        if await self._database.read(_last_looked) == today:
            return
        first_kept = (date.fromisoformat(today) - timedelta(days=self._keep_days)).isoformat()
        values = {"day": first_kept, "step": STEP}
        done = [await self._step_by_step(partial(_forget_some, statement, values), steps) for statement in _OLD]
        if all(done):
            await self._database.write(lambda connection: _looked(connection, today), durable=False)

    async def _step_by_step(self, step: Callable[[sqlite3.Connection], bool], most: int | None = None) -> bool:
        """Do a step again and again, at most so often; returns whether it has said that nothing is left."""
        for number in count(1):
            if not await self._database.write(step, durable=False):
                return True
            if number == most:
                return False
            await self._sleep(PAUSE_S if most is None else 0.0)
        return True


def _forget_some(statement: str, values: dict[str, object], connection: sqlite3.Connection) -> bool:
    """Forget some rows; returns whether there may be more."""
    return connection.execute(statement, values).rowcount == STEP


def _last_looked(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT value FROM upkeep WHERE name = ?", (_LAST,)).fetchone()
    return None if found is None else str(found[0])


def _looked(connection: sqlite3.Connection, today: str) -> None:
    connection.execute("INSERT OR REPLACE INTO upkeep (name, value) VALUES (?, ?)", (_LAST, today))
