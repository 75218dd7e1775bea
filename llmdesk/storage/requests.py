"""Requests on disk: accepted before the first byte, finished once, until then the outbox (policy R2, I1, I2)."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError, UsageError
from llmdesk.storage import request_rows as rows
from llmdesk.storage.booking import HERE
from llmdesk.storage.columns import begins_with, to_ms
from llmdesk.storage.forgetting import forget_text
from llmdesk.storage.versions import reinstate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from llmdesk.core.periods import Calendar
    from llmdesk.core.types import Attempt, Outcome
    from llmdesk.core.views import OutboxEntry, RequestView
    from llmdesk.storage.database import Database
    from llmdesk.storage.records import StoredAnswer, StoredRequest

INTERRUPTED = "interrupted: the program was ended"
"""Why a request of a killed instance is paused."""

DROPPED = "dropped from the outbox"
"""Why a request that was dropped is cancelled."""


class RequestStore:
    """The requests of one database, written for one instance.

    Args:
        database: where they are.
        owner: the id of this instance; only the owner of a request can finish it.
        clock: UTC epoch seconds.
        calendar: the days to which attempts are booked.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        *,
        clock: Callable[[], float] = time.time,
        calendar: Calendar = HERE,
    ) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._calendar = calendar
        # What this instance has under way, so that a database deleted meanwhile loses none of it (policy D8).
        self._under_way: dict[str, StoredRequest] = {}

    # --- the life of a request ------------------------------------------------------------------------------------

    async def accept(self, request: StoredRequest) -> None:
        """Write a new request, and its message, in one commit. When this returns, the prompt cannot be lost.

        Raises:
            StorageError, UsageError: nothing was written; in its conversation is no turn that it replaces or continues.
        """
        self._under_way[request.id] = request
        try:
            await self._database.write(lambda connection: rows.insert(connection, request, self._owner))
        except (StorageError, UsageError):
            del self._under_way[request.id]
            raise

    async def running(self, request_id: str) -> None:
        """Note that targets are being asked now."""

        def work(connection: sqlite3.Connection) -> None:
            self._restore(connection, request_id)
            connection.execute(
                "UPDATE requests SET status = 'running' WHERE id = ? AND owner = ? AND status = 'accepted'",
                (request_id, self._owner),
            )

        await self._database.write(work)

    async def add_attempt(self, request_id: str, attempt: Attempt) -> None:
        """Write one attempt at once. Numbers go on through all runs of a request; one that is there already stays."""

        def work(connection: sqlite3.Connection) -> None:
            self._restore(connection, request_id)
            rows.insert_attempts(connection, request_id, [attempt], calendar=self._calendar)

        await self._database.write(work)

    async def finish(self, request_id: str, outcome: Outcome, *, answer: StoredAnswer | None) -> bool:
        """Write how this run of a request ended: state, attempts not written yet and the answer, in one commit.

        Args:
            request_id: a request this instance accepted or claimed.
            outcome: ``status`` paused puts it into the outbox until ``next_try_at``.
            answer: the text to keep; it takes the place of an earlier partial answer. ``None`` = nothing came.

        Returns:
            Whether it was written; false when the request has ended meanwhile (its conversation was removed).

        Raises:
            StorageError: nothing was written, and the request is still open on disk.
        """
        now_ms = to_ms(self._clock())

        def work(connection: sqlite3.Connection) -> bool:
            self._restore(connection, request_id)
            return rows.finish(
                connection, request_id, outcome, answer, owner=self._owner, now_ms=now_ms, calendar=self._calendar
            )

        request = self._under_way.get(request_id)
        written = await self._database.write(work, purge=request is not None and not request.record_text)
        self._under_way.pop(request_id, None)
        return written

    # --- the outbox -----------------------------------------------------------------------------------------------

    async def outbox(self) -> tuple[OutboxEntry, ...]:
        """The paused requests in the order in which they were accepted. ``attempts`` counts calls, not skips."""
        return await self._database.read(rows.outbox)

    async def load(self, request_id: str) -> StoredRequest | None:
        """A request as it was accepted; text and payload are empty once it has ended. ``None`` = there is none."""
        return await self._database.read(lambda connection: rows.load(connection, request_id))

    async def claim(
        self, request_id: str, *, seen: OutboxEntry | None = None, resumed: int = 0
    ) -> StoredRequest | None:
        """Take a paused request out of the outbox and own it. Of all who try, exactly one gets it.

        Args:
            request_id: the request.
            seen: take it without its user: only if it still waits as it was seen, it was not asked in another version
                or gone on with meanwhile, its conversation was not deleted, and no earlier request of its conversation,
                nor one of its lane that was taken out of the outbox too, is being answered now.
            resumed: how often it has now been taken up without its user.
        """
        waits_as = (to_ms(seen.next_try_at), seen.resumed) if seen is not None else (None, 0)

        def work(connection: sqlite3.Connection) -> StoredRequest | None:
            won = connection.execute(
                "UPDATE requests SET status = 'running', owner = ?, run = run + 1, resumed = ?, reason = '', "
                "error_kind = NULL, next_try_at = NULL WHERE id = ? AND status = 'paused' AND (? OR "
                "(next_try_at IS ? AND resumed = ? "
                "AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.request = requests.id AND m.superseded_by NOT NULL) "
                "AND NOT EXISTS (SELECT 1 FROM messages m JOIN requests g ON g.id = m.request WHERE "
                "m.conversation = requests.conversation AND m.continues = requests.id "
                "AND g.status IN ('accepted', 'running', 'paused')) "
                "AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = requests.conversation "
                "AND c.deleted_at NOT NULL) "
                "AND NOT EXISTS (SELECT 1 FROM requests e WHERE e.status IN ('accepted', 'running') "
                "AND e.position < requests.position AND "
                "(e.conversation = requests.conversation OR (e.lane = requests.lane AND e.run > 1)))))",
                (self._owner, resumed, request_id, seen is None, *waits_as),
            ).rowcount
            if won:  # whoever asks for it wants its conversation back as well, if that was deleted
                connection.execute(
                    "UPDATE conversations SET deleted_at = NULL WHERE deleted_at NOT NULL "
                    "AND id = (SELECT conversation FROM requests WHERE id = ?)",
                    (request_id,),
                )
            return rows.load(connection, request_id) if won else None

        request = await self._database.write(work)
        if request is not None:
            self._under_way[request.id] = request
        return request

    async def drop(self, request_id: str) -> bool:
        """End a paused request as cancelled and forget its text. Returns whether there was one."""
        now = to_ms(self._clock())

        def work(connection: sqlite3.Connection) -> bool:
            dropped = connection.execute(
                "UPDATE requests SET status = 'cancelled', reason = ?, finished_at = ?, next_try_at = NULL "
                "WHERE id = ? AND status = 'paused'",
                (DROPPED, now, request_id),
            ).rowcount
            if dropped:
                reinstate(connection, request_id)
                forget_text(connection, request_id)
            return bool(dropped)

        return await self._database.write(work, purge=True)

    async def recover(self, is_alive: Callable[[str], bool]) -> tuple[str, ...]:
        """Turn what dead instances left open into paused requests, and return their ids.

        Any number of instances may do this at once: each request is taken back once, and a living instance keeps its
        own (policy I19).

        Args:
            is_alive: whether the instance of that id still runs.
        """

        def work(connection: sqlite3.Connection) -> tuple[str, ...]:
            owners = rows.owners_of_open(connection)
            dead = [owner for owner in owners if owner != self._owner and not is_alive(owner)]
            return rows.pause_all_of(connection, dead, INTERRUPTED)

        return await self._database.write(work)

    # --- looking back ---------------------------------------------------------------------------------------------

    async def resolve(self, prefix: str, *, limit: int = 20) -> tuple[str, ...]:
        """The ids that begin with ``prefix``, oldest first; a whole id stands for itself alone."""

        def work(connection: sqlite3.Connection) -> tuple[str, ...]:
            found = connection.execute(
                f"SELECT id FROM requests WHERE {begins_with('id')} ORDER BY position LIMIT ?",  # noqa: S608 - constant
                (prefix, prefix, limit),
            )
            ids = tuple(request_id for (request_id,) in found)
            return (prefix,) if prefix in ids else ids

        return await self._database.read(work)

    async def recent_prompts(self, *, limit: int = 200) -> tuple[str, ...]:
        """What was asked in conversations, newest first, each text once.

        Nothing of agents, nothing kept without text, nothing of deleted conversations, and none of our own words.

        Args:
            limit: at most so many.
        """

        def work(connection: sqlite3.Connection) -> tuple[str, ...]:
            prompts = connection.execute(
                "SELECT r.prompt FROM requests r JOIN conversations c ON c.id = r.conversation "
                "WHERE c.deleted_at IS NULL AND r.agent IS NULL AND r.record_text AND r.prompt <> '' "
                "AND EXISTS (SELECT 1 FROM messages m WHERE m.request = r.id AND m.role = 'user' "
                "AND m.continues IS NULL) ORDER BY r.position DESC"
            )
            # Read row by row: the newest are soon enough of them, however many there are.
            return tuple(islice(_each_once(prompt for (prompt,) in prompts), limit))

        return await self._database.read(work)

    async def view(self, request_id: str) -> RequestView | None:
        """One request with every attempt and skip of every run; ``None`` = there is none."""
        return await self._database.read(lambda connection: rows.view(connection, request_id))

    def _restore(self, connection: sqlite3.Connection, request_id: str) -> None:
        """Write a request under way again, if the database was made anew since it was accepted."""
        request = self._under_way.get(request_id)
        if request is None or connection.execute("SELECT 1 FROM requests WHERE id = ?", (request_id,)).fetchone():
            return
        # What it was to replace or to go on with went with the old file.
        rows.insert(connection, replace(request, replaces=None, continues=None), self._owner)


def _each_once(texts: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text
