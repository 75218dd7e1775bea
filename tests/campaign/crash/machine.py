"""What differs between the machines a tracer runs on: the numbers of system calls, and where their arguments are.

Sources: Linux ``arch/x86/entry/syscalls/syscall_64.tbl``, ``include/uapi/asm-generic/unistd.h`` (aarch64),
``arch/x86/include/asm/user_64.h``, ``arch/arm64/include/uapi/asm/ptrace.h``, ``include/uapi/linux/audit.h``.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One kind of processor under Linux.

    Args:
        audit: how a seccomp filter knows it.
        calls: number of each system call that may change a file, by name; not every machine has all of them.
        registers: how many 64-bit registers ``PTRACE_GETREGSET`` gives.
        arguments: which of them hold the six arguments of a call.
        result: which of them holds what a call returns.
        number: which of them holds the number of the call.
        number_regset: the register set through which that number is changed; ``None`` = with the others.
    """

    audit: int
    calls: Mapping[str, int]
    registers: int
    arguments: tuple[int, ...]
    result: int
    number: int
    number_regset: int | None

    @property
    def names(self) -> Mapping[int, str]:
        """The names of calls, by number."""
        return {number: name for name, number in self.calls.items()}


X86_64 = Machine(
    audit=0xC000003E,
    calls={
        "write": 1, "open": 2, "pwrite64": 18, "writev": 20, "access": 21, "sendfile": 40, "fsync": 74,
        "fdatasync": 75, "truncate": 76, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85,
        "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "fchmod": 91, "openat": 257, "mkdirat": 258,
        "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "faccessat": 269,
        "fallocate": 285, "pwritev": 296, "renameat2": 316, "copy_file_range": 326, "pwritev2": 328, "openat2": 437,
        "faccessat2": 439, "fchmodat2": 452,
    },
    registers=27,  # r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax ...
    arguments=(14, 13, 12, 7, 9, 8),
    result=10,
    number=15,
    number_regset=None,
)  # fmt: skip

AARCH64 = Machine(
    audit=0xC00000B7,
    calls={
        "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "truncate": 45, "ftruncate": 46,
        "fallocate": 47, "faccessat": 48, "fchmod": 52, "fchmodat": 53, "openat": 56, "write": 64, "writev": 66,
        "pwrite64": 68, "pwritev": 70, "sendfile": 71, "fsync": 82, "fdatasync": 83, "renameat2": 276,
        "copy_file_range": 285, "pwritev2": 287, "openat2": 437, "faccessat2": 439, "fchmodat2": 452,
    },
    registers=34,  # x0 ... x30 sp pc pstate
    arguments=(0, 1, 2, 3, 4, 5),
    result=0,
    number=8,
    number_regset=0x404,  # NT_ARM_SYSTEM_CALL
)  # fmt: skip


def this_machine() -> Machine | None:
    """The machine this runs on; ``None`` = one that no tracer is written for."""
    if sys.platform != "linux":
        return None
    return {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine())
