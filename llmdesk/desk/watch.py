"""Who wants to know what changed: in this instance at once, in another one within a glance at two counters."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from llmdesk.core.views import Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

GLANCE_S = 1.5
"""How often the database's and the state file's change marks are compared while somebody watches, seconds."""


class Watch:
    """Passes changes on to every watcher; with no watcher nothing runs.

    Args:
        marks: reads the change marks of what other instances share; cheap (no file content is read).
        glance: done on the same occasions; as cheap.
        log_mark: the change mark of the log, which a thread of its own writes; as cheap.
    """

    def __init__(
        self,
        marks: Callable[[], tuple[object, object]],
        *,
        glance: Callable[[], None] = lambda: None,
        log_mark: Callable[[], object] = lambda: None,
    ) -> None:
        self._marks = marks
        self._glance = glance
        self._log_mark = log_mark
        self._pending: dict[asyncio.Event, set[Topic]] = {}

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._pending)

    def changed(self, topic: Topic) -> None:
        """Something of ``topic`` has changed."""
        for event, topics in self._pending.items():
            topics.add(topic)
            event.set()

    async def __call__(self) -> AsyncGenerator[frozenset[Topic], None]:
        """Yield what changed since the last yield, for as long as it is iterated."""
        event = asyncio.Event()
        self._pending[event] = set()
        database, state = self._marks()
        log = self._log_mark()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(GLANCE_S):
                        await event.wait()
                event.clear()
                topics, self._pending[event] = self._pending[event], set()
                self._glance()
                now = self._marks()
                if now[0] != database:
                    topics |= {Topic.OUTBOX, Topic.REQUESTS, Topic.CONVERSATIONS}
                if now[1] != state:
                    topics |= {Topic.COOLDOWNS, Topic.PROVIDERS}
                database, state = now
                if (written := self._log_mark()) != log:
                    log = written
                    topics.add(Topic.LOG)
                if topics:
                    yield frozenset(topics)
        finally:
            del self._pending[event]
