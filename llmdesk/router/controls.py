"""Where a running request listens for its user: every wait can be cut short, every attempt left."""

from __future__ import annotations

import asyncio
from enum import Enum, auto


class Wish(Enum):
    """What a user asks of a running request."""

    RETRY = auto()
    NEXT = auto()
    GO = auto()
    STAY = auto()
    NOTHING = auto()
    """The wait ended by itself."""


class Controls:
    """The ear of one request. Used from the event loop only."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[Wish] | None = None
        self._attempt: asyncio.Task[object] | None = None
        self.left = False

    def say(self, wish: Wish) -> None:
        """Pass a wish on; one that nothing listens for is dropped."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(wish)
        elif wish is Wish.NEXT and self._attempt is not None and not self.left:
            self.left = True
            self._attempt.cancel()

    def wake(self) -> None:
        """End a wait with ``NOTHING`` before its time: what it waits for may have come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Wish.NOTHING)

    async def wait(self, seconds: float | None) -> Wish:
        """Wait until a wish comes or ``seconds`` are over."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                return await self._waiter
        except TimeoutError:
            return Wish.NOTHING
        finally:
            self._waiter = None

    def attempt_begins(self) -> None:
        """From now on *next target* interrupts the calling task."""
        self.left = False
        self._attempt = asyncio.current_task()

    def attempt_ends(self) -> bool:
        """Stop listening; true if the user left this attempt (its cancellation is then taken back)."""
        task, self._attempt = self._attempt, None
        # What remains of the cancellations stops the whole request; asyncio delivers both as one.
        stopped = self.left and task is not None and task.uncancel() > 0
        left, self.left = self.left and not stopped, False
        return left
