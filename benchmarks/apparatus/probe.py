"""Runs a terminal program in a pseudo-terminal and measures it from outside: time stamps, screen, CPU, memory.

A thread stamps every byte the program writes with the time it came. The screen is drawn only when it is asked for, so
that emulating a terminal costs the measured program nothing. Linux only: memory and CPU come from /proc.
"""

from __future__ import annotations

import bisect
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROWS, COLUMNS = 40, 120

_UNREAD = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$[a-z]|\x1b[_P^].*?\x1b\\", re.DOTALL)
"""Sequences that pyte would print."""

_OTHER_SCREEN = b"\x1b[?1049h"

_ASKED = re.compile(rb"\x1b\[\?(\d+)\$p|\x1b\[(0?c)|\x1b\[(6n)")
"""What Textual asks of a terminal: whether it has a mode, what it is, where the cursor is."""


class Probe:
    """One program under measurement, with what it starts itself.

    ``began`` is the moment before it was started (``time.monotonic``), ``raw`` all that it has written.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.raw = bytearray()
        self._starts: list[int] = []
        self._times: list[float] = []
        self._drawn = 0
        self._came = threading.Condition()
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd, start_new_session=True, close_fds=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                data = b""
            at = time.monotonic()
            with self._came:
                if data:
                    self._starts.append(len(self.raw))
                    self._times.append(at)
                    self.raw += data
                self._came.notify_all()
            if not data:
                return
            for found in _ASKED.finditer(data):
                mode, attributes, _ = found.groups()
                if mode is not None:
                    self.send(b"\x1b[?%b;%d$y" % (mode, 2 if mode == b"2026" else 0))
                else:
                    self.send(b"\x1b[?62;22c" if attributes else b"\x1b[1;1R")

    def send(self, keys: bytes | str) -> float:
        """Type; return the moment before."""
        at = time.monotonic()
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)
        return at

    def wait_bytes(self, needle: str, since: int, seconds: float) -> float | None:
        """Wait until ``needle`` was written after the offset ``since``; return when its last byte came."""
        wanted, deadline, start = needle.encode(), time.monotonic() + seconds, since
        with self._came:
            while True:
                at = self.raw.find(wanted, start)
                if at >= 0:
                    return self._times[bisect.bisect_right(self._starts, at + len(wanted) - 1) - 1]
                start = max(since, len(self.raw) - len(wanted))
                if (left := deadline - time.monotonic()) <= 0 or self.process.poll() is not None:
                    return None
                self._came.wait(min(left, 1))

    def wait_screen(self, pattern: str, seconds: float) -> float | None:
        """Wait until the drawn screen shows ``pattern``; return when the bytes that completed it came."""
        deadline = time.monotonic() + seconds
        while True:
            at = self.draw()
            if re.search(pattern, self.text()):
                return at
            if time.monotonic() > deadline or self.process.poll() is not None:
                return None
            with self._came:
                if self._drawn == len(self._times):
                    self._came.wait(0.5)

    def settle(self, quiet_s: float = 0.7, seconds: float = 6) -> None:
        """Wait until nothing has been written for a while."""
        deadline = time.monotonic() + seconds
        while (left := (self._times[-1] if self._times else self.began) + quiet_s - time.monotonic()) > 0:
            if time.monotonic() > deadline:
                return
            time.sleep(left)

    def draw(self) -> float:
        """Bring the screen up to date; return when the newest byte on it came."""
        begin, end = self._drawn, len(self._times)
        if begin < end:
            stop = self._starts[end] if end < len(self._starts) else len(self.raw)
            self._stream.feed(_UNREAD.sub(b"", bytes(self.raw[self._starts[begin] : stop])))
            self._drawn = end
        return self._times[end - 1] if end else self.began

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def first_paint(self) -> float | None:
        """When the first visible character came, on the other screen where the program has gone there."""
        screen = pyte.Screen(COLUMNS, ROWS)
        stream = pyte.ByteStream(screen)
        begin = max(self.raw.find(_OTHER_SCREEN), 0)
        ends = [*self._starts[1:], len(self.raw)]
        for start, end, at in zip(self._starts, ends, self._times, strict=False):
            stream.feed(_UNREAD.sub(b"", bytes(self.raw[max(start, begin) : max(end, begin)])))
            if any(line.strip() for line in screen.display):
                return at
        return None

    def cpu_s(self) -> float:
        """CPU seconds used so far, to the nanosecond; by children that have ended too, these in steps of 10 ms."""
        used = 0.0
        for pid in self._pids():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used += time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), as Linux numbers these clocks
                used += sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
        return used

    def idle_percent(self, seconds: float) -> float:
        """CPU used while nothing happens, in per cent of a core."""
        start, at = self.cpu_s(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.cpu_s() - start) / (time.monotonic() - at)

    def memory_mib(self) -> float:
        """Memory in use, pages shared with others counted by share (PSS), MiB."""
        found = 0
        for pid in self._pids():
            with suppress(OSError):
                told = Path(f"/proc/{pid}/smaps_rollup").read_text()
                found += int(told.partition("\nPss:")[2].split()[0])
        return found / 1024

    def _pids(self) -> list[int]:
        """The program and all that it has started and that still runs."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    found += map(int, task.read_text().split())
        return found

    def close(self) -> None:
        """End the program that was started here, and wait for it."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(3)
                except subprocess.TimeoutExpired:
                    continue
        os.close(self._master)
        self._reader.join(2)
