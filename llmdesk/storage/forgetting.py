"""The text of a request emptied wherever it stands; every function here runs inside its caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_QUOTED_CHARS = 16
"""A message with so much of a prompt in one piece tells of it; our own words share less."""


def forget_text(connection: sqlite3.Connection, request_id: str, *, attachments: bool = True) -> None:
    """Empty every column of a request that holds what was asked or answered, and what quotes the prompt."""
    _forget_quotations(connection, request_id)
    connection.execute(
        "UPDATE requests SET title = '', prompt = '', payload = '', answer = '' WHERE id = ?", (request_id,)
    )
    connection.execute("UPDATE attempts SET discarded_text = '', details = '' WHERE request = ?", (request_id,))
    if attachments:
        connection.execute("DELETE FROM attachments WHERE request = ?", (request_id,))


def _forget_quotations(connection: sqlite3.Connection, request_id: str) -> None:
    """Empty the messages in which a server has told a piece of the prompt back."""
    found = connection.execute("SELECT prompt, reason FROM requests WHERE id = ?", (request_id,)).fetchone()
    if found is None or not found["prompt"].strip():
        return
    prompt = " ".join(found["prompt"].split())
    if _quotes(found["reason"], prompt):
        connection.execute("UPDATE requests SET reason = '' WHERE id = ?", (request_id,))
    rows = connection.execute("SELECT number, message FROM attempts WHERE request = ?", (request_id,)).fetchall()
    connection.executemany(
        "UPDATE attempts SET message = '' WHERE request = ? AND number = ?",
        [(request_id, row["number"]) for row in rows if _quotes(row["message"], prompt)],
    )


def _quotes(message: str, prompt: str) -> bool:
    if len(prompt) <= _QUOTED_CHARS:
        return prompt in message
    return any(message[at : at + _QUOTED_CHARS] in prompt for at in range(len(message) - _QUOTED_CHARS + 1))
