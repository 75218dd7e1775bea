"""The files that go with a request; every function here runs inside its caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import storable
from llmdesk.core.views import Attachment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


def write_attachments(connection: sqlite3.Connection, request: str, attachments: Iterable[Attachment]) -> None:
    """Write the files of a new request, in their order."""
    connection.executemany(
        "INSERT INTO attachments (request, position, name, text, image) VALUES (?, ?, ?, ?, ?)",
        [(request, position, *attachment_columns(each)) for position, each in enumerate(attachments)],
    )


def attachment_columns(attachment: Attachment) -> tuple[str, str | None, bytes | None]:
    """What the columns ``name``, ``text`` and ``image`` hold of a file."""
    text = None if attachment.text is None else storable(attachment.text)
    return storable(attachment.name), text, attachment.image


def attachments_of(connection: sqlite3.Connection, request: str) -> tuple[Attachment, ...]:
    """The files that went with a request, in their order."""
    rows = connection.execute(
        "SELECT name, text, image FROM attachments WHERE request = ? ORDER BY position", (request,)
    )
    return tuple(Attachment(name=name, text=text, image=image) for name, text, image in rows)


def attachment_names(connection: sqlite3.Connection, request: str) -> tuple[str, ...]:
    """The names of the files that went with a request, in their order, without reading what is in them."""
    rows = connection.execute("SELECT name FROM attachments WHERE request = ? ORDER BY position", (request,))
    return tuple(name for (name,) in rows)
