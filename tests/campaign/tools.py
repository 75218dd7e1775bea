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
    _open: dict[asyncio.StreamWriter, int | None] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer, pid in self._open.items():
            if pid is not None:  # its connection stands, so it is still the one with this id
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    def command(self, provider: str) -> list[str]:
        """The command line of a provider's tool."""
        return [sys.executable, "-I", "-S", str(PROGRAM), str(self.port), provider, "{model}"]

    def alive(self) -> tuple[str, ...]:
        """The command lines of every process of a run that is still there."""
        mine = {str(PROGRAM), str(self.port)}
        return tuple(" ".join(words) for words in _command_lines() if mine <= set(words))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open[writer] = None
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._follow(reader, writer)
        finally:
            del self._open[writer]
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(await reader.readuntil(b"\n"))
        pid, argv, environment, stdin = ast.literal_eval((await reader.readexactly(size)).decode())
        self._open[writer] = pid
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


def _command_lines() -> list[list[str]]:
    """The words of every process that is no zombie; none where there is no /proc."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):  # noqa: PTH112, PTH208
        with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:  # noqa: PTH123 - thousands of them
            found.append(file.read().decode("utf-8", "replace").split("\0"))
    return found
