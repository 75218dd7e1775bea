"""This machine's clocks, and which boot they count from."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from llmdesk.core.cooldown import Instant

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux tells one boot from another (random(4))."""


def system_clock() -> Instant:
    """Now on this machine. Linux tells the boot apart and counts suspend; elsewhere only the wall clock counts."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return Instant(wall=time.time(), boot=time.monotonic(), boot_id="")
    return Instant(wall=time.time(), boot=time.clock_gettime(boottime), boot_id=boot_id())


@cache
def boot_id() -> str:
    """Which boot this is; empty where the system does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
