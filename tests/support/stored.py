"""Builders of requests, attempts and outcomes, and processes that work on the same files."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.cooldown import Instant
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Outcome, Status
from llmdesk.storage.records import StoredAnswer, StoredRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOUD = ModelRef("cloud", "gpt-oss:120b")
LOCAL = ModelRef("local", "gemma3:4b")
ROOT = Path(__file__).resolve().parents[2]


def a_request(request_id: str = "r1", **fields: Any) -> StoredRequest:
    return StoredRequest(
        **{"id": request_id, "lane": "chat", "prompt": f"prompt of {request_id}", "payload": "{}", "created_at": 1000.0}
        | fields
    )


def an_attempt(number: int, target: ModelRef = CLOUD, outcome: str = "failed", **fields: Any) -> Attempt:
    return Attempt(
        **{"number": number, "target": target, "outcome": AttemptOutcome(outcome), "at": 1000.0 + number} | fields
    )


def an_outcome(request_id: str = "r1", status: Status = Status.COMPLETED, **fields: Any) -> Outcome:
    return Outcome(request_id=request_id, status=status, **fields)


def an_answer(content: str = "an answer", completeness: str = "full", **fields: Any) -> StoredAnswer:
    return StoredAnswer(**{"content": content, "completeness": completeness, "created_at": 2000.0} | fields)


@dataclass
class Clocks:
    """Both clocks of a machine, moved by hand."""

    wall: float = 1_800_000_000.0
    boot: float = 500.0
    boot_id: str = "boot-1"
    warnings: list[str] = field(default_factory=list)

    def __call__(self) -> Instant:
        return Instant(wall=self.wall, boot=self.boot, boot_id=self.boot_id)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds

    def reboot(self, *, wall_jump: float = 0.0) -> None:
        self.boot_id += "'"
        self.boot = 3.0
        self.wall += wall_jump


@contextmanager
def worker(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A real Python process that runs ``script``; killed at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def run_together(script: str, count: int, *arguments: object) -> list[list[str]]:
    """Start ``count`` processes, let them begin at the same moment, and return the lines each printed.

    The script says ``ready``, then reads one line before it begins.
    """
    from contextlib import ExitStack

    with ExitStack() as stack:
        processes = [stack.enter_context(worker(script, number, *arguments)) for number in range(count)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        lines = []
        for process in processes:
            assert process.stdout is not None
            lines.append(process.stdout.read().splitlines())
            assert process.wait() == 0
        return lines


@contextmanager
def full_disk(limit_bytes: int = 0) -> Iterator[None]:
    """No file can grow beyond ``limit_bytes``: the system refuses, as it does when a disk is full."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
