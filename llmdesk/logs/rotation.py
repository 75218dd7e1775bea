"""A file to which several instances append lines; when it is large, one of them sets it aside."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from llmdesk.new_files import FILE_MODE, make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 5 * 1024 * 1024
"""Size at which the file is set aside, bytes."""

KEPT = 3
"""How many files that were set aside are kept: ``llmdesk.log.1`` is the newest."""

LOCK_TIMEOUT_S = 1.0
"""How long another instance is waited for that sets it aside, seconds; that takes milliseconds."""


class RotatedFile:
    """A file several instances append whole lines to; when it is large, one of them sets it aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, text: str) -> None:
        """Append ``text`` in one piece."""
        line = text.encode()
        descriptor = self._current()
        if os.fstat(descriptor).st_size + len(line) > MAX_BYTES:
            self._set_aside()
            descriptor = self._current()
        if os.write(descriptor, line) != len(line):
            raise OSError("the disk is full")

    def close(self) -> None:
        """Close the file, if it is open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _current(self) -> int:
        """The open file that bears the name now: another instance may have set it aside, or a user deleted it."""
        if self._descriptor is not None:
            try:
                if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                    return self._descriptor
            except FileNotFoundError:
                pass
            self.close()
        make_private_folder(self._path.parent)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        if os.fstat(self._descriptor).st_mode & 0o077 and hasattr(os, "fchmod"):
            os.fchmod(self._descriptor, FILE_MODE)
        return self._descriptor

    def _set_aside(self) -> None:
        from filelock import FileLock

        self.close()
        with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=LOCK_TIMEOUT_S, mode=FILE_MODE):
            try:
                size = self._path.stat().st_size
            except FileNotFoundError:
                size = 0
            if size < MAX_BYTES // 2:
                return  # another instance was faster
            names = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, KEPT + 1))]
            for newer, older in reversed(list(pairwise(names))):
                with suppress(FileNotFoundError):
                    newer.replace(older)
