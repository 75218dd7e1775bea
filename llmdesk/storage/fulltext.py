"""The full-text index over messages: kept by triggers, made anew where missing, left alone without FTS5.

It is no part of the numbered migrations, because it holds nothing of its own: a database may travel between a SQLite
with FTS5 and one without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.storage.transactions import transaction

if TYPE_CHECKING:
    import sqlite3

_TABLE = """
CREATE VIRTUAL TABLE messages_fts USING fts5(
    content, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
)
"""

_TRIGGERS = {
    "messages_indexed": """
        CREATE TRIGGER messages_indexed AFTER INSERT ON messages BEGIN
            INSERT INTO messages_fts (rowid, content) VALUES (new.id, new.content);
        END
    """,
    "messages_unindexed": """
        CREATE TRIGGER messages_unindexed AFTER DELETE ON messages BEGIN
            INSERT INTO messages_fts (messages_fts, rowid, content) VALUES ('delete', old.id, old.content);
        END
    """,
    "messages_reindexed": """
        CREATE TRIGGER messages_reindexed AFTER UPDATE OF content ON messages BEGIN
            INSERT INTO messages_fts (messages_fts, rowid, content) VALUES ('delete', old.id, old.content);
            INSERT INTO messages_fts (rowid, content) VALUES (new.id, new.content);
        END
    """,
}


def available(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite has FTS5."""
    return bool(connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchall())


def is_kept(connection: sqlite3.Connection) -> bool:
    """Whether every message is in the index."""
    return _triggers(connection) == len(_TRIGGERS)


def _is_current(connection: sqlite3.Connection) -> bool:
    """Whether the index is of the form that is made today; earlier ones had no beginnings of words in it."""
    found = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'messages_fts'").fetchone()
    return found is not None and found[0] == _TABLE.strip()


def ensure(connection: sqlite3.Connection, *, fts5: bool) -> None:
    """Bring the index in step with what this SQLite can do: fill it anew, or stop keeping it.

    Without FTS5 the triggers must go, since every insert would fail on them; the next SQLite that has it starts afresh.
    """
    wanted = len(_TRIGGERS) if fts5 else 0
    if _triggers(connection) == wanted and (not fts5 or _is_current(connection)):
        return
    with transaction(connection):
        if _triggers(connection) != wanted or (fts5 and not _is_current(connection)):
            for name in _TRIGGERS:
                connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            if fts5:
                fill(connection)


def fill(connection: sqlite3.Connection) -> None:
    """Make the index anew from the messages; inside the caller's transaction."""
    connection.execute("DROP TABLE IF EXISTS messages_fts")
    connection.execute(_TABLE)
    connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('rebuild')")
    for name, statement in _TRIGGERS.items():
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(statement)


def forget_deleted(connection: sqlite3.Connection) -> None:
    """Take the words of deleted messages out of the index file itself (FTS5 keeps them until segments are merged)."""
    if is_kept(connection):
        connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('optimize')")


def _triggers(connection: sqlite3.Connection) -> int:
    marks = ", ".join("?" * len(_TRIGGERS))
    query = f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({marks})"  # noqa: S608 - marks only
    return int(connection.execute(query, tuple(_TRIGGERS)).fetchone()[0])
