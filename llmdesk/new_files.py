"""New files and folders, for their owner only: a file is there whole or not at all, whatever ends the program."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
"""Modes of what is made for a user (policy S8): conversations and spend are nobody else's business."""

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What filesystems say that know no second name of a file (FAT, some of FUSE)."""


def make_private_folder(folder: Path) -> None:
    """Create ``folder`` and whatever is missing above it, for this user alone; what exists is left as it is.

    Raises:
        OSError: it cannot be made. That something else bears its name is found out by whoever uses it.
    """
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with suppress(FileExistsError):
            each.mkdir(mode=FOLDER_MODE)


def create_whole(path: Path, content: bytes, *, mode: int = FILE_MODE) -> None:
    """Make a file that did not exist; nobody ever sees half of it under its name.

    Raises:
        FileExistsError: there is such a file already; it is untouched.
        OSError: it cannot be written; nothing is left of it.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if not _named_last(path, content, mode):
        _named_beside(path, content, mode)


def _named_last(path: Path, content: bytes, mode: int) -> bool:
    """Write a file without a name, then give it one: of a program that dies before, nothing is left. Linux only.

    Returns:
        Whether this system, and the filesystem, can do that.
    """
    nameless = getattr(os, "O_TMPFILE", 0)
    if not nameless:
        return False
    try:
        descriptor = os.open(path.parent, nameless | os.O_WRONLY, mode)
    except OSError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        _fill(file.fileno(), content, mode)
        try:
            # With a folder descriptor, which an absolute path does not use, Python asks for links to be followed.
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
        except FileExistsError:
            raise
        except OSError:  # no /proc here, or a filesystem that lets it have no name
            return False
    sync_folder(path.parent)
    return True


def _named_beside(path: Path, content: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write_new(beside, content, mode)
        try:
            os.link(beside, path)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_in_place(path, content, mode)
    finally:
        with suppress(OSError):
            beside.unlink()
    sync_folder(path.parent)


def _write_in_place(path: Path, content: bytes, mode: int) -> None:
    """Where a file has one name only; a refusal leaves nothing, and a power cut may leave half."""
    try:
        _write_new(path, content, mode)
    except FileExistsError:
        raise
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        _fill(file.fileno(), content, mode)


def _fill(descriptor: int, content: bytes, mode: int) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)  # whatever the umask takes away
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a name in ``folder`` survive a power cut, where the system can (Windows cannot, and need not)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
