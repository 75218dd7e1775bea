"""A filter of system calls, put on the process that runs this."""

from __future__ import annotations

import ctypes
import os

NOT_PERMITTED = 97
"""The exit code of a process that may not be traced or filtered."""

_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2  # include/uapi/linux/prctl.h, seccomp.h


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def take_on(program: bytes) -> None:
    """Let the kernel ask ``program`` (BPF) about each system call; ends the process where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    raw = ctypes.create_string_buffer(program, len(program))
    told = _Program(len(program) // 8, ctypes.addressof(raw))
    if libc.prctl(_NO_NEW_PRIVS, 1, None, 0, 0) or libc.prctl(_SECCOMP, _FILTER, ctypes.byref(told), 0, 0):
        os.write(2, f"seccomp: {os.strerror(ctypes.get_errno())}".encode())
        os._exit(NOT_PERMITTED)
