"""A running instance: its id, and a lock that the system itself lets go when the process ends, however it ends."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from llmdesk.new_files import FILE_MODE, make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "instances"

MAX_TRIES = 10_000
"""How often a lock file is made again while clean-ups remove it; each of those takes microseconds."""


class Instance:
    """This process among the others that share a state folder; alive from here to ``close`` or to the process's end.

    Where the folder cannot be written there is an id and no lock; then a process id has to do.

    Args:
        state_dir: the shared folder; ``None`` = there is nothing to share.
    """

    def __init__(self, state_dir: Path | None) -> None:
        self.id = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._folder = None if state_dir is None else state_dir / FOLDER
        self._lock: _Lock | None = None
        if self._folder is not None:
            with suppress(OSError):
                make_private_folder(self._folder)
                self._lock = _take(self._folder / f"{self.id}.lock", create=True)
        if self._lock is not None:
            self.remove_stale()

    def is_alive(self, owner: str) -> bool:
        """Whether the instance with the id ``owner`` still runs; the lock file of a dead one is removed."""
        if owner == self.id:
            return True
        if self._folder is None or self._lock is None:
            return _process_exists(owner)
        return not _remove_if_stale(self._folder / f"{owner}.lock")

    def remove_stale(self) -> None:
        """Remove the lock files that killed instances left behind."""
        if self._folder is not None:
            with suppress(OSError):
                for path in self._folder.glob("*.lock"):
                    if path.stem != self.id:
                        _remove_if_stale(path)

    def close(self) -> None:
        """Stop being alive. Closing twice is fine."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.remove()


def _remove_if_stale(path: Path) -> bool:
    """Whether nobody holds the lock ``path``; if so it is gone afterwards."""
    try:
        lock = _take(path, create=False)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # it cannot be looked at: better to leave a request where it is than to take it from its owner
    if lock is None:
        return False
    lock.remove()
    return True


def _process_exists(owner: str) -> bool:
    pid = owner.partition("-")[0]
    if not pid.isdigit() or int(pid) == os.getpid():
        return False
    if os.name == "nt":
        return True  # there signal 0 is no question but Ctrl+C
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


class _Lock:
    """A held lock file. Only its holder removes it, so that a name is never locked twice under two inodes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def remove(self) -> None:
        in_use = False
        try:
            self._path.unlink()
        except PermissionError:  # Windows removes no open file
            in_use = True
        except OSError:
            pass
        os.close(self._descriptor)
        if in_use:
            # Never a second time without need: once the lock is let go the name may be another's.
            with suppress(OSError):
                self._path.unlink()


def _take(path: Path, *, create: bool) -> _Lock | None:
    """Lock ``path`` without waiting; ``None`` = somebody holds it.

    With ``create`` the name is new and ours, so that nobody can hold it but a clean-up that is just having a look; the
    file is then made again until it is ours.

    Raises:
        OSError: it cannot be opened or locked; ``FileNotFoundError`` without ``create``.
    """
    # Not filelock: importing it costs 12 ms at every start, and this needs one call of the system.
    for _ in range(MAX_TRIES):
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), FILE_MODE)
        try:
            locked = _lock_now(descriptor)
            if locked and os.fstat(descriptor).st_nlink:
                return _Lock(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not locked and not create:
            return None
    return None


def _lock_now(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _lock_now_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _lock_now_on_windows(descriptor: int) -> bool:
    import importlib

    msvcrt = importlib.import_module("msvcrt")
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
