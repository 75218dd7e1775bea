"""Command-line tools that print without end, or never end and whose children will not either (policy T4, T6)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.campaign.limits.cases import Case, Scene
from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.limits.cases import SetScene

GIB = 1 << 30
FLOOD_S = 20.0
IDLE_S = 1.5
KILL_S = 2.0
"""A stubborn group gets TERM, and KILL so much later."""

PIECES = {
    "text": b"word " * 13_000,
    "one line": b"x" * 65_536,
    "lines of JSON": b'{"delta":""}\n' * 5_000,
    "colours": b"\x1b[31mred\x1b[0m\r" * 4_000,
    "zeros": bytes(65_536),
    "no UTF-8": b"\xff\xfe" * 32_000,
}

FLOOD = """
import os, sys, time
left, piece = int(sys.argv[1]), bytes.fromhex(open(sys.argv[2]).read())
streams = [int(number) for number in sys.argv[3].split(",")]
sys.stdin.buffer.read()
while left > 0:
    for stream in streams:
        os.write(stream, piece)
        left -= len(piece)
print("done")
"""

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.stdin.buffer.read()
depth, folder = int(sys.argv[1]), sys.argv[2]
with open(os.path.join(folder, "pid-%d" % os.getpid()), "w") as file:
    file.write(str(os.getpid()))
if depth:
    subprocess.Popen([sys.executable, "-I", "-S", sys.argv[0], str(depth - 1), folder], stdin=subprocess.DEVNULL)
print("thinking", flush=True)
time.sleep(600)
"""

POLITE = """
import os, signal, sys, time
lock = os.path.join(sys.argv[1], "lock")
def leave(number, frame):
    os.unlink(lock)
    os._exit(1)
signal.signal(signal.SIGTERM, leave)
open(lock, "w").close()
sys.stdin.buffer.read()
print("thinking", flush=True)
time.sleep(600)
"""
"""A program as most are: told to end it tidies up, and goes."""

PLAIN = "import sys; sys.stdin.buffer.read(); print('Hello.')"


@contextlib.contextmanager
def tool(folder: Path, script: str, *words: str, output: Any = "text", idle_s: float = 30.0) -> Iterator[Scene]:
    """A provider whose program runs ``script`` with ``words``; ``@`` in them is the folder."""
    program = folder / "tool.py"
    program.write_text(script)
    told = [word.replace("@", str(folder)) for word in words]
    provider = {
        "kind": "command",
        "command": [sys.executable, "-I", "-S", str(program), *told],
        "output": output,
        "retry": {"attempts": 1, "delay_s": 0},
        "timeouts": {"first_token_s": idle_s, "idle_s": idle_s, "content_s": 30},
    }
    world = exec_world(folder / "home")
    world.configure(
        f"version: 1\ndefault_lane: only\nproviders:\n  tool: {json.dumps(provider)}\n"
        "lanes:\n  only: {targets: [tool/m]}\n"
    )
    (world.home / "config").chmod(0o700)
    (world.home / "config" / "llmdesk.yaml").chmod(0o600)
    try:
        yield Scene(words=("exec", "--json", "hello"), environment=world.environment, left=partial(_left, folder))
    finally:
        for pid in _alive(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _alive(folder: Path) -> list[int]:
    """The processes that wrote themselves down and still run."""
    found = []
    for path in folder.glob("pid-*"):
        pid = int(path.name.removeprefix("pid-"))
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


def _left(folder: Path) -> tuple[str, ...]:
    """Who still runs; a process that was killed takes a moment to go."""
    deadline = time.monotonic() + 1.0
    while _alive(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    lock = ("the lock of the tool, which was never told to end",) if (folder / "lock").exists() else ()
    return (*(f"process {pid} of the tool" for pid in _alive(folder)), *lock)


@contextlib.contextmanager
def flood(folder: Path, what: str, streams: str, output: Any) -> Iterator[Scene]:
    """A program that prints a gigabyte of ``what``."""
    (folder / "piece").write_text(PIECES[what].hex())
    with tool(folder, FLOOD, str(GIB), "@/piece", streams, output=output) as scene:
        yield scene


def cases() -> Iterator[Case]:
    """Every case of a tool."""
    plain: SetScene = partial(tool, script=PLAIN)
    lines = {"jsonl": "$.delta"}
    for what, streams, output, error in (
        ("text", "1", "text", "truncated"),
        ("one line", "1", "text", "truncated"),
        ("colours", "1", "text", "truncated"),
        ("zeros", "1", "text", "truncated"),
        ("no UTF-8", "1", "text", "truncated"),
        ("text", "1,2", "text", "truncated"),
        ("text", "1", {"json": "$.answer"}, "truncated"),
        ("one line", "1", lines, "truncated"),
        ("lines of JSON", "1", lines, "truncated"),
    ):
        shape = "" if output == "text" else f" read as {next(iter(output))}"
        where = "both streams" if "," in streams else "stdout"
        yield Case(
            name=f"tool: 1 GiB of {what} on {where}{shape}", plain=plain, limit_s=FLOOD_S, code=5, error=error,
            play=partial(flood, what=what, streams=streams, output=output), quick=what == "text" and output == "text",
        )  # fmt: skip
    for what in ("text", "one line", "no UTF-8"):
        yield Case(
            name=f"tool: 1 GiB of {what} on stderr, then an answer", plain=plain, limit_s=FLOOD_S, code=0,
            play=partial(flood, what=what, streams="2", output="text"),
        )  # fmt: skip
    yield Case(
        name="tool: never ends, with stubborn grandchildren", plain=plain, limit_s=IDLE_S + KILL_S, code=5,
        error="silent", quick=True,
        play=partial(_stubborn),
    )  # fmt: skip
    yield Case(
        name="tool: never ends, but tidies up when it is told to end", plain=plain, limit_s=IDLE_S + KILL_S, code=5,
        error="silent", play=_polite,
    )  # fmt: skip


@contextlib.contextmanager
def _stubborn(folder: Path) -> Iterator[Scene]:
    with tool(folder, STUBBORN, "3", "@", idle_s=IDLE_S) as scene:
        yield scene


@contextlib.contextmanager
def _polite(folder: Path) -> Iterator[Scene]:
    with tool(folder, POLITE, "@", idle_s=IDLE_S) as scene:
        yield scene
