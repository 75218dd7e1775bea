"""How long an event loop is held by what runs on it, told in time of the processor.

The clock on the wall would count what other processes took meanwhile: on a busy machine that is more than any fault.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TICK_S = 0.005
"""How often the loop is asked for a turn, seconds."""


class Held:
    """What was seen of a loop; ``worst_s`` is the most its thread computed between two ticks, seconds."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def tick(self) -> None:
        """Look on until cancelled."""
        at = time.thread_time()
        try:
            while True:
                await asyncio.sleep(TICK_S)
                now = time.thread_time()
                self.worst_s, at = max(self.worst_s, now - at), now
        finally:
            self.worst_s = max(self.worst_s, time.thread_time() - at)


@asynccontextmanager
async def held_loop() -> AsyncIterator[Held]:
    """Watch the running loop; what it says holds when the block is left."""
    held = Held()
    ticking = asyncio.create_task(held.tick())
    await asyncio.sleep(0)  # it looks on from here
    try:
        yield held
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
