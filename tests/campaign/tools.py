"""The other side of the command-line tools of a world: takes their reports, and tells each what to do.

A tool connects when it has read its stdin; as long as the connection stands, it lives.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from llmdesk.core.types import Message, Role
from tests.campaign.acting import act_steps
from tests.campaign.told import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.campaign.acting import Own
    from tests.campaign.alphabet import Symbol

PROGRAM = Path(__file__).with_name("tool.py")

_TURN = re.compile(r"(?:^|\n\n)# (User|Assistant|Instructions)\n\n")
_ROLES = {"User": Role.USER, "Assistant": Role.ASSISTANT, "Instructions": Role.SYSTEM}


@dataclass(eq=False)
class Run:
    """One run of a tool. ``at`` and ``over_at`` are monotonic seconds.

    ``done``: it came to the end of its script. ``printed`` is all that it can have printed by then, ``code`` its exit
    code (``None`` = it ended another way).
    """

    provider: str
    model: str
    pid: int
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    prompt: str
    at: float
    printed: bytes = b""
    done: bool = False
    code: int | None = 0
    over_at: float | None = None

    @property
    def messages(self) -> list[Message]:
        """The turns it was given: the text alone, or one under a heading each."""
        parts = _TURN.split(self.prompt)
        if len(parts) == 1:
            return [Message(role=Role.USER, content=self.prompt)]
        return [Message(role=_ROLES[role], content=text) for role, text in zip(parts[1::2], parts[2::2], strict=True)]

    @property
    def text(self) -> str:
        """What it had said when it ended."""
        return told("command", self.printed).text


@dataclass(eq=False)
class ToolHouse:
    """See the module's first lines.

    Args:
        begin: is told each run, and says what it does.
        over: is told each run that has ended.
    """

    begin: Callable[[Run], tuple[Symbol, Own]]
    over: Callable[[Run], None]
    port: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)
        for pid, _ in self._left():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def command(self, provider: str) -> list[str]:
        """The command line of a provider's tool."""
        return [sys.executable, "-I", "-S", str(PROGRAM), str(self.port), provider, "{model}"]

    def alive(self) -> tuple[str, ...]:
        """The command lines of every process of a run that is still there."""
        return tuple(" ".join(words) for _, words in self._left())

    def _left(self) -> list[tuple[int, list[str]]]:
        """Told by the command line alone: a process id may belong to somebody else by now."""
        return [(pid, words) for pid, words in _processes() if str(PROGRAM) in words and str(self.port) in words]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._follow(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(await reader.readuntil(b"\n"))
        pid, argv, environment, stdin = ast.literal_eval((await reader.readexactly(size)).decode())
        run = Run(
            provider=argv[2],
            model=argv[3],
            pid=pid,
            argv=tuple(argv),
            environment=environment,
            prompt=stdin.decode("utf-8", "replace"),
            at=time.monotonic(),
        )
        symbol, own = self.begin(run)
        script, pieces, run.code = _script(symbol, own)
        writer.write(script)
        try:
            while came := await reader.read(64):
                for sign in came:
                    if sign == ord("."):
                        run.done = True
                    elif pieces:
                        run.printed += pieces.pop(0)
        finally:
            run.over_at = time.monotonic()
            self.over(run)


def _script(symbol: Symbol, own: Own) -> tuple[bytes, list[bytes], int | None]:
    """The lines a tool gets, what it prints by each, and how it ends."""
    printed = act_steps(symbol, own)
    lines: list[bytes] = []
    pieces: list[bytes] = []
    code: int | None = 0
    for step in symbol.scene.steps:  # type: ignore[attr-defined]
        ((what, value),) = step.items()
        match what:
            case "out":
                pieces.append(printed.pop(0))
                lines.append(b"out(%r)" % pieces[-1])
            case "err":
                pieces.append(b"")
                lines.append(b"err(%r)" % own.fill(value.encode()))
            case "flood":
                lines.append(b"flood(%r)" % (value.encode() * 65_536))
            case "kill":
                code = None
                lines.append(b"kill(%d)" % getattr(signal, value))
            case "exit":
                code = value
                lines.append(b"leave(%d)" % value)
            case "do":
                lines.append(b"hold()")
            case _:
                raise AssertionError(f"a step that the tool does not know: {what}")
    return b"\n".join([*lines, b"#end"]), pieces, code


def _processes() -> list[tuple[int, list[str]]]:
    """Every process with its command line; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            found.append((int(entry.name), words))
    return found
