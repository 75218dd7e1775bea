"""A conversation, or one of its turns, removed for good; every function here runs inside its caller's transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import storable
from llmdesk.core.titles import UNTITLED, title_of
from llmdesk.storage.forgetting import forget_text
from llmdesk.storage.fulltext import forget_deleted
from llmdesk.storage.versions import hand_on

if TYPE_CHECKING:
    import sqlite3

REMOVED = "its conversation was removed"
"""Why a request that was open in a removed conversation is cancelled."""

TURN_REMOVED = "its turn was deleted"
"""Why a paused request is cancelled whose turn is gone."""


def remove_conversation(connection: sqlite3.Connection, conversation: str, *, now_ms: int) -> bool:
    """Delete a conversation with its messages; the words of the index are left to ``forget_deleted``.

    Its requests stay as history without text; those still open, the paused ones too, end as cancelled.

    Returns:
        Whether there was such a conversation.
    """
    requests = connection.execute(
        "SELECT id FROM requests WHERE conversation = ?1 "
        "UNION SELECT request FROM messages WHERE conversation = ?1 AND request NOT NULL",
        (conversation,),
    ).fetchall()
    for (request_id,) in requests:
        forget_text(connection, request_id)
    connection.execute(
        "UPDATE requests SET status = 'cancelled', finished_at = ?, reason = ?, next_try_at = NULL "
        "WHERE conversation = ? AND status IN ('accepted', 'running', 'paused')",
        (now_ms, REMOVED, conversation),
    )
    connection.execute("DELETE FROM messages WHERE conversation = ?", (conversation,))
    connection.execute("DELETE FROM tags WHERE conversation = ?", (conversation,))
    connection.execute("DELETE FROM drafts WHERE conversation = ?", (conversation,))
    return bool(connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,)).rowcount)


def remove_turn(connection: sqlite3.Connection, conversation: str, request_id: str, *, now_ms: int) -> None:
    """Delete the prompt and the answer of a request with every other trace of their text.

    The request stays as history without text; one that is paused ends as cancelled.

    Raises:
        UsageError: it is not in the conversation, or an answer or a summary is being made of it.
    """
    prompt = connection.execute(
        "SELECT content, superseded_by FROM messages WHERE conversation = ? AND request = ? AND role = 'user'",
        (conversation, request_id),
    ).fetchone()
    if prompt is None:
        raise UsageError("That prompt is not in the conversation any more.")
    instead = prompt["superseded_by"]
    _refuse_while_under_way(connection, conversation, request_id)
    _cancel_paused(connection, conversation, request_id, now_ms=now_ms)
    hand_on(connection, conversation, request_id)
    connection.execute("DELETE FROM messages WHERE conversation = ? AND request = ?", (conversation, request_id))
    if instead is not None:
        _forget_promptless(connection, conversation, instead)
    _name_anew(connection, conversation, prompt["content"])
    forget_text(connection, request_id)
    forget_deleted(connection)


def _refuse_while_under_way(connection: sqlite3.Connection, conversation: str, request_id: str) -> None:
    """A summary has no prompt among the messages; it is being made of all turns."""
    found = connection.execute(
        "SELECT id FROM requests r WHERE conversation = ?1 AND status IN ('accepted', 'running') AND (id = ?2 "
        "OR NOT EXISTS (SELECT 1 FROM messages m WHERE m.request = r.id AND m.role = 'user'))",
        (conversation, request_id),
    ).fetchall()
    if found:
        what = "An answer to that prompt" if request_id in [row["id"] for row in found] else "A summary of it"
        raise UsageError(f"{what} is coming. Stop it first, or wait for its end.")


def _cancel_paused(connection: sqlite3.Connection, conversation: str, request_id: str, *, now_ms: int) -> None:
    """Nobody waits any more for its answer, nor for a summary that was to stand behind it."""
    paused = connection.execute(
        "SELECT id, payload FROM requests WHERE conversation = ? AND status = 'paused'", (conversation,)
    ).fetchall()
    connection.executemany(
        "UPDATE requests SET status = 'cancelled', finished_at = ?, reason = ?, next_try_at = NULL, payload = '' "
        "WHERE id = ?",
        [
            (now_ms, TURN_REMOVED, row["id"])
            for row in paused
            if row["id"] == request_id or _summarises(row["payload"]) == request_id
        ],
    )


def _summarises(payload: str) -> str | None:
    try:
        read = json.loads(payload)
    except ValueError:
        return None  # another version wrote it
    found = read.get("summarises") if isinstance(read, dict) else None
    return found if isinstance(found, str) else None


def _forget_promptless(connection: sqlite3.Connection, conversation: str, instead: str) -> None:
    """A summary that was folded away goes with the last prompt of its version: by itself it cannot stand again."""
    connection.execute(
        "DELETE FROM messages WHERE conversation = ?1 AND superseded_by = ?2 AND NOT EXISTS "
        "(SELECT 1 FROM messages WHERE conversation = ?1 AND superseded_by = ?2 AND role = 'user')",
        (conversation, instead),
    )


def _name_anew(connection: sqlite3.Connection, conversation: str, removed: str) -> None:
    """A title that was made of the prompt goes with it: the first one that is left makes another."""
    row = connection.execute("SELECT title FROM conversations WHERE id = ?", (conversation,)).fetchone()
    if row is None or row["title"] != storable(title_of(removed)):
        return
    left = connection.execute(
        "SELECT content FROM messages WHERE conversation = ? AND role = 'user' AND superseded_by IS NULL "
        "AND continues IS NULL ORDER BY turn, id LIMIT 1",
        (conversation,),
    ).fetchone()
    title = UNTITLED if left is None else title_of(left["content"])
    connection.execute("UPDATE conversations SET title = ? WHERE id = ?", (storable(title), conversation))
