"""Process groups of running tools, on disk while they run, so that what a killed llmdesk left is ended (policy T13).

One small file a group. A leftover is only touched when it is certain whose it is: the same boot, and the program that
leads the group still has the start time that was written down; a process id that was given to somebody else has not.
Members that outlive their leader are known by the mark in their environment.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.run_folders import RUN_FOLDER, RUN_PREFIX
from llmdesk.core.values import dataclass
from llmdesk.new_files import FILE_MODE, make_private_folder
from llmdesk.storage.clocks import boot_id
from llmdesk.storage.files import TEMP_SUFFIX, read_small

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "groups"

MAX_BYTES = 4096
"""A record is far smaller; what is larger is none of ours."""

GRACE_S = 2.0
"""How long a leftover may take to end after TERM before it is killed, seconds (policy T4)."""

_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """A group that runs: its id, when its leader and the llmdesk that owns it began (as the system tells), its folder.

    ``group`` 0 = it was only about to be started. ``began`` and ``owner_began`` are texts to compare, empty = the
    system does not tell; ``folder`` is the private folder of the run.
    """

    group: int
    began: str
    owner: int
    owner_began: str
    boot_id: str
    folder: str


class ProcessGroups:
    """The groups of every llmdesk that shares a state folder.

    Args:
        state_dir: the shared folder; ``None`` = nothing can be written, so nothing is recorded.
    """

    def __init__(self, state_dir: Path | None) -> None:
        tells = sys.platform != "win32"  # there nothing tells a process from a later one with its id
        self._folder = state_dir / FOLDER if state_dir is not None and tells else None

    def record(self, group: int, folder: Path) -> Callable[[], None]:
        """Write a group down; the returned function forgets it. A disk that refuses stops nothing."""
        if self._folder is None:
            return lambda: None
        record = GroupRecord(
            group=group,
            began=began(group) if group else "",
            owner=os.getpid(),
            owner_began=began(os.getpid()),
            boot_id=boot_id(),
            folder=str(folder),
        )
        path = self._folder / f"{group}-{uuid.uuid4().hex[:12]}.json"
        with suppress(OSError):
            make_private_folder(self._folder)
            # Another instance takes half a record for a damaged one; the name tells it whose half it is.
            half = path.with_suffix(f".{os.getpid()}{TEMP_SUFFIX}")
            descriptor = os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(record), file)
            half.replace(path)
        return lambda: _remove(path)

    def has_records(self) -> bool:
        """Whether anything is written down, by whoever."""
        try:
            return self._folder is not None and any(self._folder.iterdir())
        except OSError:
            return False

    def end_leftovers(self) -> int:
        """End the groups whose owner is dead, and remove their folders; returns how many groups were ended. Blocks."""
        if self._folder is None:
            return 0
        for half in self._folder.glob(f"*{TEMP_SUFFIX}"):
            writer = half.stem.rpartition(".")[2]
            if not (writer.isdecimal() and began(int(writer))):
                _remove(half)
        ended = 0
        for path in sorted(self._folder.glob("*.json")):
            record = _read(path)
            if record is None:
                _remove(path)
            elif not _owner_lives(record):
                ended += self._end(record)
                _remove(path)
        return ended

    def _end(self, record: GroupRecord) -> int:
        found = _groups_of(record) if record.boot_id == boot_id() else []
        for group in found:
            _end_group(group)
        folder = Path(record.folder)
        if folder.name.startswith(RUN_PREFIX) and not folder.is_symlink():
            with suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)
        return len(found)


def began(process: int) -> str:
    """When a process began, as a text that no other process of this boot has with the same id; empty = not told."""
    if (stat := _stat(process)) is not None:
        return stat[19]  # field 22 of proc_pid_stat(5), clock ticks after boot; counted here from field 3
    if sys.platform == "linux":
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["/bin/ps", "-o", "lstart=", "-p", str(process)]
        done = subprocess.run(asked, capture_output=True, timeout=2, check=False)  # noqa: S603 - fixed words
        return done.stdout.decode("ascii", "replace").strip()
    return ""


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _stat(process: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third one on; the second is a name that may hold anything."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _read(path: Path) -> GroupRecord | None:
    try:
        value = json.loads(read_small(path, MAX_BYTES))
        record = GroupRecord(**value)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    whole = all(isinstance(getattr(record, name), int) for name in ("group", "owner"))
    texts = all(isinstance(getattr(record, name), str) for name in ("began", "owner_began", "boot_id", "folder"))
    return record if whole and texts and record.group >= 0 and record.group != 1 else None


def _owner_lives(record: GroupRecord) -> bool:
    if record.boot_id != boot_id():
        return False
    return bool(record.owner_began) and began(record.owner) == record.owner_began


def _groups_of(record: GroupRecord) -> list[int]:
    """What still runs of a record: its group if that is still the same one, or those with the mark of its run."""
    if record.group and record.began and began(record.group) == record.began:
        return [record.group]
    marked = [stat for process, stat in _running() if _in_folder(process, record.folder)]
    groups = {int(stat[2]) for stat in marked}
    return sorted(groups & {record.group} if record.group else groups - {os.getpgrp()})


def _in_folder(process: int, folder: str) -> bool:
    """Whether a process got this run's folder in its environment."""
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False
    return f"{RUN_FOLDER}={folder}".encode() in environment.split(b"\0")


def _running() -> list[tuple[int, list[str]]]:
    """Every process that does not only wait to be reaped, with its ``_stat``; none where there is no /proc."""
    try:
        processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names are enough
    except OSError:
        return []
    stats = ((process, _stat(process)) for process in processes)
    return [(process, stat) for process, stat in stats if stat and stat[0] not in ("Z", "X")]


def _end_group(group: int) -> None:
    """TERM, a grace, KILL."""
    for number, limit_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 1.0)):
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            members = any(stat[2] == str(group) for _, stat in _running())
            if not (members if Path("/proc/self").exists() else began(group)):
                return
            time.sleep(_POLL_S)
