"""Real processes of llmdesk on one home: started together, killed at will, and what each printed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.exec_world import ExecWorld

HELD = Path(__file__).with_name("held.py")
ROOT = Path(__file__).resolve().parents[3]

LIMIT_S = 120.0
"""How long a process of a crowd may take; whoever takes longer hangs."""

KEY = "instance-key-{:04}-abcdefghijkl"
"""Each process has a key of its own, by which a server tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one process did. ``code`` is negative when a signal ended it; ``over`` = monotonic seconds."""

    who: int
    words: tuple[str, ...]
    code: int
    out: str
    err: str
    over: float
    hung: bool = False

    @property
    def killed(self) -> bool:
        """We ended it."""
        return self.code == -signal.SIGKILL and not self.hung

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every JSON object that it printed, one a line; a line that is none counts as an empty one."""
        found = []
        for line in self.out.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                value = {}
            found += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
        return found

    @property
    def answer(self) -> dict[str, Any]:
        """The one object of ``exec --json``; empty when there is not exactly one."""
        found = self.records
        return found[0] if len(found) == 1 else {}


@dataclass(slots=True)
class Crowd:
    """Processes on one home. As a context it leaves none behind.

    Args:
        world: the home.
        held: they are loaded first and let go together; else each begins when its interpreter is up.
        first: the number of its first process; numbers name processes to the servers.
    """

    world: ExecWorld
    held: bool = False
    first: int = 0
    started: list[tuple[int, tuple[str, ...], subprocess.Popen[bytes]]] = field(default_factory=list)
    _gate: tuple[int, int] | None = None
    _ready: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _, _, process in self.started:
            if process.returncode is None:
                process.kill()
                process.communicate()
        for ends in (self._gate, self._ready):
            for end in ends or ():
                with contextlib.suppress(OSError):
                    os.close(end)

    def start(self, *words: str, **environment: str) -> int:
        """Start one process; returns its number."""
        who = self.first + len(self.started)
        env = {**self.world.environment, "THE_KEY": KEY.format(who), **environment}
        argv, ends = [sys.executable, "-m", "llmdesk", *words], ()
        if self.held:
            self._gate = self._gate or os.pipe()
            self._ready = self._ready or os.pipe()
            ends = (self._gate[0], self._ready[1])
            argv = [sys.executable, str(HELD), *map(str, ends), *words]
            env["PYTHONPATH"] = str(ROOT)
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=ends,
        )
        self.started.append((who, words, process))
        return who

    def go(self) -> None:
        """Let those go that are held."""
        if self._gate is None or self._ready is None:
            return
        os.close(self._ready[1])
        waiting = len(self.started)
        while waiting and (came := len(os.read(self._ready[0], waiting))):
            waiting -= came
        os.close(self._gate[1])
        for end in (self._gate[0], self._ready[0]):
            os.close(end)
        self._gate = self._ready = None

    def kill(self, who: int) -> bool:
        """SIGKILL; returns whether it still ran."""
        for number, _, process in self.started:
            if number == who and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                return True
        return False

    def running(self) -> list[int]:
        """The numbers of those that run."""
        return [who for who, _, process in self.started if process.poll() is None]

    def ended(self) -> list[Ended]:
        """Let everybody go and wait for the end of all, in the order in which they were started."""
        self.go()
        deadline = time.monotonic() + LIMIT_S
        found = []
        for who, words, process in self.started:
            hung = False
            try:
                out, err = process.communicate(timeout=max(1.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                hung = True
                process.kill()
                out, err = process.communicate()
            found.append(
                Ended(
                    who=who,
                    words=words,
                    code=process.returncode,
                    out=out.decode(errors="replace"),
                    err=err.decode(errors="replace"),
                    over=time.monotonic(),
                    hung=hung,
                )
            )
        return found


def together(world: ExecWorld, lines: Sequence[Sequence[str]], *, held: bool = False, first: int = 0) -> list[Ended]:
    """Run command lines at the same time, and return what each did."""
    with Crowd(world, held=held, first=first) as crowd:
        for words in lines:
            crowd.start(*words)
        return crowd.ended()
