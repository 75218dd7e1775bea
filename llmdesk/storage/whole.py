"""A whole conversation written at once: a fork, or one that another program has kept. Nothing of it was asked here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.money import to_nano_usd
from llmdesk.core.text import redact, storable
from llmdesk.core.types import Usage
from llmdesk.storage.attachments import write_attachments
from llmdesk.storage.columns import to_ms

if TYPE_CHECKING:
    import sqlite3

    from llmdesk.core.views import Conversation, StoredMessage


def write_whole(connection: sqlite3.Connection, conversation: Conversation, *, newest: bool) -> bool:
    """Write a conversation with its messages and their files, inside the caller's transaction.

    Args:
        connection: the database's.
        conversation: the ids of its messages are not kept; those of its requests are, and must be nobody else's.
        newest: make it the most recently used one; else the least.

    Returns:
        Whether it was written; false when there is one of that id, deleted or not.
    """
    if connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation.id,)).fetchall():
        return False
    place = "coalesce(max(used), 0) + 1" if newest else "coalesce(min(used), 1) - 1"
    connection.execute(
        "INSERT INTO conversations (id, title, lane, created_at, updated_at, pinned, archived_at, used) "  # noqa: S608 - one of ours
        f"VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT {place} FROM conversations))",
        (
            conversation.id,
            storable(conversation.title),
            conversation.lane,
            to_ms(conversation.created_at),
            to_ms(conversation.updated_at),
            conversation.pinned,
            to_ms(conversation.updated_at) if conversation.archived else None,
        ),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO tags (conversation, tag) VALUES (?, ?)",
        [(conversation.id, storable(tag)) for tag in conversation.tags],
    )
    turns: dict[str, int] = {}
    for message in conversation.messages:
        _write(connection, conversation.id, message, turns)
    return True


def _write(connection: sqlite3.Connection, conversation: str, message: StoredMessage, turns: dict[str, int]) -> None:
    usage = message.usage or Usage()
    provider, model = message.target or (None, None)
    number = connection.execute(
        """INSERT INTO messages
               (conversation, turn, request, role, content, thinking, completeness, provider, model, latency_ms,
                first_token_ms, input_tokens, output_tokens, estimated, cost_nano_usd, seams, created_at,
                superseded_by, continues)
           VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            conversation,
            message.request,
            message.role.value,
            storable(message.content),
            storable(message.thinking),
            message.completeness,
            provider,
            model,
            to_ms(message.latency_s),
            to_ms(message.first_token_s),
            usage.input_tokens,
            usage.output_tokens,
            usage.estimated,
            to_nano_usd(message.cost_usd),
            json.dumps([redact(storable(seam)) for seam in message.seams]),
            to_ms(message.created_at),
            message.superseded_by,
            message.continues,
        ),
    ).lastrowid
    assert number is not None
    turn = turns.setdefault(message.request, number) if message.request is not None else number
    connection.execute("UPDATE messages SET turn = ? WHERE id = ?", (turn, number))
    if message.request is not None:
        write_attachments(connection, message.request, message.attachments)
