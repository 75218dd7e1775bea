"""A real program, stopped at each of its file operations: counted, killed before or inside the N-th, or refused.

Linux lets a parent look at every system call of a child (ptrace), and a filter in the child (seccomp) lets it stop at
those only that may change a file. All threads and children of the program are followed. Nothing of the program is
replaced: it is the installed one, started as its user starts it, or forked from one that has done nothing but import.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.campaign.crash.filtering import LAUNCHER, NOT_PERMITTED, WRITING, filter_of
from tests.campaign.crash.machine import this_machine
from tests.campaign.crash.operations import LENGTH, decode, is_below
from tests.support.exec_world import CLEAN
from tests.support.warm_start import WarmStart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.campaign.crash.machine import Machine
    from tests.campaign.crash.operations import Operation
    from tests.support.warm_start import Held

LIMIT_S = 60.0
"""After so long a traced program is ended; none of the campaign's takes a tenth of it."""

_CONT, _ATTACH, _SETOPTIONS, _SYSCALL, _GETREGSET, _SETREGSET = 7, 16, 0x4200, 24, 0x4204, 0x4205
_REGISTERS = 1  # NT_PRSTATUS
_SYSGOOD, _FORK, _VFORK, _CLONE, _EXEC, _SECCOMP, _EXITKILL = 0x1, 0x2, 0x4, 0x8, 0x10, 0x80, 0x100000
_OPTIONS = _SYSGOOD | _FORK | _VFORK | _CLONE | _EXEC | _SECCOMP | _EXITKILL
_SECCOMP_STOP, _SYSCALL_STOP = 7, signal.SIGTRAP | 0x80
_WAIT = 0x40000000 | 0x20000000  # __WALL, __WNOTHREAD: every thread of ours, and no child of another tracer
_PAGE = 4096
_LONGEST_PATH = 4096

_WARM = (WarmStart(CLEAN), WarmStart(CLEAN))
"""What most programs are forked from; the first of each command is started, as its user starts it."""

Where = Literal["before", "inside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End the program at its ``number``-th operation, counted from 1: before it runs, or when half of it is written."""

    number: int
    where: Where = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Let operations fail.

    Args:
        error: an ``errno``.
        which: those it is about.
        after: so many of them still succeed.
    """

    error: int
    which: Callable[[Operation], bool]
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Let the program read another file than it names."""

    path: str
    to: str


@dataclass(kw_only=True)
class Traced:
    """What a traced program did.

    Args:
        code: its exit code, negative = the signal that ended it.
        operations: the file operations below the root, in order.
        followed: whether the operations are known; of one that is killed by the clock they are not.
        killed: the operation at which it was killed; ``None`` = it came to its own end.
        refused: the operations that failed.
        out, err: what it printed.
    """

    code: int = 0
    operations: list[Operation] = field(default_factory=list)
    followed: bool = True
    killed: Operation | None = None
    refused: list[Operation] = field(default_factory=list)
    out: str = ""
    err: str = ""


class NotPermitted(Exception):
    """This machine lets nobody trace; the words say why."""


@cache
def why_not() -> str:
    """Why no program can be traced here; empty = one can."""
    if this_machine() is None:
        return f"file operations can be followed on Linux on x86_64 and aarch64 only, not on {sys.platform}"
    try:
        traced = trace([sys.executable, "-I", "-S", "-c", ""], Path(tempfile.gettempdir()), {})
    except NotPermitted as error:
        return f"this machine does not permit it: {error}"
    return "" if traced.code == 0 else f"a traced program ended with {traced.code}"


def trace(
    argv: Sequence[str],
    root: Path,
    environment: Mapping[str, str],
    *,
    kill: Kill | None = None,
    refuse: Sequence[Refuse] = (),
    redirect: Redirect | None = None,
    limit_s: float = LIMIT_S,
) -> Traced:
    """Run a program to its end, or to its kill, and tell what it did below ``root``.

    Raises:
        NotPermitted: the system forbids it.
        TimeoutError: the program did not end.
    """
    machine = this_machine()
    if machine is None:
        raise NotPermitted(f"no tracer for {sys.platform}")
    program = filter_of(machine, reading=redirect is not None)
    with ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        held = _held(stack, argv, environment, (out.fileno(), err.fileno()), program)

        def begun() -> int:
            if held is not None:
                _ptrace(_ATTACH, held.pid, 0, 0)
                held.let_go()  # it stops before it takes another step
                return held.pid
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, program.hex(), *argv],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            process.returncode = 0  # its end is the tracer's to see
            return process.pid

        def followed() -> Traced:
            return _Tracer(machine, begun(), os.path.realpath(root), kill, tuple(refuse), redirect).follow(limit_s)

        # A thread is the tracer, not a process, and it waits for all its children: so it must have no others.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracer") as alone:
            traced = alone.submit(followed).result()
        for stream, name in ((out, "out"), (err, "err")):
            stream.seek(0)
            setattr(traced, name, stream.read().decode(errors="replace"))
    if traced.code == NOT_PERMITTED and not traced.operations:
        raise NotPermitted(traced.err)
    return traced


def _held(
    stack: ExitStack,
    argv: Sequence[str],
    environment: Mapping[str, str],
    outputs: tuple[int, int],
    program: bytes,
) -> Held | None:
    """A process that was forked from one which has imported everything; ``None`` = it has to be started."""
    if list(argv[:3]) == [sys.executable, "-m", "llmdesk"]:
        nothing = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, nothing)
        for beginner in _WARM:
            streams = (nothing, *outputs)
            if (held := stack.enter_context(beginner.held(argv[3:], environment, streams, program))) is not None:
                return held
    return None


class _Tracer:
    def __init__(
        self,
        machine: Machine,
        process: int,
        root: str,
        kill: Kill | None,
        refuse: tuple[Refuse, ...],
        redirect: Redirect | None,
    ) -> None:
        self._machine = machine
        self._names = machine.names
        self._process = process
        self._root = root
        self._kill = kill
        self._refuse = refuse
        self._asked_to_refuse = [0] * len(refuse)
        self._redirect = redirect
        self._traced = Traced()
        self._alive: set[int] = {process}
        self._dying: set[int] = set()
        """Threads that are inside the operation at which the program is killed."""
        self.code: int | None = None

    def follow(self, limit_s: float) -> Traced:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._end()

        watch = threading.Timer(limit_s, end)
        watch.daemon = True
        watch.start()
        try:
            begun = False
            while True:
                try:
                    process, status = os.waitpid(-1, _WAIT)
                except ChildProcessError:
                    break
                if os.WIFSTOPPED(status):
                    if not begun:
                        begun = True
                        _ptrace(_SETOPTIONS, process, 0, _OPTIONS)
                    self._stopped(process, os.WSTOPSIG(status), status >> 16)
                else:
                    self._gone(process, status)
        finally:
            watch.cancel()
            watch.join()
        if late.is_set():
            raise TimeoutError(f"not over after {limit_s:g} s: {self._traced.operations[-3:]}")
        self._traced.code = self.code if self.code is not None else -signal.SIGKILL
        return self._traced

    def _gone(self, process: int, status: int) -> None:
        self._alive.discard(process)
        if process == self._process:
            self.code = os.waitstatus_to_exitcode(status)

    def _stopped(self, process: int, number: int, event: int) -> None:
        deliver, go = 0, _CONT
        if event == _SECCOMP_STOP:
            go = self._at_call(process)
        elif number == _SYSCALL_STOP:
            if process in self._dying:
                self._end()
        elif event == 0 and number != signal.SIGTRAP:
            known = process in self._alive
            self._alive.add(process)
            first = number == signal.SIGSTOP and (not known or process == self._process)
            deliver = 0 if first else number
        self._alive.add(process)
        _ptrace(go, process, 0, deliver)

    def _end(self) -> None:
        """Kill all of the program; as with any SIGKILL, no line of it runs any more."""
        for process in (self._process, *self._alive):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _at_call(self, process: int) -> int:
        """Decide about one call; returns how the process goes on."""
        try:
            registers = self._registers(process)
        except ProcessLookupError:  # killed meanwhile
            return _CONT
        name = self._names.get(registers[self._machine.number])
        if name is None:
            return _CONT
        arguments = [registers[at] for at in self._machine.arguments]
        writes = name not in ("open", "openat") or bool(arguments[1 if name == "open" else 2] & WRITING)
        operation = decode(process, name, arguments, text_at=lambda address: _text_at(process, address), writes=writes)
        if self._redirect is not None and operation.opens and operation.path == self._redirect.path:
            self._lead_astray(process, registers, name)
            return _CONT
        if not writes or not any(is_below(path, self._root) for path in operation.paths):
            return _CONT
        if self._refused(process, registers, operation):
            return _CONT
        if not operation.changes:
            return _CONT
        self._traced.operations.append(operation)
        if self._kill is None or self._traced.killed or len(self._traced.operations) != self._kill.number:
            return _CONT
        self._traced.killed = operation
        if self._kill.where == "before" or operation.size < 2:
            self._end()
            return _CONT
        registers[self._machine.arguments[LENGTH[operation.name]]] = operation.size // 2
        self._set_registers(process, registers)
        self._dying.add(process)
        return _SYSCALL

    def _refused(self, process: int, registers: list[int], operation: Operation) -> bool:
        for at, rule in enumerate(self._refuse):
            if rule.which(operation):
                self._asked_to_refuse[at] += 1
                if self._asked_to_refuse[at] > rule.after:
                    self._fail(process, registers, rule.error)
                    self._traced.refused.append(operation)
                    return True
        return False

    def _fail(self, process: int, registers: list[int], error: int) -> None:
        """Let a call not run, and return an error: its number is replaced by one that no call has."""
        nothing = (1 << 64) - 1
        registers[self._machine.result] = (1 << 64) - error
        if self._machine.number_regset is None:
            registers[self._machine.number] = nothing
        else:
            _regset(_SETREGSET, process, self._machine.number_regset, bytearray(struct.pack("<i", -1)))
        self._set_registers(process, registers)

    def _lead_astray(self, process: int, registers: list[int], name: str) -> None:
        assert self._redirect is not None
        stack = registers[31] if self._machine.number_regset else registers[19]
        address = (stack - 64 * 1024) & ~0xF  # far below anything that is in use, and the stack may grow there
        with Path(f"/proc/{process}/mem").open("r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(os.fsencode(self._redirect.to) + b"\0")
        registers[self._machine.arguments[0 if name in ("open", "creat") else 1]] = address
        self._set_registers(process, registers)

    def _registers(self, process: int) -> list[int]:
        raw = bytearray(8 * self._machine.registers)
        _regset(_GETREGSET, process, _REGISTERS, raw)
        return list(struct.unpack(f"<{self._machine.registers}Q", raw))

    def _set_registers(self, process: int, registers: list[int]) -> None:
        _regset(_SETREGSET, process, _REGISTERS, bytearray(struct.pack(f"<{len(registers)}Q", *registers)))


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    return libc


def _regset(request: int, process: int, which: int, raw: bytearray) -> None:
    buffer = (ctypes.c_char * len(raw)).from_buffer(raw)
    piece = _Piece(ctypes.addressof(buffer), len(raw))
    if _libc().ptrace(request, process, which, ctypes.addressof(piece)) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _ptrace(request: int, process: int, address: int, value: int) -> None:
    if _libc().ptrace(request, process, address, value) < 0 and ctypes.get_errno() != errno.ESRCH:
        raise OSError(ctypes.get_errno(), "ptrace")


def _text_at(process: int, address: int) -> str:
    text = b""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        while b"\0" not in text and len(text) < _LONGEST_PATH:
            memory.seek(address + len(text))
            text += memory.read(_PAGE - (address + len(text)) % _PAGE)
    return os.fsdecode(text.partition(b"\0")[0])
