"""Servers that others wrote, as processes of the tests: started on a port the system gives, awaited, ended by pid."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_LIMIT_S = 60.0
ANSWER_LIMIT_S = 60.0
KEPT = ("PATH", "LANG", "HOME", "SYSTEMROOT", "TMPDIR")


class Program:
    """A child process that says on its output where it listens.

    Args:
        argv: the command line; the program is told to choose a free port.
        says: pattern of the line that tells the address; its first group is the address.
        env: laid over what a process needs to start.
        cwd: where it runs.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, says: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._process = subprocess.Popen(
            argv,
            env={**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._said: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        try:
            self.url = self.wait_until_said(says, limit_s=START_LIMIT_S)[1]
        except BaseException:
            self.close()
            raise

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._said.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """What it has said so far."""
        with self._changed:
            return "\n".join(self._said)

    def wait_until_said(self, pattern: str, *, limit_s: float = ANSWER_LIMIT_S) -> re.Match[str]:
        """Wait for a line of its output."""
        deadline = time.monotonic() + limit_s
        seen = 0
        with self._changed:
            while True:
                for line in self._said[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self._said)
                left_s = deadline - time.monotonic()
                if self._ended or left_s <= 0:
                    said = "\n".join(self._said[-40:])
                    raise AssertionError(f"{self._process.args!r} did not say {pattern!r}; it said:\n{said}")
                self._changed.wait(left_s)

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """Call its control interface; the decoded answer, or ``None`` where there is none."""
        reply = httpx.request(
            method, f"{self.url}{path}", json=body, headers=headers, timeout=ANSWER_LIMIT_S, trust_env=False
        )
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def close(self) -> None:
        """End it; it has nothing to save."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
