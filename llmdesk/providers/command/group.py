"""A process group of our own: started without a shell, watched while it prints, and ended as a whole (policy T3-T6).

Whoever leaves early gets control back at once: TERM goes out there and then, and a task of its own waits for the end,
sends KILL after the grace, and reaps. ``Groups.aclose`` waits for those tasks, so that nothing outlives the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

from llmdesk.core.values import dataclass
from llmdesk.providers.command.signals import is_alive, signal_group
from llmdesk.providers.command.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    RecordGroup = Callable[[int, Path], Callable[[], None]]

GRACE_S = 2.0
"""How long a group may take to end after TERM before it is killed, seconds (policy T4)."""

LEAVING_S = 0.4
"""The same when llmdesk itself ends and has one second for everything, seconds (policy X5)."""

REAP_S = 1.0
"""How long a killed group is waited for, seconds; only a process stuck in the kernel takes longer."""

NOT_YET = 0
"""The id of a group that is only about to be started."""

CHUNK = 64 * 1024

AFTER_EXIT = 1024 * 1024
"""How much is read after the program has gone, bytes: more than the pipe and our buffer hold, so that nothing it wrote
is lost, and a grandchild that goes on printing does not keep us."""

LINGER_S = 0.1
"""How long what a program that is gone left in its pipes is waited for, seconds."""

_POLL_S = 0.1


def _unrecorded(group: int, folder: Path) -> Callable[[], None]:
    """Record nothing: for a place without a state folder."""
    return lambda: None


class Groups:
    """Starts process groups and outlives each of them.

    ``hurry`` is set while ``aclose`` waits.

    Args:
        record: is told each group that begins (first as ``NOT_YET``), with the folder made for it, and returns what to
            call when it is gone; a leftover of a killed llmdesk is found by that record (policy T13).
    """

    def __init__(self, record: RecordGroup | None = None) -> None:
        self._record = record or _unrecorded
        self._starting: set[asyncio.Task[Group]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self.hurry = asyncio.Event()

    async def start(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: bytes, folder: Path
    ) -> Group:
        """Start a program in a session of its own, without a terminal, and begin to feed it.

        Raises:
            OSError: it cannot be started.
            ValueError: a word or variable holds what the system does not take.
        """
        starting = asyncio.ensure_future(self._launch(argv, env=env, cwd=cwd, stdin=stdin, folder=folder))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # it may have been started all the same, and then has to be ended
            starting.add_done_callback(_end_unwanted)
            raise

    async def _launch(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: bytes, folder: Path
    ) -> Group:
        # Before there is a process id the folder alone is written down: every process of the run is marked with it.
        forget_plan = self._record(NOT_YET, folder)
        try:
            process = await _spawn(
                argv,
                stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
            return Group(process, stdin, folder, self._record(process.id, folder), self)
        finally:
            forget_plan()

    def keep(self, ending: asyncio.Task[None]) -> None:
        """Keep a task that ends a group, until it is done."""
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """Wait until every group is gone; those that take their time are killed."""
        self.hurry.set()
        while under_way := {*self._starting, *self._ending}:
            await asyncio.wait(under_way)
            await asyncio.sleep(0)  # callbacks of what was being started may begin to end it
        self.hurry.clear()


def _end_unwanted(started: asyncio.Task[Group]) -> None:
    if not started.cancelled() and started.exception() is None:
        started.result().end()


class _Exits(asyncio.subprocess.SubprocessStreamProtocol):
    """Notices the exit of a program at once; asyncio's own ``wait`` also waits for whoever holds its pipes open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


@dataclass(frozen=True, slots=True)
class _Process:
    """A started program: its transport, its streams, and its exit."""

    transport: asyncio.SubprocessTransport
    streams: _Exits

    @property
    def id(self) -> int:
        found = self.transport.get_pid()
        assert found is not None
        return found


async def _spawn(argv: Sequence[str], **how: Any) -> _Process:
    loop = asyncio.get_running_loop()
    pipe = asyncio.subprocess.PIPE
    transport, streams = await loop.subprocess_exec(lambda: _Exits(loop), *argv, stdout=pipe, stderr=pipe, **how)
    return _Process(transport, streams)


class Group:
    """One running program with everything it starts, and the private folder that goes with it.

    Made by ``Groups.start``.
    """

    def __init__(
        self,
        process: _Process,
        stdin: bytes,
        folder: Path,
        forget: Callable[[], None],
        groups: Groups,
    ) -> None:
        self.id = process.id
        self._process = process
        self._folder = folder
        self._forget = forget
        self._groups = groups
        self._stderr = Tail()
        self._left_to_read = AFTER_EXIT
        self._helpers = [asyncio.ensure_future(self._drain())]
        if stdin:
            self._helpers.append(asyncio.ensure_future(self._feed(stdin)))
        self._ended: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        """The next bytes of stdout; empty = it is closed, or the program is gone and what it left behind is silent."""
        stdout = self._process.streams.stdout
        assert stdout is not None
        if self._process.streams.exited.is_set() and self._left_to_read <= 0:
            return b""
        reading = asyncio.ensure_future(stdout.read(CHUNK))
        leaving = asyncio.ensure_future(self._process.streams.exited.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                # The program is gone; a grandchild may hold the pipe open for ever. What was written is in it already.
                await asyncio.wait({reading}, timeout=LINGER_S)
            data = reading.result() if reading.done() else b""
            if self._process.streams.exited.is_set():
                self._left_to_read -= len(data)
            return data
        finally:
            for task in (reading, leaving):
                task.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)

    async def wait(self) -> int:
        """The exit code; negative = the signal that ended it."""
        await self._process.streams.exited.wait()
        code = self._process.transport.get_returncode()
        assert code is not None
        return code

    @property
    def exit_code(self) -> int | None:
        """The exit code, if it has ended; negative = the signal that ended it."""
        return self._process.transport.get_returncode()

    @property
    def stderr_so_far(self) -> str:
        """The end of what it has written to stderr by now, without secrets."""
        return self._stderr.text

    async def stderr(self) -> str:
        """The end of what it wrote to stderr, without secrets."""
        await asyncio.wait(self._helpers[:1], timeout=LINGER_S)
        return self._stderr.text

    def end(self) -> asyncio.Task[None]:
        """End the whole group, now; the task is done when nothing of it is left."""
        if self._ended is None:
            signal_group(self.id, signal.SIGTERM)
            self._ended = asyncio.ensure_future(self._finish())
            self._groups.keep(self._ended)
        return self._ended

    async def _finish(self) -> None:
        try:
            if not await self._gone(GRACE_S, self._groups.hurry):
                signal_group(self.id, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
                await self._gone(REAP_S, None)
        finally:
            for task in self._helpers:
                task.cancel()
            await asyncio.gather(*self._helpers, return_exceptions=True)
            self._close_pipes()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            self._forget()

    async def _gone(self, limit_s: float, hurry: asyncio.Event | None) -> bool:
        """Wait until no process of the group is alive, and the program itself is reaped."""
        clock = asyncio.get_running_loop().time
        until = clock() + limit_s
        pause = 0.001
        while not self._process.streams.exited.is_set() or is_alive(self.id):
            left = until - clock()
            if hurry is not None and hurry.is_set():
                left = min(left, LEAVING_S - (limit_s - left))
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, _POLL_S)
        return True

    def _close_pipes(self) -> None:
        # A grandchild outside the group may hold the pipes open; our ends of them must not wait for it, nor for what it
        # has not read.
        writer = self._process.streams.stdin
        if writer is not None and writer.transport.get_write_buffer_size():
            writer.transport.abort()
        with contextlib.suppress(ProcessLookupError):
            self._process.transport.close()

    async def _feed(self, stdin: bytes) -> None:
        writer = self._process.streams.stdin
        assert writer is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for at in range(0, len(stdin), CHUNK):
                writer.write(stdin[at : at + CHUNK])
                await writer.drain()
        writer.close()  # what is still buffered goes out first; asyncio takes it ill when waiting for it is cancelled

    async def _drain(self) -> None:
        stderr = self._process.streams.stderr
        assert stderr is not None
        while data := await stderr.read(CHUNK):
            self._stderr.add(data)
