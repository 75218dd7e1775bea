"""How much slower this machine is now than the one the limits of the tests were chosen on, as a factor for a limit.

A limit on time is meant for a machine that has nothing else to do. On one with a slow processor, or with several
processes for each core, the same work takes a multiple of it, and a piece of work whose time is known tells which.
A limit that is stretched by that still tells work that grew tenfold from work that did not.
"""

from __future__ import annotations

import time

PATIENCE_S = 60.0
"""How long what merely has to happen is waited for, seconds: a test that passes never waits so long, and one that fails
may; it is half of what pytest gives a whole test."""

TURNS = 200_000
"""What the piece of work is: so many turns of a loop with an addition in it, nothing but the interpreter."""

REFERENCE_S = 0.0052
"""How long the piece takes on a quiet machine, seconds: the quickest of 300 rounds by CPython 3.11.7 on a Xeon of 2023
in the virtual machine where the limits were chosen; half of the rounds took at most 7 % more."""

LOOKS = 5
"""So often it is measured; the worst counts, as a machine is busy in bursts."""

APART_S = 0.01
"""This long after one look comes the next, seconds: others get their turn, and it shows whether they want one."""


def allowed(seconds: float) -> float:
    """How long may be taken here and now by what takes up to ``seconds`` on a quiet machine; never less than that."""
    return seconds * slowness()


def slowness() -> float:
    """How many times as long a piece of work takes here and now, at least 1; takes about 60 ms itself."""
    worst_s = 0.0
    for look in range(LOOKS):
        if look:
            time.sleep(APART_S)
        worst_s = max(worst_s, _piece_s())
    return factor(worst_s)


def factor(piece_s: float) -> float:
    """What a piece of work that took ``piece_s`` seconds says about the machine: a quicker one shortens no limit."""
    return max(1.0, piece_s / REFERENCE_S)


def _piece_s() -> float:
    """How long the piece of work takes now, seconds by the clock on the wall."""
    begun = time.perf_counter()
    total = 0
    for turn in range(TURNS):
        total += turn & 7
    return time.perf_counter() - begun
