"""A file of conversations: which kind it is, and what it holds.

Known are the export of ChatGPT (``conversations.json``, or the zip file around it), oterm's database, a conversation
exported here as JSON, and a list of messages as the OpenAI interface takes them.
"""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.json_cost import NODES, is_too_divided
from llmdesk.core.text import one_line
from llmdesk.desk.importing import chatgpt, exported, oterm

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.desk.importing.found import Found

LIMIT_BYTES = 512 * 1024 * 1024
"""The largest file that is read, and the largest one inside a zip file: all of it is in memory at once."""

MAX_PLAIN_BYTES, MAX_RATIO = 16 * 1024 * 1024, 100
"""A member of a zip file that is larger than this, and than so many times what it was packed into, is no text."""

BYTES_A_VALUE = 8
"""Text that is divided into smaller pieces than this would take many times its size to decode."""

EXPECTED = (
    "expected conversations.json of a ChatGPT export (or its zip file), oterm's store.db, a conversation exported by "
    "llmdesk as JSON, or a list of {role, content} messages"
)

_SQLITE, _ZIP = b"SQLite format 3\0", b"PK\x03\x04"
_MEMBER = "conversations.json"


def read_file(path: Path, *, lane: str, now: float) -> Found:
    """Read the conversations of a file.

    Args:
        path: the file.
        lane: the lane of conversations that name none.
        now: UTC epoch seconds, for what has no time.

    Raises:
        UsageError: it cannot be read, is too large, or is none that is known; the message names it.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path}: cannot be read: it is no file.")
        with path.open("rb") as file:
            head = file.read(16)
            size = file.seek(0, 2)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    if size > LIMIT_BYTES:
        raise UsageError(f"{path}: too large to be imported ({size // 2**20} MiB, at most {LIMIT_BYTES // 2**20}).")
    if head == _SQLITE:
        return oterm.read_store(path, lane=lane, now=now)
    text = _member(path) if head.startswith(_ZIP) else _whole(path)
    return _of_json(path, text, lane=lane, now=now)


def _whole(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None


def _member(path: Path) -> bytes:
    """The one file of a zip file that is looked for; what it says of its size is not believed."""
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            name = next((each for each in archive.namelist() if each.rsplit("/", 1)[-1] == _MEMBER), None)
            if name is None:
                raise UsageError(f"{path}: holds no {_MEMBER}; {EXPECTED}.")
            told = archive.getinfo(name)  # no more than it says is ever unpacked
            if told.file_size > MAX_PLAIN_BYTES and told.file_size > MAX_RATIO * told.compress_size:
                raise UsageError(f"{path}: {_MEMBER} is packed as no conversations are; unpack it and import that.")
            with archive.open(name) as file:
                text = file.read(LIMIT_BYTES + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise UsageError(f"{path}: the zip file cannot be read ({one_line(str(error), 80)}).") from None
    if len(text) > LIMIT_BYTES:
        raise UsageError(f"{path}: {_MEMBER} is too large to be imported (at most {LIMIT_BYTES // 2**20} MiB).")
    return text


def _of_json(path: Path, text: bytes, *, lane: str, now: float) -> Found:
    room = NODES + len(text) // BYTES_A_VALUE
    if is_too_divided(text, leaves=room, nodes=room):
        raise UsageError(f"{path}: holds far more values than text; {EXPECTED}.")
    try:
        whole = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: is no JSON; {EXPECTED}.") from None
    found = None
    if isinstance(whole, dict) and isinstance(whole.get("messages"), list):
        if "lane" in whole and isinstance(whole.get("id"), str):
            found = exported.read_export(whole, lane=lane, now=now)
        else:
            found = exported.read_messages(whole["messages"], title=whole.get("title"), lane=lane, now=now)
    elif isinstance(whole, dict) and isinstance(whole.get("mapping"), dict):
        found = chatgpt.read_export([whole], lane=lane, now=now)
    elif isinstance(whole, list) and any(isinstance(each, dict) and "mapping" in each for each in whole):
        found = chatgpt.read_export(whole, lane=lane, now=now)
    elif isinstance(whole, list) and any(isinstance(each, dict) and "role" in each for each in whole):
        found = exported.read_messages(whole, title=None, lane=lane, now=now)
    if found is None or not found.conversations:
        raise UsageError(f"{path}: holds no conversation; {EXPECTED}.")
    return found
