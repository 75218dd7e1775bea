"""Large blocks of memory go back to the system as soon as nobody needs them (policy I16)."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache

LARGE = 1 << 20
"""From here on a block is one of its own, bytes."""

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc


def expect(size: int) -> None:
    """Say that texts of so many characters or bytes are about to be held, copied and let go.

    glibc maps a large block by itself, so that freeing it makes the process smaller. But with each that is freed it
    raises the size from which it does so, up to 32 MiB (mallopt(3), ``M_MMAP_THRESHOLD``): the next ones lie in the
    heap, which shrinks at its end only. A prompt of 10 MB left 25 MiB of holes there, for as long as the process lives.
    From the first call with something large that size stays where it is. Elsewhere than with glibc nothing is done.
    """
    if size >= LARGE:
        _keep_apart()


@cache
def _keep_apart() -> bool:
    """Fix the size from which blocks are mapped by themselves; whether that could be done."""
    if sys.platform != "linux":
        return False
    import ctypes  # two milliseconds that only what is large has to pay

    with suppress(AttributeError, OSError):  # another C library
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE))
    return False
