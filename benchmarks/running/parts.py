"""The parts and how one is run: a process of its own in the environment that is measured, its lines gathered."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from benchmarks.judging.samples import Failure, from_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.judging.samples import Sample, Trial

PARTS = {
    "start": "the program to its first character, to a prompt, and at rest",
    "exec": "one whole `llmdesk exec`",
    "chat": "answers, keys and CPU in a pseudo-terminal",
    "conversation": "a conversation of 2,000 messages",
    "parallel": "ten streams at once",
    "client": "CPU of streamed tokens without a screen",
    "selection": "choosing in a lane",
    "failover": "a failed target and the next one",
    "metrics": "measures of up to a million attempts",
    "search": "full-text search over up to 100,000 messages",
}
"""What the table holds, in its order."""

MORE = {
    "promises": "what is left when something goes wrong, tried and not measured",
    "reserving": "reserving from budgets in a database of a year",
    "sitting": "hundreds of answers in one desk",
    "transcript": "the view of a conversation alone, without a terminal",
}
"""Parts that run by ``--only`` alone: no aim speaks of them."""

LIMIT_S = 3600
"""After so long a part is ended, seconds."""

_END_LIMIT_S = 20


def run_part(
    name: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, limit_s: float = LIMIT_S
) -> list[Sample | Failure | Trial]:
    """Run one part to its end and gather what it tells; a part that fails is told of as a ``Failure``."""
    told: list[Sample | Failure | Trial] = []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=env, cwd=cwd
        ) as process,
    ):
        timer = threading.Timer(limit_s, process.send_signal, [signal.SIGTERM])
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    told.append(from_line(line))
                except ValueError as error:
                    told.append(Failure(why=str(error)))
            process.wait()
        finally:
            timer.cancel()
            _end(process)
        if process.returncode:
            errors.seek(0)
            said = [line.strip() for line in errors if line.strip()]
            told.append(Failure(why=f"{name} ended with code {process.returncode}: {' '.join(said[-1:])[:200]}"))
    return told


def _end(process: subprocess.Popen[Any]) -> None:
    """End a part that still runs; it ends what it has started itself."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
