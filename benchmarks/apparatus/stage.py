"""Where one play goes on: a server that fails, a program in a pseudo-terminal, and a home with all its files."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from benchmarks.apparatus.failing_server import FailingServer
from benchmarks.apparatus.probe import Probe

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from benchmarks.apparatus.program import Started
    from benchmarks.apparatus.tried_programs import Tried


START_LIMIT_S = 180.0
"""So long a program has to get ready, seconds: several start at once."""


class NotPlayedError(Exception):
    """A trial could not be played to the point where it is judged."""


class Stage:
    """Entered, its server is up; `sit` starts a program that asks it.

    Args:
        home: where the program keeps its files; it must not be there yet.
        quiet_s: when nothing was asked for so long, a program has given up asking again by itself, seconds.
    """

    def __init__(self, home: Path, *, quiet_s: float) -> None:
        self.quiet_s = quiet_s
        self.server = FailingServer()
        self._home = home
        self.sitting: Sitting | None = None
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        if self._stopped.is_set():
            raise NotPlayedError("stopped")
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    def sit(self, tried: Tried, *, spare: bool = False) -> Sitting:
        """A program that asks the server; with ``spare`` set up to go on with the other model."""
        self._home.mkdir()
        started = (tried.start_with_spare if spare else tried.start)(self._home, self.server.url)
        self.sitting = Sitting(started, self._home, tried.submit, self._stopped)
        return self.sitting

    def stop(self) -> None:
        """End what is under way, from another thread: it fails soon."""
        self._stopped.set()
        if self.sitting is not None:
            self.sitting.kill()


class Sitting:
    """A program in a pseudo-terminal that is asked, killed, and looked at; all its files stand below ``home``."""

    def __init__(self, started: Started, home: Path, submit: str, stopped: threading.Event) -> None:
        self._submit = submit
        self.stopped = stopped
        (home / "tmp").mkdir()
        self._started = replace(started, env={**started.env, "TMPDIR": str(home / "tmp")})
        self.home = home
        self._probe: Probe | None = None

    @property
    def started(self) -> bool:
        """Whether a program was started."""
        return self._probe is not None

    def __enter__(self) -> Self:
        if self._submit:
            self._probe = Probe(self._started.argv, self._started.env, self.home)
            if not self.shows(self._started.ready, START_LIMIT_S):
                why = f"it did not get ready; its screen: {self.seen()}"
                self._probe.close()
                raise NotPlayedError(why)
            self._probe.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._probe is not None:
            self._probe.close()

    @property
    def one_shot(self) -> bool:
        """Whether each prompt is a process of its own."""
        return not self._submit

    def ask(self, word: str) -> None:
        """Send a prompt that holds a word.

        Raises:
            NotPlayedError: what was typed was not shown.
        """
        prompt = f"please say what {word} is"
        if self.one_shot:
            if self._probe is not None:
                self._probe.close()
            self._probe = Probe([*self._started.argv, prompt], self._started.env, self.home)
            return
        self.probe.send(prompt)
        if not self.shows(word, 10):
            raise NotPlayedError(f"what was typed was not shown; its screen: {self.seen()}")
        self.probe.settle()
        self.probe.send(self._submit)

    @property
    def probe(self) -> Probe:
        """Its terminal."""
        assert self._probe is not None
        return self._probe

    def shows(self, pattern: str, seconds: float) -> bool:
        """Whether its screen shows a pattern within some time."""
        if self.stopped.is_set():
            raise NotPlayedError("stopped")
        if self.probe.wait_screen(pattern, seconds) is not None:
            return True
        self.probe.settle(0.3, 2)  # it may have ended, and its last words are still on their way
        self.probe.draw()
        return re.search(pattern, self.probe.text()) is not None

    def ended_with(self, seconds: float) -> int | None:
        """With which code it ended; ``None`` = it runs on."""
        deadline = time.monotonic() + seconds
        while self.probe.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.probe.process.poll()

    def kill(self) -> None:
        """End it as nothing can be prepared for, with whatever it has started."""
        if self._probe is not None and self._probe.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._probe.process.pid, signal.SIGKILL)
            self._probe.process.wait()

    def seen(self, pattern: str = "") -> str:
        """The words of its screen, or of the lines that show a pattern, without what frames them."""
        lines = [line for line in self.probe.text().splitlines() if re.search(pattern, line)]
        return " ".join(re.sub("[\u2500-\u259f]", " ", " ".join(lines)).split())[-200:]

    def files_with(self, word: str) -> list[str]:
        """The files below its home that hold a word, as bytes."""
        files = (path for path in sorted(self.home.rglob("*")) if path.is_file() and not path.is_symlink())
        return [str(path.relative_to(self.home)) for path in files if word.encode() in path.read_bytes()]
