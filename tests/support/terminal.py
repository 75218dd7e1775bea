"""A pseudo-terminal with a screen: type bytes, wait for what the screen shows."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
from ptyprocess import PtyProcess
from wcwidth import wcwidth

from tests.support.slowness import PATIENCE_S, slowness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$[a-z]|\x1b[_P^].*?\x1b\\", re.DOTALL)
"""Sequences that pyte would print as text: keyboard protocol, mode queries, device strings."""

_PRIVATE_MODES = re.compile(rb"\x1b\[\?[0-9;]+[hl]")


def as_pyte_knows(data: bytes) -> bytes:
    """Take out of a screen's bytes what pyte would print."""
    return _UNKNOWN_TO_PYTE.sub(lambda m: m[0] if _PRIVATE_MODES.fullmatch(m[0]) else b"", data)


class _Screen(pyte.Screen):
    """pyte's screen, which stops drawing at a mark that takes no column and combines with nothing (U+20DD)."""

    def draw(self, data: str) -> None:
        super().draw("".join(char for char in data if wcwidth(char) or unicodedata.combining(char)))


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(
        self, argv: Sequence[str], *, env: dict[str, str], rows: int = 24, columns: int = 80, cwd: Path = REPOSITORY
    ) -> None:
        self.screen = _Screen(columns, rows)
        self.raw = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self.child = PtyProcess.spawn(list(argv), env=env, cwd=str(cwd), dimensions=(rows, columns))
        self._alive = True

    def send(self, data: bytes | str) -> None:
        os.write(self.child.fd, data.encode() if isinstance(data, str) else data)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size."""
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def pump(self, seconds: float = 0.05) -> None:
        """Take what the program has written."""
        ready, _, _ = select.select([self.child.fd], [], [], seconds)
        if not ready:
            return
        try:
            data = os.read(self.child.fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._alive = False
            return
        self.raw += data
        self._stream.feed(as_pyte_knows(data))

    def drain(self, quiet_s: float = 0.2) -> None:
        """Take all that was written, until nothing comes for so long; one read brings a few kilobytes only."""
        while self._alive and select.select([self.child.fd], [], [], quiet_s)[0]:
            self.pump(0)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, pattern: str, seconds: float = PATIENCE_S) -> str:
        """Wait until the screen shows ``pattern``."""
        return self.wait_until(lambda text: re.search(pattern, text) is not None, f"/{pattern}/", seconds)

    def wait_until(self, holds: object, what: str = "it", seconds: float = PATIENCE_S) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holds(self.text):  # type: ignore[operator]
                return self.text
            if not self._alive:
                break
            self.pump()
        raise AssertionError(f"{what} never came; the screen:\n{self.text}")

    def wait_exit(self, seconds: float = PATIENCE_S) -> int:
        """Wait for the end; the exit code, or minus the signal."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._alive:
                self.pump(0.02)
            if not self.child.isalive():
                while self._alive and select.select([self.child.fd], [], [], 0.05)[0]:
                    self.pump(0)
                return -self.child.signalstatus if self.child.signalstatus else int(self.child.exitstatus)
        raise AssertionError(f"the program did not end; the screen:\n{self.text}")

    def close(self) -> None:
        if self.child.isalive():
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.child.close(force=True)


@contextmanager
def desk_in_terminal(
    scenario: str,
    folder: Path,
    *,
    rows: int = 24,
    columns: int = 80,
    ready: str = "7 reviewer|1 chat",
    env: dict[str, str] | None = None,
) -> Iterator[Terminal]:
    """The desk with a scripted scenario; what it told the desk is in ``folder/told.jsonl``."""
    given = env or {}
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {
        "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
        "LLMDESK_HOME": str(folder / "home"), "SLOWNESS": f"{slowness():.1f}", **given,
    }  # fmt: skip
    argv = [sys.executable, "-m", "tests.support.desk_program", scenario, str(folder / "told.jsonl")]
    terminal = Terminal(argv, env=env, rows=rows, columns=columns)
    try:
        terminal.wait_for(ready)
        yield terminal
    finally:
        terminal.close()
