"""What is being written, on disk, so that a crash loses no more than the last words typed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from llmdesk.core.text import storable
from llmdesk.core.views import Draft
from llmdesk.storage.columns import to_ms, to_s

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from llmdesk.storage.database import Database


class DraftStore:
    """The drafts of one database, written for one instance.

    Args:
        database: where they are.
        owner: the id of this instance.
        is_alive: whether the instance of that id still runs.
        clock: UTC epoch seconds.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        is_alive: Callable[[str], bool],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._owner = owner
        self._is_alive = is_alive
        self._clock = clock

    async def keep(self, draft: Draft) -> None:
        """Write what a lane's user has written so far; an empty draft is forgotten.

        Raises:
            StorageError: it could not be written.
        """
        saved_ms = to_ms(self._clock())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM drafts WHERE owner = ? AND lane = ?", (self._owner, draft.lane))
            if draft.text or draft.queue:
                queue = json.dumps([storable(text) for text in draft.queue])
                connection.execute(
                    "INSERT INTO drafts (owner, lane, conversation, text, queue, saved_at) VALUES (?, ?, ?, ?, ?, ?)",
                    (self._owner, draft.lane, draft.conversation, storable(draft.text), queue, saved_ms),
                )

        await self._database.write(work, purge=True)

    async def claim(self) -> tuple[Draft, ...]:
        """Take over what instances that are gone have left behind, the newest of each lane; one instance gets it."""

        def work(connection: sqlite3.Connection) -> tuple[Draft, ...]:
            owners = [owner for (owner,) in connection.execute("SELECT DISTINCT owner FROM drafts")]
            gone = [owner for owner in owners if owner != self._owner and not self._is_alive(owner)]
            newest: dict[str, Draft] = {}
            for owner in gone:
                for row in connection.execute("DELETE FROM drafts WHERE owner = ? RETURNING *", (owner,)).fetchall():
                    draft = Draft(
                        lane=row["lane"],
                        text=row["text"],
                        queue=tuple(json.loads(row["queue"])),
                        conversation=row["conversation"],
                        saved_at=to_s(row["saved_at"]),
                    )
                    if draft.lane not in newest or newest[draft.lane].saved_at < draft.saved_at:
                        newest[draft.lane] = draft
            return tuple(newest.values())

        return await self._database.write(work, purge=True)
