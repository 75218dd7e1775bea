"""The process in which an answer is checked: fresh for each check, bounded, killed when it takes too long."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line
from llmdesk.schema_check.validation import violations

if TYPE_CHECKING:
    from asyncio.subprocess import Process

CHECK_LIMIT_S = 2.0
"""How long one check may take, seconds (policy H2); more means that the answer does not match."""

START_LIMIT_S = 20.0
"""How long the checking process may take to load on a busy machine, seconds; not part of the check."""

_CPU_LIMIT_S = 15
_READY = b"ready\n"
_WORKER = "import sys; sys.path[:] = sys.argv[1:]; from llmdesk.schema_check.worker import serve; serve()"


async def ask_worker(payload: bytes) -> tuple[str, ...]:
    """Run one check in a fresh process; none outlives this call, however it ends."""
    import asyncio

    # Isolated and without the site module: quick to start, deaf to PYTHON* variables, and it sees exactly the packages
    # this process sees. No key of the environment is handed on; Windows cannot start a program without one.
    command = [sys.executable, "-I", "-S", "-c", _WORKER, *(path for path in sys.path if Path(path).is_absolute())]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={} if os.name == "posix" else None,
            start_new_session=True,
        )
    except OSError as error:
        return (one_line(f"the answer could not be checked: {error.strerror or error}"),)
    try:
        if not await _started(process):
            return ("the answer could not be checked: the checking process did not start",)
        told, _ = await asyncio.wait_for(process.communicate(payload), CHECK_LIMIT_S)
        return tuple(json.loads(told))
    except TimeoutError:
        return (f"the check took longer than {CHECK_LIMIT_S:g} s and was stopped",)
    except ValueError:
        return ("the answer could not be checked: the checking process broke",)
    finally:
        if process.returncode is None:
            process.kill()
        # Reading to the end closes the pipes as well as waiting for the process.
        await process.communicate()


async def _started(process: Process) -> bool:
    import asyncio

    assert process.stdout is not None
    try:
        return await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S) == _READY
    except TimeoutError:
        return False


def serve() -> None:
    """Be the checking process: read one text and schema from stdin, write the violations to stdout."""
    _bound_itself()
    violations("0", {})  # loads the validator before the clock of the check starts
    out = sys.stdout.buffer
    out.write(_READY)
    out.flush()
    asked = json.loads(sys.stdin.buffer.read())
    try:
        found = violations(asked["text"], asked["schema"])
    except MemoryError:
        found = ("the answer is too large to be checked",)
    out.write(json.dumps(found).encode())
    out.flush()


def _bound_itself() -> None:
    """End by itself even if whoever started it is gone (POSIX)."""
    try:
        import resource
    except ImportError:
        return
    for limit, most in ((resource.RLIMIT_CPU, _CPU_LIMIT_S), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(limit)
        ceiling = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (ceiling, hard))
