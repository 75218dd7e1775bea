"""Ranked full-text search over every message, for whatever a user types."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.storage import fulltext
from llmdesk.storage.columns import CONVERSATION_COLUMNS, to_conversation_view

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.views import ConversationView
    from llmdesk.storage.database import Database

SNIPPET_TOKENS = 16
SNIPPET_CHARACTERS = 100

MAX_WORDS, MAX_WORD = 32, 200
"""What is looked for at most, words and characters of each: SQLite limits the depth and length of a pattern."""

_RANKED = f"""
SELECT {CONVERSATION_COLUMNS}, m.id AS message, snippet(messages_fts, 0, '', '', '…', {SNIPPET_TOKENS}) AS snippet
FROM messages_fts
JOIN messages m ON m.id = messages_fts.rowid
JOIN conversations c ON c.id = m.conversation
WHERE messages_fts MATCH ? AND c.deleted_at IS NULL
ORDER BY bm25(messages_fts), m.id DESC
LIMIT ?
"""  # noqa: S608 - constants only


class Search:
    """Finds messages by their words; call it with what the user typed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, query: str, limit: int = 50) -> tuple[ConversationView, ...]:
        """Return the messages that hold every word of ``query``, best first, the last word as a beginning.

        Each hit is its conversation with the message's id and a one-line snippet. Where no word matches, the words are
        looked for anywhere in the text, newest first; conversations found by their title alone come last, without a
        message.
        """
        words = [word[:MAX_WORD] for word in query.replace("\0", " ").split()[:MAX_WORDS]]
        if not words:
            return ()
        return await self._database.read(lambda connection: _search(connection, words, limit))


def match_expression(words: Sequence[str]) -> str:
    """``words`` in FTS5's query language, each as a string so that no character of it is an operator.

    Source: sqlite.org/fts5.html, sections 3.1 (strings) and 3.3 (prefix queries).
    """
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return " ".join(quoted) + "*"


def _search(connection: sqlite3.Connection, words: Sequence[str], limit: int) -> tuple[ConversationView, ...]:
    rows: list[sqlite3.Row] = []
    if fulltext.is_kept(connection):
        rows = connection.execute(_RANKED, (match_expression(words), limit)).fetchall()
    hits = [_view(row, row["snippet"]) for row in rows] or _anywhere(connection, words, limit)
    seen = {hit.id for hit in hits}
    hits += [hit for hit in _by_title(connection, words, limit) if hit.id not in seen]
    return tuple(hits[:limit])


def _anywhere(connection: sqlite3.Connection, words: Sequence[str], limit: int) -> list[ConversationView]:
    condition, patterns = _contains("m.content", words)
    rows = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, m.id AS message, m.content AS content FROM messages m "  # noqa: S608 - constants and marks
        "JOIN conversations c ON c.id = m.conversation "
        f"WHERE c.deleted_at IS NULL AND {condition} ORDER BY m.id DESC LIMIT ?",
        (*patterns, limit),
    )
    return [_view(row, _around(row["content"], words[0])) for row in rows]


def _by_title(connection: sqlite3.Connection, words: Sequence[str], limit: int) -> list[ConversationView]:
    condition, patterns = _contains("c.title", words)
    rows = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, NULL AS message FROM conversations c "  # noqa: S608 - constants and marks
        f"WHERE c.deleted_at IS NULL AND {condition} ORDER BY c.used DESC LIMIT ?",
        (*patterns, limit),
    )
    return [_view(row, "") for row in rows]


def _contains(column: str, words: Sequence[str]) -> tuple[str, list[str]]:
    patterns = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
    return " AND ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(words)), patterns


def _around(content: str, word: str) -> str:
    at = max(content.lower().find(word.lower()), 0)
    begin = max(at - SNIPPET_CHARACTERS // 2, 0)
    end = begin + SNIPPET_CHARACTERS
    return ("…" if begin else "") + content[begin:end] + ("…" if end < len(content) else "")


def _view(row: sqlite3.Row, snippet: str) -> ConversationView:
    return replace(to_conversation_view(row), snippet=" ".join(snippet.split()), message=row["message"])
