"""Ranked full-text search over every message, for whatever a user types."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.storage import fulltext
from llmdesk.storage.columns import CONVERSATION_COLUMNS, to_conversation_view

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.views import ConversationView
    from llmdesk.storage.database import Database

SNIPPET_TOKENS = 16
SNIPPET_CHARACTERS = 100

RANKED = 2000
"""So many of the newest messages that hold the words are ranked; older ones only where fewer are found."""

MAX_WORDS, MAX_WORD = 32, 200
"""What is looked for at most, words and characters of each: SQLite limits the depth and length of a pattern."""

_BEGIN, _END = "\x02", "\x03"
"""What stands around each match in a snippet until it is cut out; an answer that holds them loses them there."""

_FILTER = re.compile(r"(tag|lane):(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for: words, in conversations that have all these tags and one of these lanes (empty = any)."""

    words: tuple[str, ...]
    tags: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()

    def condition(self) -> tuple[str, tuple[str, ...]]:
        """A condition on a conversation ``c``, with its values."""
        terms = ["c.deleted_at IS NULL"]
        terms += ["EXISTS (SELECT 1 FROM tags t WHERE t.conversation = c.id AND t.tag = ?)"] * len(self.tags)
        if self.lanes:
            terms.append(f"c.lane IN ({', '.join('?' * len(self.lanes))})")
        return " AND ".join(terms), (*self.tags, *self.lanes)


def read_query(query: str) -> Wanted:
    """What a user typed, as words and filters: ``tag:word`` and ``lane:name`` look in such conversations only."""
    typed = query.replace("\0", " ").split()
    filters = [found for word in typed if (found := _FILTER.fullmatch(word))]
    words = [word[:MAX_WORD] for word in typed if not _FILTER.fullmatch(word)]
    return Wanted(
        words=tuple(words[:MAX_WORDS]),
        tags=tuple(f[2].lstrip("#").lower() for f in filters[:MAX_WORDS] if f[1].lower() == "tag"),
        lanes=tuple(f[2] for f in filters[:MAX_WORDS] if f[1].lower() == "lane"),
    )


class Search:
    """Finds messages by their words; call it with what the user typed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, query: str, limit: int = 50) -> tuple[ConversationView, ...]:
        """Return the messages that hold every word of ``query``, best first, the last word as a beginning.

        Each hit is its conversation with the message's id and a one-line snippet, in which the words that were found
        are marked. ``tag:word`` and ``lane:name`` in the query are no words, but say which conversations are looked at;
        alone they find these, without a message. Where no word matches, the words are looked for anywhere in the text,
        newest first; conversations found by their title alone come last, without a message. Those that were put away
        are found too, and earlier versions of turns; both are marked as what they are.
        """
        wanted = read_query(query)
        if not wanted.words and not wanted.tags and not wanted.lanes:
            return ()
        return await self._database.read(lambda connection: _search(connection, wanted, limit))


def match_expression(words: Sequence[str]) -> str:
    """``words`` in FTS5's query language, each as a string so that no character of it is an operator.

    Source: sqlite.org/fts5.html, sections 3.1 (strings) and 3.3 (prefix queries).
    """
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    letter = len(words[-1]) == 1 and words[-1].isascii()  # the beginning of everything; whoever types goes on
    return " ".join(quoted) + ("" if letter else "*")


def _search(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> tuple[ConversationView, ...]:
    if not wanted.words:
        return tuple(_by_title(connection, wanted, limit))
    hits: list[ConversationView] = []
    if fulltext.is_kept(connection):
        hits = _ranked(connection, wanted, limit)
    hits = hits or _anywhere(connection, wanted, limit)
    seen = {hit.id for hit in hits}
    hits += [hit for hit in _by_title(connection, wanted, limit) if hit.id not in seen]
    return tuple(hits[:limit])


def best_messages(wanted: Wanted) -> tuple[str, tuple[str, ...]]:
    """The statement that ranks messages by their words, and its values but for the limit.

    The newest messages with these words are ranked, and of them only so many as nobody looks through: a word that is
    everywhere costs no more than a rare one. Conversations are joined only for a filter, or where one is deleted.
    """
    condition, values = wanted.condition()
    looked_at = "1" if values else "EXISTS (SELECT 1 FROM conversations WHERE deleted_at NOT NULL)"
    return (
        f"""SELECT message FROM (
                SELECT rowid AS message, rank AS place FROM messages_fts
                WHERE messages_fts MATCH ? AND (NOT {looked_at} OR EXISTS (
                    SELECT 1 FROM messages m CROSS JOIN conversations c
                    WHERE m.id = messages_fts.rowid AND c.id = m.conversation AND {condition}))
                ORDER BY rowid DESC LIMIT {RANKED})
            ORDER BY place, message DESC LIMIT ?""",  # noqa: S608 - constants and marks
        (match_expression(wanted.words), *values),
    )


def _ranked(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> list[ConversationView]:
    statement, values = best_messages(wanted)
    best = [message for (message,) in connection.execute(statement, (*values, limit))]
    if not best:
        return []
    # One walk over the matches between them: looked up one by one, each gathers a beginning of a word anew, and fifty
    # of a word that is everywhere take 120 ms instead of 3. The plus keeps SQLite from looking them up.
    shown = f"""SELECT {CONVERSATION_COLUMNS}, m.id AS message, m.superseded_by AS superseded_by,
                    snippet(messages_fts, 0, ?, ?, '…', {SNIPPET_TOKENS}) AS snippet
                FROM messages_fts
                CROSS JOIN messages m ON m.id = messages_fts.rowid
                CROSS JOIN conversations c ON c.id = m.conversation
                WHERE messages_fts MATCH ? AND messages_fts.rowid BETWEEN ? AND ?
                    AND +messages_fts.rowid IN ({", ".join("?" * len(best))})"""  # noqa: S608 - constants and marks
    rows = connection.execute(shown, (_BEGIN, _END, values[0], min(best), max(best), *best))
    views = {row["message"]: _view(row, row["snippet"]) for row in rows}
    return [views[message] for message in best if message in views]


def _anywhere(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> list[ConversationView]:
    holds, patterns = _contains("m.content", wanted.words)
    condition, values = wanted.condition()
    rows = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, m.id AS message, m.superseded_by AS superseded_by, m.content AS content "  # noqa: S608 - constants and marks
        f"FROM messages m JOIN conversations c ON c.id = m.conversation WHERE {condition} AND {holds} "
        "ORDER BY m.id DESC LIMIT ?",
        (*values, *patterns, limit),
    )
    return [_view(row, _around(row["content"], wanted.words)) for row in rows]


def _by_title(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> list[ConversationView]:
    holds, patterns = _contains("c.title", wanted.words)
    condition, values = wanted.condition()
    rows = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, NULL AS message, NULL AS superseded_by FROM conversations c "  # noqa: S608 - constants and marks
        f"WHERE {condition} AND {holds} ORDER BY c.used DESC LIMIT ?",
        (*values, *patterns, limit),
    )
    return [_view(row, "") for row in rows]


def _contains(column: str, words: Sequence[str]) -> tuple[str, list[str]]:
    patterns = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
    return " AND ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(words)) or "1", patterns


def _around(content: str, words: Sequence[str]) -> str:
    """A piece of a text around the first of the words, with marks around each."""
    at = max(content.lower().find(words[0].lower()), 0)
    begin = max(at - SNIPPET_CHARACTERS // 2, 0)
    end = begin + SNIPPET_CHARACTERS
    piece = content[begin:end].replace(_BEGIN, " ").replace(_END, " ")
    any_of = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    marked = re.sub(f"(?i:{any_of})", lambda found: f"{_BEGIN}{found[0]}{_END}", piece)
    return ("…" if begin else "") + marked + ("…" if end < len(content) else "")


def _view(row: sqlite3.Row, snippet: str) -> ConversationView:
    text, matches = _unmarked(" ".join(snippet.split()))
    return replace(
        to_conversation_view(row),
        snippet=text,
        matches=matches,
        message=row["message"],
        earlier=row["superseded_by"] is not None,
    )


def _unmarked(snippet: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A snippet without marks, and the characters that stood between them; marks that are no pair mean nothing."""
    text: list[str] = []
    matches: list[tuple[int, int]] = []
    length, begun = 0, None
    for piece in re.split(f"([{_BEGIN}{_END}])", snippet):
        if piece == _BEGIN:
            begun = length
        elif piece == _END:
            if begun is not None and begun < length:
                matches.append((begun, length))
            begun = None
        else:
            text.append(piece)
            length += len(piece)
    return "".join(text), tuple(matches)
