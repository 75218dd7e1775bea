"""How long a loop was kept from running: on a machine that is too busy, answers that came count as silence."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from pathlib import Path
from typing import Self

BEAT_S = 0.02
NOTED_S = 0.05
"""A gap that is shorter than this hurts nobody, seconds."""


class Pulse:
    """Measures the gaps in which nothing ran, as long as it is entered."""

    def __init__(self) -> None:
        self._gaps: deque[tuple[float, float]] = deque(maxlen=100_000)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})

    def longest_s(self, since: float) -> float:
        """The longest gap that ended after ``since`` (monotonic), seconds."""
        return max((gap for at, gap in self._gaps if at > since), default=0.0)

    def waits(self) -> tuple[float, float]:
        """How long this thread has run, and how long it has waited for a processor, seconds; zeros where nobody tells.

        The first two numbers of proc_pid_schedstat (Documentation/scheduler/sched-stats of the Linux kernel).
        """
        try:
            ran, waited = Path("/proc/self/schedstat").read_text(encoding="ascii").split()[:2]
        except OSError:
            return 0.0, 0.0
        return int(ran) / 1e9, int(waited) / 1e9

    def slowed(self, since: tuple[float, float]) -> float:
        """How many times longer everything took since then, because others had the processors."""
        ran, waited = (now - then for now, then in zip(self.waits(), since, strict=True))
        return (ran + waited) / ran if ran > 0 else 1.0

    async def _beat(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if (gap := now - last - BEAT_S) > NOTED_S:
                self._gaps.append((now, gap))
            last = now
