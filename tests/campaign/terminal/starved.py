"""How long a program was kept from running: what others on the machine took is neither its slowness nor a hang.

The numbers are the first three of ``/proc/PID/task/TID/schedstat`` (Documentation/scheduler/sched-stats of the Linux
kernel): nanoseconds that a thread ran, and that it waited for a processor.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

OWN_S = 20.0
"""How long a program that may run is waited for; what it waited for a processor comes on top, seconds."""

PATIENCE_S = 240.0
"""How long it is waited for at most, however busy the machine is, seconds."""


PATIENCE = "patience"
"""What stands for a rule where nothing is proven."""


class Impatient(AssertionError):
    """Nothing is proven: the machine was too busy for the program to do its work in the time there was."""


def unfinished(error: AssertionError, rule: str) -> Violation:
    """What a play that ended like this found: a broken rule, or nothing either way."""
    return Violation(rule=PATIENCE if isinstance(error, Impatient) else rule, words=str(error))


class Starved:
    """Time, and how much of it the threads of a process, and of this one with its servers, waited for a processor.

    A thread that is over is counted as far as it was last looked at, so look often.
    """

    def __init__(self, process: int) -> None:
        self._processes = (os.getpid(), process)
        self._began = time.monotonic()
        self._first = dict(self._threads())
        self._last = dict(self._first)

    @property
    def own_s(self) -> float:
        """Seconds since it was made that nobody else took."""
        self._last.update(self._threads())
        waited = sum(waited - self._first.get(thread, 0) for thread, waited in self._last.items()) / 1e9
        return max(time.monotonic() - self._began - waited, 0.0)

    def until(
        self, holds: Callable[[], bool], step: Callable[[], object], seconds: float = OWN_S, most: float = PATIENCE_S
    ) -> bool:
        """Step until something holds; false = it does not, though there was time enough."""
        while not holds():
            if self.own_s > seconds:
                return False
            if time.monotonic() - self._began > most:
                raise Impatient(f"{most:.0f} s were not enough on this machine")
            step()
        return True

    def _threads(self) -> Iterator[tuple[str, int]]:
        for process in self._processes:
            for thread in _threads_of(process):
                with suppress(OSError, ValueError, IndexError):
                    yield thread.name, int((thread / "schedstat").read_text(encoding="ascii").split()[1])


def finished(words: Sequence[str], *, env: Mapping[str, str], typed: bytes = b"") -> CompletedProcess[bytes]:
    """Run a command with its streams in pipes, to its end."""
    with Popen(words, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        told: list[tuple[bytes, bytes]] = []

        def read(given: bytes | None = None) -> None:
            with suppress(TimeoutExpired):
                told.append(process.communicate(given, timeout=0.2))

        try:
            read(typed)
            ended = Starved(process.pid).until(lambda: bool(told), read, 60)
            assert ended, "it did not end"
        finally:
            process.kill()
        return CompletedProcess(list(words), process.returncode, *told[0])


def asleep(process: int) -> bool:
    """Nothing in the process runs or wants to (proc(5): R, and D for a disk)."""
    for thread in _threads_of(process):
        with suppress(OSError):
            if (thread / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "RD":
                return False
    return True


def _threads_of(process: int) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{process}/task").iterdir())
    return []
