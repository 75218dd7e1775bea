"""Conversations on disk: what was said in order, and what of it may be said to a model again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from llmdesk.core.errors import UsageError
from llmdesk.core.prompting import context_messages
from llmdesk.core.text import storable
from llmdesk.core.views import Conversation
from llmdesk.storage.attachments import attachments_of
from llmdesk.storage.columns import (
    CONVERSATION_COLUMNS,
    SENT,
    TOLD,
    begins_with,
    tags_of,
    to_conversation_view,
    to_message,
    to_ms,
    to_s,
    to_said,
)
from llmdesk.storage.fulltext import forget_deleted
from llmdesk.storage.removal import remove_conversation, remove_turn
from llmdesk.storage.request_rows import touch_conversation
from llmdesk.storage.versions import prefer, stand_again
from llmdesk.storage.whole import write_whole

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from llmdesk.core.types import Message
    from llmdesk.core.views import Attachment, ConversationView
    from llmdesk.storage.database import Database

MessageT = TypeVar("MessageT")

SHOWN_IDS = 20
"""So many ids are told of those that begin alike."""


class ConversationStore:
    """The conversations of one database.

    Args:
        database: where they are.
        clock: UTC epoch seconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def create(self, conversation_id: str, *, lane: str, title: str = "") -> None:
        """Begin an empty conversation; one that is there already becomes the most recently used."""
        at_ms = to_ms(self._clock())
        await self._database.write(
            lambda connection: touch_conversation(connection, conversation_id, title=title, lane=lane, at_ms=at_ms)
        )

    async def put(self, conversation: Conversation, *, newest: bool) -> bool:
        """Write a whole conversation at once, of which nothing was asked here: a fork, or another program's.

        Args:
            conversation: the ids of its requests must be nobody else's.
            newest: make it the most recently used one; else the least.

        Returns:
            Whether it was written; false when there is one of that id, deleted or not.
        """
        return await self._database.write(lambda connection: write_whole(connection, conversation, newest=newest))

    async def prefer(self, conversation_id: str, kept: str, others: Sequence[str]) -> None:
        """Of the turns of requests with the same prompt let one stand; the others become earlier versions of it.

        Raises:
            UsageError: one of them is not in the conversation.
        """

        def work(connection: sqlite3.Connection) -> None:
            there = {
                request
                for (request,) in connection.execute(
                    "SELECT request FROM messages WHERE conversation = ? AND role = 'user'", (conversation_id,)
                )
            }
            if not {kept, *others} <= there:
                raise UsageError("That prompt is not in the conversation any more.")
            prefer(connection, conversation_id, kept, [other for other in dict.fromkeys(others) if other != kept])

        await self._database.write(work)

    async def stand_again(self, conversation_id: str, request_id: str) -> bool:
        """Let an earlier version of a turn, with what followed it, stand again in place of what stands now.

        Returns:
            Whether the turn of that request was an earlier version.
        """
        return await self._database.write(lambda connection: stand_again(connection, conversation_id, request_id))

    async def list(self, limit: int = 200, *, archived: bool = False) -> tuple[ConversationView, ...]:
        """The pinned conversations, then the most recently used, whatever the clock did meanwhile.

        Args:
            limit: how many at most.
            archived: those that were put away instead.
        """

        def work(connection: sqlite3.Connection) -> tuple[ConversationView, ...]:
            rows = connection.execute(
                f"""SELECT {CONVERSATION_COLUMNS} FROM conversations c
                    WHERE c.deleted_at IS NULL AND (c.archived_at IS NOT NULL) = ?
                    ORDER BY c.pinned DESC, c.used DESC LIMIT ?""",  # noqa: S608 - constants only
                (archived, limit),
            )
            return tuple(to_conversation_view(row) for row in rows)

        return await self._database.read(work)

    async def resolve(self, prefix: str) -> tuple[str, ...]:
        """The ids that begin with ``prefix``, at most 20; a whole id stands for itself alone."""
        return await self._database.read(lambda connection: _resolve(connection, prefix))

    async def get(self, prefix: str) -> Conversation:
        """A conversation with all its messages; a late answer stands behind its question.

        Args:
            prefix: the id, or an unambiguous beginning of it.

        Raises:
            UsageError: no conversation, or more than one, has that id.
        """

        def work(connection: sqlite3.Connection) -> Conversation:
            found = _resolve(connection, prefix) if prefix else ()
            if not found:
                raise UsageError(f"No conversation {prefix}. List them with: llmdesk conversations list")
            if len(found) > 1:
                raise UsageError(f"Several conversations begin with {prefix}: write more of it.")
            row = connection.execute("SELECT * FROM conversations WHERE id = ?", found).fetchone()
            return Conversation(
                id=row["id"],
                title=row["title"],
                lane=row["lane"],
                created_at=to_s(row["created_at"]),
                updated_at=to_s(row["updated_at"]),
                messages=_messages(connection, row["id"], TOLD, to_message),
                pinned=bool(row["pinned"]),
                archived=row["archived_at"] is not None,
                tags=tags_of(connection, row["id"]),
            )

        return await self._database.read(work)

    async def history(self, conversation_id: str, *, before_request: str | None = None) -> tuple[Message, ...]:
        """What a model may see of a conversation: whole turns with a complete answer, oldest first (policy R7, I18).

        Args:
            conversation_id: the whole id; an unknown one has no history.
            before_request: leave out this request's own turn and everything after it.
        """

        def work(connection: sqlite3.Connection) -> tuple[Message, ...]:
            stored = _messages(connection, conversation_id, SENT, to_said)
            return context_messages(stored, before_request=before_request)

        return await self._database.read(work)

    async def rename(self, conversation_id: str, title: str) -> bool:
        """Give a conversation another title. Returns whether there is such a conversation."""

        def work(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", (storable(title), conversation_id)
            )
            return bool(changed.rowcount)

        return await self._database.write(work)

    async def pin(self, conversation_id: str, pinned: bool) -> bool:
        """Keep a conversation above the others, or no longer. Returns whether there is such a conversation."""
        return await self._set(conversation_id, "pinned", pinned)

    async def archive(self, conversation_id: str, archived: bool) -> bool:
        """Put a conversation away, or take it back. Returns whether there is such a conversation."""
        return await self._set(conversation_id, "archived_at", to_ms(self._clock()) if archived else None)

    async def set_aside(self, conversation_id: str, deleted: bool) -> bool:
        """Hide a conversation until it is removed for good, or have it back. Returns whether there is such a one."""
        return await self._set(conversation_id, "deleted_at", to_ms(self._clock()) if deleted else None)

    async def _set(self, conversation_id: str, column: str, value: int | None) -> bool:
        statement = f"UPDATE conversations SET {column} = ? WHERE id = ?"  # noqa: S608 - one of our columns
        return await self._database.write(
            lambda connection: bool(connection.execute(statement, (value, conversation_id)).rowcount)
        )

    async def tag(self, conversation_id: str, tags: Iterable[str]) -> bool:
        """Give a conversation these tags and no others. Returns whether there is such a conversation."""

        def work(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM tags WHERE conversation = ?", (conversation_id,))
            connection.executemany(
                "INSERT OR IGNORE INTO tags SELECT id, ? FROM conversations WHERE id = ?",
                [(storable(tag), conversation_id) for tag in tags],
            )
            found = connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,))
            return bool(found.fetchall())

        return await self._database.write(work)

    async def set_aside_ids(self, *, before: float | None = None) -> tuple[str, ...]:
        """The ids of those that are set aside; ``before`` this instant only, UTC epoch seconds."""

        def work(connection: sqlite3.Connection) -> tuple[str, ...]:
            rows = connection.execute(
                "SELECT id FROM conversations WHERE deleted_at NOT NULL AND (?1 IS NULL OR deleted_at < ?1)",
                (to_ms(before),),
            )
            return tuple(row["id"] for row in rows)

        return await self._database.read(work)

    async def remove(self, conversation_id: str) -> bool:
        """Delete a conversation with its messages and every other trace of its text.

        Its requests stay as history without text; those still open, the paused ones too, end as cancelled.

        Returns:
            Whether there was such a conversation.
        """
        now_ms = to_ms(self._clock())

        def work(connection: sqlite3.Connection) -> bool:
            removed = remove_conversation(connection, conversation_id, now_ms=now_ms)
            forget_deleted(connection)
            return removed

        return await self._database.write(work, purge=True)

    async def unused(self, *, before: float, archived: bool = False) -> tuple[str, ...]:
        """The ids of those last used before an instant and not pinned, the longest unused first.

        Args:
            before: UTC epoch seconds.
            archived: only those that were put away.
        """
        return await self._database.read(lambda connection: _unused(connection, before, archived))

    async def remove_unused(self, ids: Iterable[str], *, before: float) -> tuple[str, ...]:
        """Delete those of ``ids`` that are still unused, each as ``remove`` does, all or none.

        Returns:
            The ids of those deleted; one that was used or pinned meanwhile stays.
        """
        now_ms, meant = to_ms(self._clock()), frozenset(ids)

        def work(connection: sqlite3.Connection) -> tuple[str, ...]:
            due = tuple(found for found in _unused(connection, before, archived=False) if found in meant)
            for conversation_id in due:
                remove_conversation(connection, conversation_id, now_ms=now_ms)
            forget_deleted(connection)
            return due

        return await self._database.write(work, purge=True)

    async def remove_turn(self, conversation_id: str, request_id: str) -> None:
        """Delete a turn with every trace of its text; what it had replaced becomes a version of the turn after it.

        Raises:
            UsageError: it is not in the conversation, or is under way.
        """
        now_ms = to_ms(self._clock())
        await self._database.write(
            lambda connection: remove_turn(connection, conversation_id, request_id, now_ms=now_ms), purge=True
        )

    async def latest(self, lane: str | None = None) -> str | None:
        """The id of the conversation used last, of those not put away; ``None`` = there is none.

        Args:
            lane: of this lane only.
        """

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "SELECT id FROM conversations WHERE deleted_at IS NULL AND archived_at IS NULL "
                "AND (?1 IS NULL OR lane = ?1) ORDER BY used DESC LIMIT 1",
                (lane,),
            ).fetchone()
            return None if row is None else str(row["id"])

        return await self._database.read(work)


def _unused(connection: sqlite3.Connection, before: float, archived: bool) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT id FROM conversations WHERE updated_at < ? AND NOT pinned AND deleted_at IS NULL "
        "AND (NOT ? OR archived_at IS NOT NULL) ORDER BY used",
        (to_ms(before), archived),
    )
    return tuple(row["id"] for row in rows)


def _resolve(connection: sqlite3.Connection, prefix: str) -> tuple[str, ...]:
    rows = connection.execute(
        f"SELECT id FROM conversations WHERE {begins_with('id')} AND deleted_at IS NULL ORDER BY id LIMIT ?",  # noqa: S608 - constant
        (prefix, prefix, SHOWN_IDS),
    )
    ids = tuple(row["id"] for row in rows)
    return (prefix,) if prefix in ids else ids


def _messages(
    connection: sqlite3.Connection,
    conversation_id: str,
    columns: str,
    read: Callable[[sqlite3.Row, Iterable[Attachment]], MessageT],
) -> tuple[MessageT, ...]:
    rows = connection.execute(
        f"SELECT {columns} FROM messages WHERE conversation = ? ORDER BY turn, id",  # noqa: S608 - constants only
        (conversation_id,),
    ).fetchall()
    with_files = {
        request
        for (request,) in connection.execute(
            "SELECT DISTINCT a.request FROM attachments a JOIN messages m ON m.request = a.request "
            "WHERE m.conversation = ?",
            (conversation_id,),
        )
    }
    return tuple(
        read(
            row,
            attachments_of(connection, row["request"])
            if with_files and row["role"] == "user" and row["request"] in with_files
            else (),
        )
        for row in rows
    )
