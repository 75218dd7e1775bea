"""Signals to a whole process group, and whether anything of it still runs."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            os.kill(group, number)
        else:
            os.killpg(group, number)


def is_alive(group: int) -> bool:
    """Whether a process of the group still runs; one that only waits to be reaped by somebody else does not."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    running = _members_running(group)
    return running is None or running


def _members_running(group: int) -> bool | None:
    """Look through /proc for a member that is no zombie; ``None`` = there is no /proc to look through."""
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names are enough
    except OSError:
        return None
    for process in processes:
        try:
            stat = Path("/proc", process, "stat").read_bytes()
        except OSError:
            continue
        state, _, its_group = stat.rpartition(b")")[2].split()[:3]
        if int(its_group) == group and state not in (b"Z", b"X"):
            return True
    return False if processes else None
