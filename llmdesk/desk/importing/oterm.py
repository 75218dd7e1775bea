"""oterm's database: tables ``chat`` and ``message``, whose columns have grown from version to version.

Source: github.com/ggozad/oterm, ``store/setup.py`` (messages without an id), ``store/store.py`` (with ids, pictures as
a JSON list of base64 texts, kinds of chat).
"""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Role
from llmdesk.core.views import Attachment
from llmdesk.desk.importing.found import Found, Said, conversation_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from llmdesk.core.views import Conversation

SOURCE = "oterm"

_ROLES = {"user": Role.USER, "me": Role.USER, "assistant": Role.ASSISTANT, "ollama": Role.ASSISTANT}


def read_store(path: Path, *, lane: str, now: float) -> Found:
    """Read every chat of oterm's database; it is not written, and oterm may have it open.

    Raises:
        UsageError: it is another program's, or damaged.
    """
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            return _read(connection, path, lane=lane, now=now)
    except sqlite3.Error as error:
        raise UsageError(f"{path}: the database cannot be read ({one_line(str(error), 80)}).") from None


def _read(connection: sqlite3.Connection, path: Path, *, lane: str, now: float) -> Found:
    chat, message = _columns(connection, "chat"), _columns(connection, "message")
    if not {"id", "model"} <= chat or not {"chat_id", "author", "text"} <= message:
        raise UsageError(f"{path}: is no database of oterm; expected its tables chat and message.")
    pictures = "images" if "images" in message else "'[]' AS images"
    read: list[Conversation] = []
    left_out = 0
    at = path.stat().st_mtime  # oterm keeps no times
    for row in connection.execute("SELECT * FROM chat ORDER BY id"):
        said: list[Said] = []
        rows = connection.execute(
            f"SELECT author, text, {pictures} FROM message WHERE chat_id = ? ORDER BY rowid",  # noqa: S608 - constants
            (row["id"],),
        )
        for each in rows:
            found = _said(each, str(row["model"]))
            if found is None:
                left_out += 1
            else:
                said.append(found)
        name = row["name"] if "name" in chat else ""
        conversation = conversation_of(
            said,
            source=SOURCE,
            source_id=f"{row['id']}:{said[0].text if said else ''}",
            title=name,
            lane=lane,
            now=now,
            created_at=at,
            updated_at=at,
        )
        if conversation is None:
            left_out += 1
        else:
            read.append(conversation)
    return Found(conversations=tuple(read), left_out=left_out)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _said(row: sqlite3.Row, model: str) -> Said | None:
    role = _ROLES.get(str(row["author"]).lower())
    if role is None or not isinstance(row["text"], str):
        return None
    pictures = _pictures(row["images"])
    if not row["text"].strip() and not pictures:
        return None
    return Said(role=role, text=row["text"], model=model, attachments=pictures if role is Role.USER else ())


def _pictures(kept: Any) -> tuple[Attachment, ...]:
    try:
        listed = json.loads(kept) if kept else []
        raw = [base64.b64decode(each, validate=True) for each in listed if isinstance(each, str)]
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return ()
    return tuple(Attachment(name=f"image-{number}", image=image) for number, image in enumerate(raw, 1) if image)
