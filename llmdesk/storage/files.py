"""Private files that several instances write, look at and replace, so that no crash tears them (policy S8, D1, D10)."""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from contextlib import suppress
from pathlib import Path

from llmdesk.new_files import FILE_MODE, make_private_folder, sync_folder

TEMP_SUFFIX = ".tmp"

_NETWORK_KINDS = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.davfs", "fuse.glusterfs", "fuse.sshfs", "gfs2",
    "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs",
})  # fmt: skip

Mark = tuple[int, int, int] | None
"""When a file was last written, its size and its identity."""


def create_private_file(path: Path) -> None:
    """Make sure that ``path`` exists and that nobody else can read it.

    An existing file is never opened: closing it would drop the POSIX locks that SQLite holds on it in this process
    (sqlite.org/howtocorrupt.html, section 2.2).
    """
    make_private_folder(path.parent)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
    except FileExistsError:
        with suppress(OSError):
            if path.stat().st_mode & 0o077:
                path.chmod(FILE_MODE)


def read_small(path: Path, limit: int) -> bytes:
    """Read a regular file of at most ``limit`` bytes; a pipe or device under its name is never waited for.

    Raises:
        OSError: it cannot be read, or is no file.
        ValueError: it is larger.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return content


def replace_durably(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``path``; after a crash at any point the old or the new file is whole.

    Raises:
        OSError: the disk refused; ``path`` is untouched and nothing is left beside it.
    """
    make_private_folder(path.parent)
    temp = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:12]}{TEMP_SUFFIX}")
    try:
        descriptor = os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temp.replace(path)
    except BaseException:
        with suppress(OSError):
            temp.unlink()
        raise
    sync_folder(path.parent)


def left_over_temps(path: Path) -> tuple[Path, ...]:
    """The temporary files that killed writers of ``path`` left beside it."""
    return tuple(path.parent.glob(f".{path.name}.*{TEMP_SUFFIX}"))


def corrupt_name(path: Path, now_s: float) -> Path:
    """A free name for a broken ``path``, with the UTC time in it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    wanted = path.with_name(f"{path.name}.corrupt-{stamp}")
    count = 1
    while wanted.exists():
        count += 1
        wanted = path.with_name(f"{path.name}.corrupt-{stamp}-{count}")
    return wanted


def on_network_filesystem(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether ``path`` lies on a network filesystem, as far as Linux tells; elsewhere the answer is no.

    SQLite's WAL needs memory shared between all who use the file, which such filesystems do not give (policy D9).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    real = Path(os.path.realpath(path))
    best, kind = -1, ""
    for fields in (line.split(" ") for line in lines):
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        # A later mount on the same point hides the earlier one.
        if len(point) >= best and real.is_relative_to(point):
            best, kind = len(point), fields[2]
    return kind in _NETWORK_KINDS


def change_mark(path: Path) -> Mark:
    """A value that differs after a file has been written or replaced; ``None`` = it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
