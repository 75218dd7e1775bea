"""Versions of a turn: which messages of a conversation stand, and which are earlier versions of others.

A message that does not stand names the request whose turn took its place. That request may have been replaced itself,
so the names lead from version to version to one that stands, never in a circle. Every function here runs inside its
caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

REPLACED = "another version of it was answered"
"""Why a request that still waited is cancelled."""


def supersede(connection: sqlite3.Connection, conversation: str, replaced: str, *, by: str) -> None:
    """Let a turn and all after it be an earlier version; the turn of the request ``by`` stands in their place."""
    connection.execute(
        """UPDATE messages SET superseded_by = ?1
           WHERE conversation = ?2 AND superseded_by IS NULL AND request IS NOT ?1
             AND turn >= (SELECT min(turn) FROM messages WHERE conversation = ?2 AND request = ?3)""",
        (by, conversation, replaced),
    )


def reinstate(connection: sqlite3.Connection, request_id: str) -> None:
    """Undo what a request was to replace, as nothing came of it: it stands again, unless it was replaced once more."""
    connection.execute(
        "UPDATE messages SET superseded_by = (SELECT m.superseded_by FROM messages m WHERE m.request = ?1 "
        "AND m.role = 'user') WHERE superseded_by = ?1",
        (request_id,),
    )


def end_what_was_replaced(connection: sqlite3.Connection, request_id: str, *, now_ms: int) -> None:
    """Cancel the paused requests that an answered one has replaced, or gone on with: nobody waits for them any more."""
    connection.execute(
        """UPDATE requests SET status = 'cancelled', reason = ?, finished_at = ?, next_try_at = NULL, payload = ''
           WHERE status = 'paused' AND id IN (
               SELECT request FROM messages WHERE superseded_by = ?3 AND role = 'user'
               UNION SELECT continues FROM messages WHERE request = ?3)""",
        (REPLACED, now_ms, request_id),
    )


def prefer(connection: sqlite3.Connection, conversation: str, kept: str, others: Sequence[str]) -> None:
    """Of turns with the same prompt let one stand, and each other be an earlier version of the one before it."""
    for before, other in zip((kept, *others), others, strict=False):
        connection.execute(
            "UPDATE messages SET superseded_by = ? WHERE conversation = ? AND request = ?",
            (before, conversation, other),
        )
    connection.execute(
        "UPDATE messages SET superseded_by = NULL WHERE conversation = ? AND request = ?", (conversation, kept)
    )


def stand_again(connection: sqlite3.Connection, conversation: str, request_id: str) -> bool:
    """Let an earlier version stand again, with all that was replaced together with it; what stands instead gives way.

    Returns:
        Whether that request's turn was an earlier version.
    """
    by = _replaced_by(connection, conversation, request_id)
    if by is None:
        return False
    (first,) = connection.execute(
        "SELECT request FROM messages WHERE conversation = ? AND superseded_by = ? AND role = 'user' "
        "ORDER BY turn LIMIT 1",
        (conversation, by),
    ).fetchone()
    standing = by
    while (next_one := _replaced_by(connection, conversation, standing)) is not None:
        standing = next_one
    supersede(connection, conversation, standing, by=first)
    connection.execute(
        "UPDATE messages SET superseded_by = NULL WHERE conversation = ? AND superseded_by = ?", (conversation, by)
    )
    return True


def _replaced_by(connection: sqlite3.Connection, conversation: str, request_id: str) -> str | None:
    found = connection.execute(
        "SELECT superseded_by FROM messages WHERE conversation = ? AND request = ? AND role = 'user'",
        (conversation, request_id),
    ).fetchone()
    return None if found is None else found["superseded_by"]
