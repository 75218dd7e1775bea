"""llmdesk as a process of its own that begins warm: forked from one that has imported everything and done nothing.

Three quarters of what a short command costs is importing. Where a test is about what the command does, and not about
how it starts, it need not pay for that: the fork has its own environment, folder, streams, sockets and exit code, as
any process. ``python -m tests.support.warm_start`` is the one it is forked from.
"""

from __future__ import annotations

import array
import atexit
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import FileIO

ROOT = Path(__file__).resolve().parents[2]
COLD = ("PYTHON", "LC_", "LANG", "TZ")
"""Beginnings of variables that an interpreter reads when it starts: with another value of one, only a start will do."""

PARTS = ("cli", "client", "config", "core", "desk", "providers", "router", "storage", "wiring")
OTHERS = ("asyncio", "click", "concurrent.futures.thread", "filelock", "httpcore", "httpx", "jsonschema", "ruamel.yaml",
          "sqlite3", "ssl")  # fmt: skip


class WarmStart:
    """Forks processes of llmdesk, one at a time.

    Args:
        environment: what they all have in common, as it is for an interpreter that starts.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = _of_a_start(environment)
        self._turn = threading.Lock()
        self._started: list[Sequence[str]] = []
        self._parent: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, limit_s: float
    ) -> tuple[int, bytes, bytes] | None:
        """Run llmdesk with these words; its exit code (minus the signal) and what it wrote.

        Returns:
            ``None`` where it has to be started instead: there is no fork here, another run is under way, the
            interpreter would read something else when it starts, or it is the first run of its command: what a command
            needs must not be there only because others had imported it.

        Raises:
            subprocess.TimeoutExpired: it was still running after ``limit_s`` seconds, and was killed.
        """
        if not self._is_free(argv, environment):
            return None
        try:
            return self._forked(argv, environment, stdin, limit_s)
        finally:
            self._turn.release()

    @contextmanager
    def held(
        self, argv: Sequence[str], environment: Mapping[str, str], streams: Sequence[int], program: bytes
    ) -> Iterator[Held | None]:
        """Fork one that does nothing before it is let go, and then takes on a filter of system calls: for a tracer.

        Leaving the context waits for its end; one that was not let go ends at once.

        Args:
            argv, environment: as for ``run``.
            streams: what it has as stdin, stdout and stderr.
            program: the filter, for seccomp.

        Yields:
            ``None`` where it has to be started instead, as for ``run``.
        """
        if not self._is_free(argv, environment):
            yield None
            return
        try:
            line = self._line or self._begin()
            theirs, ours = os.pipe()
            pid = _ask(line, argv, environment, [*streams, theirs], program)
            os.close(theirs)
            try:
                yield Held(pid=pid, gate=ours)
            finally:
                os.close(ours)
                _number(line)
        finally:
            self._turn.release()

    def _is_free(self, argv: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether this can be forked now; if so, nobody else forks before the turn is given back."""
        if not hasattr(os, "fork") or _of_a_start(environment) != self._environment:
            return False
        if not self._turn.acquire(blocking=False):
            return False
        if argv[:1] in self._started:
            return True
        self._started.append(argv[:1])
        self._turn.release()
        return False

    def _forked(
        self, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, limit_s: float
    ) -> tuple[int, bytes, bytes]:
        line = self._line or self._begin()
        with ExitStack() as stack:
            ends = [os.pipe() for _ in range(3)]
            theirs = [ends[0][0], ends[1][1], ends[2][1]]
            ours = [stack.enter_context(open(ends[0][1], "wb", buffering=0)),  # noqa: PTH123 - a descriptor
                    stack.enter_context(open(ends[1][0], "rb", buffering=0)),  # noqa: PTH123
                    stack.enter_context(open(ends[2][0], "rb", buffering=0))]  # noqa: PTH123  # fmt: skip
            pid, deadline = _ask(line, argv, environment, theirs), time.monotonic() + limit_s
            for end in theirs:
                os.close(end)
            try:
                out, err = _exchange(ours, stdin, deadline)
                line.settimeout(max(deadline - time.monotonic(), 0.001))
                return os.waitstatus_to_exitcode(_number(line)), out, err
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                line.settimeout(None)
                _number(line)
                raise subprocess.TimeoutExpired(list(argv), limit_s) from None
            finally:
                line.settimeout(None)

    def _begin(self) -> socket.socket:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env=self._environment, cwd=ROOT, pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        atexit.register(self.close)
        return self._line

    def close(self) -> None:
        """End the process that is forked."""
        if self._parent is not None and self._line is not None:
            self._line.close()
            self._parent.communicate()
            self._parent = self._line = None
        atexit.unregister(self.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A forked process that waits to be let go; ``gate`` is what it reads from."""

    pid: int
    gate: int

    def let_go(self) -> None:
        """Let it take on its filter and become the program."""
        os.write(self.gate, b"g")


def _of_a_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads when it starts, and where programs are."""
    return {name: value for name, value in environment.items() if name.startswith(COLD) or name == "PATH"}


def _ask(
    line: socket.socket,
    argv: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[int],
    program: bytes = b"",
) -> int:
    """Order one process; its id."""
    told = json.dumps([list(argv), dict(environment), str(Path.cwd()), program.hex()]).encode()
    line.sendmsg([len(told).to_bytes(8, "big")],
                 [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))])  # fmt: skip
    line.sendall(told)
    return _number(line)


def _exchange(ours: Sequence[FileIO], stdin: bytes, deadline: float) -> tuple[bytes, bytes]:
    """Write the input, read both outputs to their ends."""
    writer, *readers = ours
    heard = {reader.fileno(): bytearray() for reader in readers}
    left = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        if left:
            os.set_blocking(writer.fileno(), False)
            selector.register(writer, selectors.EVENT_WRITE)
        else:
            writer.close()
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(deadline - time.monotonic(), 0))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fileobj is writer:
                    with suppress(BrokenPipeError):
                        left = left[os.write(key.fd, left[:65_536]) :]
                        if left:
                            continue
                    selector.unregister(writer)
                    writer.close()
                elif piece := os.read(key.fd, 65_536):
                    heard[key.fd] += piece
                else:
                    selector.unregister(key.fileobj)
    out, err = heard.values()
    return bytes(out), bytes(err)


def _number(line: socket.socket) -> int:
    return int.from_bytes(_exactly(line, 8), "big")


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = line.recv(size - len(data))
        if not piece:
            raise EOFError("the process that is forked has ended")
        data += piece
    return data


# --- the process that is forked --------------------------------------------------------------------------------------


def _import_everything() -> None:
    for part in PARTS:
        package = importlib.import_module(f"llmdesk.{part}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for other in OTHERS:
        importlib.import_module(other)


def _serve(line: socket.socket) -> None:
    """Fork for each request; returns in the fork, which is then llmdesk, and at the end."""
    while True:
        head, given, _, _ = line.recvmsg(8, socket.CMSG_SPACE(4 * 4))
        if not head:
            os._exit(0)
        streams = array.array("i", given[0][2])
        argv, environment, folder, program = json.loads(_exactly(line, int.from_bytes(head, "big")))
        pid = os.fork()
        if pid == 0:
            line.close()
            if program:
                _wait_and_filter(streams.pop(), bytes.fromhex(program))
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            sys.argv[1:] = argv
            return
        for stream in streams:
            os.close(stream)
        line.sendall(pid.to_bytes(8, "big"))
        line.sendall(os.waitpid(pid, 0)[1].to_bytes(8, "big"))


def _wait_and_filter(gate: int, program: bytes) -> None:
    """In the fork: wait until somebody has come to trace it, then stop at the calls that the filter names."""
    from tests.support.seccomp import take_on

    os.setsid()
    if not os.read(gate, 1):
        os._exit(1)
    os.close(gate)
    take_on(program)


def main() -> None:
    """Import everything, then fork on demand."""
    import gc
    import runpy

    line = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    gc.freeze()  # what is there is not looked through again by each fork
    _serve(line)
    runpy.run_module("llmdesk", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
