"""Waiting until a screen without a terminal has settled: told by its event loop, not guessed from its use of the CPU.

Textual's own pilot sleeps after each key, twice, 20 ms at a time, until the process has used little CPU meanwhile. That
is long where nothing is to be done, and on a busy machine, where a process that waits for its turn looks idle, short.
"""

from __future__ import annotations

import asyncio
from typing import Any

SOON_S = 0.02
"""A timer that is due within this is waited for, seconds: as long as Textual's own wait takes at least."""

PATIENCE_S = 0.04
"""No longer is waited for timers, one after the other, seconds: what moves all the time never settles."""

ROUNDS = 2
"""So often in a row nothing may be left to do, as what came from a thread or a socket is seen one round later."""


async def settled(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Return when the running loop has nothing to do: no callback, no timer soon, nothing handed to a thread.

    Args:
        min_sleep: at least so long is waited, seconds.
        max_sleep: and no longer than this, seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(min_sleep)
    quiet = 0
    while quiet < ROUNDS and (passed := loop.time() - began) < max_sleep:
        await asyncio.sleep(0)
        if _ready(loop):
            quiet = 0
        elif _in_threads(loop) or (passed < PATIENCE_S and _due_s(loop) < SOON_S):
            quiet = 0
            await asyncio.sleep(0.001)
        else:
            quiet += 1


def _ready(loop: Any) -> bool:
    """Whether callbacks wait for their turn."""
    return bool(loop._ready)


def _due_s(loop: Any) -> float:
    """When the next timer is due, seconds from now."""
    return min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=float("inf")) - loop.time()


def _in_threads(loop: Any) -> bool:
    """Whether a thread of the loop's own works on something."""
    threads = loop._default_executor
    return threads is not None and (
        threads._work_queue.qsize() > 0 or threads._idle_semaphore._value < len(threads._threads)
    )
