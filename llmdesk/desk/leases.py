"""Who uses something that is to be closed when nobody does any more."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Leases:
    """Everything under way that may use the adapters of a desk."""

    def __init__(self) -> None:
        self._held: set[asyncio.Event] = set()

    def take(self) -> Callable[[object], None]:
        """Begin to use; calling what is returned, as a task does when it has ended, is the end of it."""
        ended = asyncio.Event()
        self._held.add(ended)

        def let_go(_done: object) -> None:
            self._held.discard(ended)
            ended.set()

        return let_go

    @contextmanager
    def held(self) -> Iterator[None]:
        """Use inside."""
        let_go = self.take()
        try:
            yield
        finally:
            let_go(None)

    async def ended(self) -> None:
        """Wait for all that is under way now, not for what begins later."""
        for each in tuple(self._held):
            await each.wait()
