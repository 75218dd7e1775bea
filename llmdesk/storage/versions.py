"""Versions of a turn: which messages of a conversation stand, and which are earlier versions of others.

A message that does not stand names the request whose turn took its place; all that name the same were replaced
together. That request may have been replaced itself, so the versions of a turn are a list: each names the one before
it, and the first one stands. Every function here runs inside its caller's transaction.
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


def hand_on(connection: sqlite3.Connection, conversation: str, request_id: str) -> None:
    """Before a turn is deleted, let go of what it had replaced.

    The turn that follows it in the same version has that as its last earlier version from now on. Where none follows,
    nothing stands in its place any more: it stands again, or is part of the version that the deleted one was part of.
    """
    replaced = _replaced_by(connection, conversation, request_id)
    if not replaced:
        return
    outer = _successor(connection, conversation, request_id)
    follows = connection.execute(
        "SELECT request FROM messages WHERE conversation = ?1 AND superseded_by IS ?2 AND role = 'user' "
        "AND request NOT NULL AND turn > (SELECT min(turn) FROM messages WHERE conversation = ?1 AND request = ?3) "
        "ORDER BY turn, id LIMIT 1",
        (conversation, outer, request_id),
    ).fetchone()
    before: str | None = outer if follows is None else str(follows["request"])
    while follows is not None and before is not None:
        earlier = _replaced_by(connection, conversation, before)
        if not earlier:
            break
        before = _first_request(connection, earlier)
    _name(connection, before, replaced)


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
    """Of turns with the same prompt let one stand; the others are earlier versions of it, as is what any replaced."""
    turns = [kept, *others]
    groups = [_of_request(connection, conversation, other) for other in others]
    taken = {message for group in (_of_request(connection, conversation, kept), *groups) for message in group}
    replaced = [[m for m in _replaced_by(connection, conversation, turn) if m not in taken] for turn in turns]
    groups += [group for group in replaced if group]
    _name(connection, None, _of_request(connection, conversation, kept))
    before = kept
    for group in groups:
        _name(connection, before, group)
        before = _first_request(connection, group)


def stand_again(connection: sqlite3.Connection, conversation: str, request_id: str) -> bool:
    """Let an earlier version stand again, with all that was replaced together with it; what stands instead gives way.

    It becomes the first in the list of versions. A version of a turn that lies in an earlier version is brought to the
    front there first.

    Returns:
        Whether that request's turn was an earlier version.
    """
    instead = _successor(connection, conversation, request_id)
    if instead is None:
        return False
    while instead is not None:
        version = _replaced_by(connection, conversation, instead)
        first = _first_request(connection, version)
        outer = _successor(connection, conversation, instead)
        gives_way = [
            message
            for (message,) in connection.execute(
                "SELECT id FROM messages WHERE conversation = ?1 AND superseded_by IS ?2 AND turn >= "
                "(SELECT min(turn) FROM messages WHERE conversation = ?1 AND request = ?3)",
                (conversation, outer, instead),
            )
        ]
        _name(connection, instead, _replaced_by(connection, conversation, first))
        _name(connection, outer, version)
        _name(connection, first, gives_way)
        instead = outer
    return True


def _successor(connection: sqlite3.Connection, conversation: str, request_id: str) -> str | None:
    """The request whose turn took the place of this one's; ``None`` = it stands, or there is none."""
    found = connection.execute(
        "SELECT superseded_by FROM messages WHERE conversation = ? AND request = ? AND role = 'user'",
        (conversation, request_id),
    ).fetchone()
    return None if found is None else found["superseded_by"]


def _replaced_by(connection: sqlite3.Connection, conversation: str, request_id: str) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM messages WHERE conversation = ? AND superseded_by = ? ORDER BY turn, id",
        (conversation, request_id),
    )
    return [message for (message,) in rows]


def _of_request(connection: sqlite3.Connection, conversation: str, request_id: str) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM messages WHERE conversation = ? AND request = ? ORDER BY id", (conversation, request_id)
    )
    return [message for (message,) in rows]


def _first_request(connection: sqlite3.Connection, messages: Sequence[int]) -> str:
    """The request of the first prompt among messages in their order."""
    for message in messages:
        row = connection.execute("SELECT request, role FROM messages WHERE id = ?", (message,)).fetchone()
        if row["role"] == "user":
            return str(row["request"])
    raise LookupError("a version without a prompt")  # it is prompts that are replaced


def _name(connection: sqlite3.Connection, request_id: str | None, messages: Sequence[int]) -> None:
    connection.executemany(
        "UPDATE messages SET superseded_by = ? WHERE id = ?", [(request_id, message) for message in messages]
    )
