"""What other clients have kept in a home folder: one chat each, in the files and tables of those programs.

Sources: ggozad/oterm ``store/store.py``; darrenburns/elia ``elia_chat/database/models.py``; paulrobello/parllama
``chat_session.py``; the export of ChatGPT.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OTERM = """
CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT, system TEXT, format TEXT, parameters TEXT);
CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT, images TEXT DEFAULT '[]');
INSERT INTO chat (id, name, model) VALUES (1, 'A chat of oterm', 'gemma3:4b');
INSERT INTO message (chat_id, author, text) VALUES (1, 'user', 'Hello'), (1, 'assistant', 'Hello yourself');
"""
_ELIA = """
CREATE TABLE chat (id INTEGER PRIMARY KEY, model TEXT, title TEXT, started_at DATETIME, archived BOOLEAN);
CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, role TEXT, content TEXT, timestamp DATETIME,
                      meta JSON, parent_id INTEGER, model TEXT);
INSERT INTO chat (id, model, title, archived) VALUES (7, 'gpt-4o', 'A chat of elia', 0);
INSERT INTO message (chat_id, role, content, timestamp) VALUES
  (7, 'system', 'You are helpful.', '2026-01-02 03:04:05'), (7, 'user', 'Who are you?', '2026-01-02 03:04:06'),
  (7, 'assistant', 'A terminal client', '2026-01-02 03:04:09');
"""
_PARLLAMA = {
    "id": "5f3c", "name": "My Chat", "last_updated": "2026-01-02T03:04:05+00:00",
    "llm_config": {"provider": "Ollama", "model_name": "gemma3:4b"},
    "messages": [{"id": "a", "role": "user", "content": "What does parllama keep?"},
                 {"id": "b", "role": "assistant", "content": "A file a chat"}],
}  # fmt: skip
_CHATGPT = [
    {
        "title": "A chat of ChatGPT", "create_time": 1.7e9, "current_node": "2",
        "mapping": {
            "1": {"id": "1", "parent": None, "children": ["2"],
                  "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hi"]}}},
            "2": {"id": "2", "parent": "1", "children": [],
                  "message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["Ho"]}}},
        },
    }
]  # fmt: skip


def keep_elsewhere(home: Path, work: Path) -> None:
    """Write what three programs have kept below ``home``, and an export of a fourth into ``work``."""
    for place, script in ((".local/share/oterm/store.db", _OTERM), (".local/share/elia/elia.sqlite", _ELIA)):
        file = home / place
        file.parent.mkdir(parents=True)
        with closing(sqlite3.connect(file)) as store:
            store.executescript(script)
    chats = home / ".parllama" / "chats"
    chats.mkdir(parents=True)
    (chats / "5f3c.json").write_text(json.dumps(_PARLLAMA), encoding="utf-8")
    (work / "conversations.json").write_text(json.dumps(_CHATGPT), encoding="utf-8")
