"""The configuration file as text, with what its mode allows (policy F9, F11)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from llmdesk.core.errors import ConfigurationError
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024 * 1024
"""The largest configuration that is read, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file's text. ``private``: only its owner may read it; ``guarded``: only its owner may change it."""

    text: str
    mode: int = 0o600
    private: bool = True
    guarded: bool = True


def read_source(file: Path) -> Source:
    """Read ``file``; a byte order mark and CRLF line ends are fine.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _broken(file, f"cannot be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise _broken(file, "larger than 1 MiB; no configuration is")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - before.rfind(b"\n")
        raise _broken(file, "not UTF-8; save the file in that encoding", before.count(b"\n") + 1, column) from None
    posix = os.name == "posix"
    return Source(
        text=text,
        mode=stat.S_IMODE(mode),
        private=not posix or not mode & 0o077,
        guarded=not posix or not mode & 0o022,
    )


def _broken(file: Path, message: str, line: int = 1, column: int = 1) -> ConfigurationError:
    return ConfigurationError((f"{file}:{line}:{column}: {message}",))
