"""Which system calls a traced program stops at: a seccomp filter, and the few lines that put a program under it."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.crash.machine import Machine

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
"""A file that is opened with none of these is not changed through it."""

_FLAGS = {"open": 1, "openat": 2}
"""Which argument of a call tells how a file is opened."""

_LOAD, _EQUAL, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x45, 0x06  # BPF: ld [k], jeq #k, jset #k, ret #k
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000  # include/uapi/linux/seccomp.h

NOT_PERMITTED = 97
"""The launcher's exit code where a program may not be traced."""

LAUNCHER = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
raw = ctypes.create_string_buffer(bytes.fromhex(sys.argv[1]))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
program = Program((len(raw) - 1) // 8, ctypes.addressof(raw))
libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.ptrace.restype = ctypes.c_long
def need(done, what):
    if done:
        os.write(2, f"{what}: {os.strerror(ctypes.get_errno())}".encode())
        os._exit(%d)
need(libc.ptrace(0, 0, 0, 0), "ptrace")
os.kill(os.getpid(), signal.SIGSTOP)
need(libc.prctl(38, 1, None, 0, 0), "no_new_privs")
need(libc.prctl(22, 2, ctypes.byref(program), 0, 0), "seccomp")
os.execv(sys.argv[2], sys.argv[2:])
""" % (NOT_PERMITTED,)  # noqa: UP031 - braces are Python's in there
"""What a bare Python runs: it asks to be traced, waits for the tracer, takes on the filter and becomes the program."""


def filter_of(machine: Machine, *, reading: bool = False) -> bytes:
    """A filter that stops a program at every call that may change a file, and at no other.

    It cannot follow pointers, so that it stops at writes to sockets and pipes too; the tracer tells them apart.

    Args:
        machine: what it is for.
        reading: stop at files opened for reading too.
    """
    program = [_step(_LOAD, k=4), _step(_EQUAL, k=machine.audit, yes=1), _step(_ANSWER, k=_ALLOW), _step(_LOAD, k=0)]
    for name, number in machine.calls.items():
        if name in _FLAGS and not reading:
            program += [
                _step(_EQUAL, k=number, no=4),
                _step(_LOAD, k=16 + 8 * _FLAGS[name]),  # the lower half: both machines are little-endian
                _step(_ANY_BIT, k=WRITING, no=1),
                _step(_ANSWER, k=_TRACE),
                _step(_ANSWER, k=_ALLOW),
            ]
        else:
            program += [_step(_EQUAL, k=number, no=1), _step(_ANSWER, k=_TRACE)]
    return b"".join([*program, _step(_ANSWER, k=_ALLOW)])


def _step(code: int, *, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, k)
