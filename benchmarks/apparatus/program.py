"""One start of one program in a pseudo-terminal, driven by keys as a user drives it."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from benchmarks.apparatus.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from benchmarks.apparatus.token_source import TokenSource

RARE = [chr(code) for code in range(0x100, 0x180) if chr(code) not in "Ŀŀŉſ"]
"""Letters that nothing else on the screen holds."""

START_LIMIT_S = 60.0
LOST_S = 3.0
"""A key that is not shown after so long is lost, seconds."""


class NotShownError(Exception):
    """Something was never seen on the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """How a program is started, and the pattern on its screen that says that it takes keys."""

    argv: Sequence[str]
    env: Mapping[str, str]
    ready: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A prompt that was sent.

    Args:
        at: when its last key was pressed, seconds.
        cpu_s: what the program had used by then, seconds.
        offset: how much it had written by then, bytes.
        begin: what its answer begins with.
        end: what it ends with.
    """

    at: float
    cpu_s: float
    offset: int
    begin: str
    end: str


class Program:
    """A running program; entered, it is ready to type.

    ``ready_s``, ``cpu_s`` and ``memory_mib`` tell what it took to get there.
    """

    def __init__(self, started: Started, folder: Path) -> None:
        self._started = started
        self._folder = folder
        self._turn = 0

    def __enter__(self) -> Self:
        self.probe = Probe(self._started.argv, self._started.env, self._folder)
        at = self.probe.wait_screen(self._started.ready, START_LIMIT_S)
        if at is None:
            name = self._started.argv[0].rpartition("/")[2]
            why = f"{name} did not get ready; {_seen(self.probe.text())}"
            self.probe.close()
            raise NotShownError(why)
        self.ready_s = at - self.probe.began
        self.cpu_s, self.memory_mib = self.probe.cpu_s(), self.probe.memory_mib()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.probe.close()

    def ask(self, source: TokenSource, tokens: int, *, rate: float = 0, quiet_s: float = 0.7) -> Asked:
        """Type a prompt, wait until nothing was written for ``quiet_s``, and send it."""
        self._turn += 1
        begin, end = f"BEGIN{self._turn}x", f"END{self._turn}x{tokens}"
        source.plan(tokens, rate=rate, begin=begin, end=end)
        self.probe.send(f"go {self._turn}")
        self.probe.settle(quiet_s)
        cpu_s, offset = self.probe.cpu_s(), len(self.probe.raw)
        return Asked(at=self.probe.send("\r"), cpu_s=cpu_s, offset=offset, begin=begin, end=end)

    def shown(self, text: str, asked: Asked, limit_s: float = 120) -> float:
        """When a text came to the screen.

        Raises:
            NotShownError: it never did.
        """
        at = self.probe.wait_bytes(text, asked.offset, limit_s)
        if at is None:
            raise NotShownError(f"{text} was never shown; {_seen(self.probe.text())}")
        return at

    def typed(self, count: int, gap_s: float) -> list[float]:
        """Type letters one by one and take them back; milliseconds from each key to its letter, infinite if lost."""
        taken: list[float] = []
        for letter in RARE[:count]:
            offset = len(self.probe.raw)
            at = self.probe.send(letter)
            seen = self.probe.wait_bytes(letter, offset, LOST_S)
            taken.append(math.inf if seen is None else (seen - at) * 1000)
            time.sleep(max(0.0, at + gap_s - time.monotonic()))
        for _ in range(count):
            self.probe.send("\x7f")
            time.sleep(0.005)
        return taken


def _seen(screen: str) -> str:
    """The last words of a screen, without what frames them."""
    words = " ".join(re.sub("[\u2500-\u259f]", " ", screen).split())
    return f"the end of its screen: {words[-160:]}" if words else "its screen is empty"
