"""The end of the log, from the file of today and the one set aside before it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.core.log_lines import parse_log_line

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.log_lines import LogLine

LINES = 2_000
"""How many lines are read."""

STEP = 64 * 1024
MOST_BYTES = 2 * 1024 * 1024
"""How far back a file is read, bytes: two thousand lines are a fifth of that."""


def read_log(path: Path, limit: int = LINES) -> tuple[LogLine, ...]:
    """The last ``limit`` lines, oldest first; none where there is no log yet. Blocks for as long as the disk does.

    Raises:
        StorageError: it cannot be read.
    """
    lines: list[str] = []
    try:
        for each in (path, path.with_name(f"{path.name}.1")):
            if len(lines) < limit:
                lines = _tail(each, limit - len(lines)) + lines
    except OSError as error:
        raise StorageError(f"{path}: the log cannot be read ({error.strerror or error}).") from None
    return tuple(parse_log_line(line) for line in lines)


def log_mark(path: Path) -> object:
    """A value that differs after something was written; costs one ``stat``. ``None`` = there is no log."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _tail(path: Path, limit: int) -> list[str]:
    """The last whole lines of a file; a line that is just being written is not there yet."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        held = b""
        while end and held.count(b"\n") <= limit and len(held) < MOST_BYTES:
            begin = max(0, end - STEP)
            file.seek(begin)
            held = file.read(end - begin) + held
            end = begin
        whole = held[: held.rfind(b"\n") + 1].splitlines()
        if end:
            whole = whole[1:]  # it began before
        return [line.decode("utf-8", "replace") for line in whole[-limit:] if line.strip()]
    return []
