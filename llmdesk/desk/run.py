"""One request under way, as its asker holds it: a stream of events and the ways to steer it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from llmdesk.core.types import Finished, TextDelta
from llmdesk.router import Controls, Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llmdesk.core.types import DeskEvent, Outcome


JOIN_ABOVE = 256
"""How many events may wait before pieces of text are joined: no reader that keeps up ever lets so many wait."""

JOIN_UP_TO = 4096
"""How long a joined piece grows, characters; longer ones would be copied too often."""


class Run:
    """One request under way: iterate it for its events, and steer it.

    The desk owns the work; leaving the iteration early does not stop it, ``cancel`` does. ``checked``: the answer must
    meet a schema, so that text is a draft until the outcome.
    """

    def __init__(self, request_id: str, *, checked: bool = False) -> None:
        self.request_id = request_id
        self.checked = checked
        self.controls = Controls()
        self.keep_on_stop: bool | None = None
        """``None`` while nobody has stopped the request; else whether it goes to the outbox."""
        self.work: asyncio.Task[None] | None = None
        """The walk down the lane, once it has begun."""
        self._events: deque[DeskEvent] = deque()
        self._arrived = asyncio.Event()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def tell(self, event: DeskEvent) -> None:
        """Hand an event to whoever iterates; after ``Finished`` there is none."""
        if self._outcome.done():
            return
        if not self._joined(event):
            self._events.append(event)
            self._arrived.set()
        if isinstance(event, Finished):
            self._outcome.set_result(event.outcome)

    async def __aiter__(self) -> AsyncIterator[DeskEvent]:
        """Yield every event, ``Finished`` last. One consumer only; whoever comes after the end gets nothing."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._outcome.done():
                return
            self._arrived.clear()
            await self._arrived.wait()

    def _joined(self, event: DeskEvent) -> bool:
        """Add text to the text that still waits, once much waits; so nobody's slowness costs memory."""
        if len(self._events) < JOIN_ABOVE or not isinstance(event, TextDelta) or event.wires:
            return False
        last = self._events[-1]
        if not isinstance(last, TextDelta) or last.wires or len(last.text) > JOIN_UP_TO:
            return False
        self._events[-1] = TextDelta(last.text + event.text)
        return True

    async def outcome(self) -> Outcome:
        """Wait for the end."""
        return await asyncio.shield(self._outcome)

    async def to_its_end(self, notice: Callable[[DeskEvent], None] | None = None) -> Outcome:
        """Take every event, as what is not taken would only pile up, and wait for the end; leaving early cancels it.

        Args:
            notice: told of each event on the way.
        """
        try:
            async for event in self:
                if notice is not None:
                    notice(event)
            return await self.outcome()
        finally:
            self.cancel()

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
