"""A system call that may change a file, as a value: what it does, and to which path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_AT_FDCWD = -100

_BY_DESCRIPTOR = {
    "write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "pwritev2": 0, "sendfile": 0, "copy_file_range": 2,
    "ftruncate": 0, "fallocate": 0, "fsync": 0, "fdatasync": 0, "fchmod": 0,
}  # fmt: skip
"""Calls that name their file by a descriptor, and which argument that is."""

_BY_PATH: dict[str, tuple[tuple[int | None, int], ...]] = {
    "open": ((None, 0),), "openat": ((0, 1),), "openat2": ((0, 1),), "creat": ((None, 0),),
    "access": ((None, 0),), "faccessat": ((0, 1),), "faccessat2": ((0, 1),),
    "truncate": ((None, 0),), "chmod": ((None, 0),), "fchmodat": ((0, 1),), "fchmodat2": ((0, 1),),
    "mkdir": ((None, 0),), "mkdirat": ((0, 1),), "rmdir": ((None, 0),),
    "unlink": ((None, 0),), "unlinkat": ((0, 1),),
    "rename": ((None, 0), (None, 1)), "renameat": ((0, 1), (2, 3)), "renameat2": ((0, 1), (2, 3)),
    "link": ((None, 0), (None, 1)), "linkat": ((0, 1), (2, 3)),
    "symlink": ((None, 1),), "symlinkat": ((1, 2),),
}  # fmt: skip
"""Calls that name their files by paths: for each of them, which argument is its folder, and which the path."""

LENGTH = {"write": 2, "pwrite64": 2, "writev": 2, "pwritev": 2, "pwritev2": 2, "sendfile": 3, "copy_file_range": 4}
"""Calls that write, and which argument says how much: bytes, or of ``*v`` pieces."""

_OPENING = {"open": 1, "openat": 2}
_MADE_ANEW = {"mkdir", "mkdirat"}
_LOOKING = {"access", "faccessat", "faccessat2"}
_NEEDS_IT = {"unlink", "unlinkat", "rmdir"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call, before it runs.

    Args:
        name: of the system call.
        paths: the files it names; of a rename and a link first the old name.
        size: of a write, how much; 0 = it is none.
        changes: it changes something as things are: no look, no removal of what is not there.
        flags: of an opened file.
    """

    name: str
    paths: tuple[str, ...]
    size: int = 0
    changes: bool = True
    flags: int = 0

    @property
    def path(self) -> str:
        """The file that is changed."""
        return self.paths[-1] if self.paths else ""

    @property
    def opens(self) -> bool:
        """It opens a file."""
        return self.name in ("open", "openat", "openat2", "creat")

    @property
    def looks(self) -> bool:
        """It asks what it might do, and changes nothing."""
        return self.name in _LOOKING

    @property
    def takes_room(self) -> bool:
        """It needs room on the disk."""
        grows = self.name in LENGTH or self.name in (*_MADE_ANEW, "fallocate", "symlink", "symlinkat")
        return grows or (self.opens and self.changes)

    def told(self, root: str) -> str:
        """In one line, paths below ``root`` without it."""
        where = " -> ".join(path.removeprefix(f"{root}/") for path in self.paths)
        return f"{self.name} {where}{f' ({self.size})' if self.size else ''}"


def decode(
    process: int, name: str, arguments: Sequence[int], *, text_at: Callable[[int], str], writes: bool = True
) -> Operation:
    """The operation that a stopped process is about to do.

    Args:
        process: the process, or one of its threads.
        name: of the call.
        arguments: as they are in its registers.
        text_at: the text at an address of that process.
        writes: a call that opens a file does so for writing.
    """
    if name in _BY_DESCRIPTOR:
        paths: tuple[str, ...] = (_of_descriptor(process, arguments[_BY_DESCRIPTOR[name]]),)
    else:
        paths = tuple(
            _whole(process, None if folder is None else arguments[folder], text_at(arguments[path]))
            for folder, path in _BY_PATH[name]
        )
    flags = arguments[_OPENING[name]] & 0xFFFFFFFF if name in _OPENING else 0
    size = arguments[LENGTH[name]] if name in LENGTH else 0
    return Operation(name=name, paths=paths, size=size, flags=flags, changes=writes and _changes(name, paths, flags))


def _changes(name: str, paths: tuple[str, ...], flags: int) -> bool:
    if name in _LOOKING:
        return False
    there = os.path.lexists(paths[-1]) if paths else False
    if name in _OPENING:
        return bool(flags & os.O_TRUNC) or (bool(flags & os.O_CREAT) and not there)
    if name in _MADE_ANEW:
        return not there
    return there if name in _NEEDS_IT else True


def _of_descriptor(process: int, number: int) -> str:
    try:
        return os.readlink(f"/proc/{process}/fd/{number & 0xFFFFFFFF}")  # noqa: PTH115 - no path below it is meant
    except OSError:
        return ""


def _whole(process: int, folder: int | None, path: str) -> str:
    """An absolute path, without touching links: what is named is what is changed."""
    if not path.startswith("/"):
        signed = None if folder is None else (folder & 0xFFFFFFFF) - (1 << 32 if folder & 0x80000000 else 0)
        if signed is None or signed == _AT_FDCWD:
            base = os.readlink(f"/proc/{process}/cwd")  # noqa: PTH115
        else:
            base = _of_descriptor(process, signed)
        path = f"{base}/{path}"
    return os.path.normpath(path)


def is_below(path: str, root: Path | str) -> bool:
    """Whether ``path`` lies in ``root``."""
    return path == str(root) or path.startswith(f"{root}/")
