"""One request under way, as its asker holds it: a stream of events and the ways to steer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.core.types import DeskEvent, Finished, Outcome
from llmdesk.router import Controls, Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Run:
    """One request under way: iterate it for its events, and steer it.

    The desk owns the work; leaving the iteration early does not stop it, ``cancel`` does.
    """

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.controls = Controls()
        self.keep_on_stop: bool | None = None
        """``None`` while nobody has stopped the request; else whether it goes to the outbox."""
        self.work: asyncio.Task[None] | None = None
        """The walk down the lane, once it has begun."""
        self._events: asyncio.Queue[DeskEvent] = asyncio.Queue()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def tell(self, event: DeskEvent) -> None:
        """Hand an event to whoever iterates; after ``Finished`` there is none."""
        if self._outcome.done():
            return
        self._events.put_nowait(event)
        if isinstance(event, Finished):
            self._outcome.set_result(event.outcome)

    async def __aiter__(self) -> AsyncIterator[DeskEvent]:
        """Yield every event, ``Finished`` last. One consumer only; whoever comes after the end gets nothing."""
        while not (self._outcome.done() and self._events.empty()):
            yield await self._events.get()

    async def outcome(self) -> Outcome:
        """Wait for the end."""
        return await asyncio.shield(self._outcome)

    def retry_now(self) -> None:
        """Cut a wait short and ask the same target again."""
        self.controls.say(Wish.RETRY)

    def next_target(self) -> None:
        """Leave the target that is asked or waited for, and go to the next one."""
        self.controls.say(Wish.NEXT)

    def consent(self, go: bool) -> None:
        """Answer ``ConsentNeeded``; no = the request is paused."""
        self.controls.say(Wish.GO if go else Wish.STAY)

    def cancel(self, *, keep: bool = False) -> None:
        """Stop. With ``keep`` the request goes to the outbox (paused) instead of ending as cancelled."""
        if self.keep_on_stop is None:
            self.keep_on_stop = keep
        if self.work is not None:
            self.work.cancel()
