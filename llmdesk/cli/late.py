"""Answers that come by themselves while somebody types lines: paused requests that the desk asks again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from llmdesk.core.types import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import OutboxEntry
    from llmdesk.desk import Desk, Run


class LateAnswers:
    """Lets the desk resume for as long as this is entered.

    Args:
        desk: the open desk.
        tell: called with each request that was taken up and has really ended.
    """

    def __init__(self, desk: Desk, tell: Callable[[OutboxEntry, Outcome], None]) -> None:
        self._desk = desk
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Begin."""
        self._begin(self._desk.keep_resuming(self._take))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take up nothing more; the desk pauses what is under way when it is closed."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, entry: OutboxEntry, run: Run) -> bool:
        self._begin(self._wait(entry, run))
        return False

    async def _wait(self, entry: OutboxEntry, run: Run) -> None:
        outcome = await run.outcome()
        if outcome.status not in (Status.PAUSED, Status.CANCELLED):
            self._tell(entry, outcome)
