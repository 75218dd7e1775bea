"""The token server as a process of its own, so that its work is not the client's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM = Path(__file__).with_name("token_server.py")


class TokenSource:
    """A running token server; entered, it has an address."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        if not self.url:
            raise OSError(f"the token server ended with code {self._process.wait()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def plan(self, tokens: int, *, rate: float = 0, begin: str = "BEGIN", end: str = "END") -> None:
        """Say how the next answers go: so many tokens, ``rate`` of them a second (0 = as fast as they are read)."""
        self._call("/plan", {"tokens": tokens, "rate": rate, "begin": begin, "end": end})

    def told(self) -> dict[str, float]:
        """When the last answer was asked for, began and ended, and how many bytes asked for it; how many there were."""
        return self._call("/told")

    def wait(self, what: str, count: float, limit_s: float = 60) -> None:
        """Wait until so many answers in all have ``begun`` or ``ended``.

        Raises:
            TimeoutError: they have not.
        """
        deadline = time.monotonic() + limit_s
        while self.told()[what] < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {limit_s:g} s not {count:g} answers have {what}")
            time.sleep(0.02)

    def _call(self, path: str, body: dict[str, object] | None = None) -> dict[str, float]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=10) as reply:
            told: dict[str, float] = json.load(reply)
        return told
