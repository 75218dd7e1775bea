"""What is typed: line by line between answers, and beside one, where a person may steer it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmdesk.cli.lines import LineReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TextIO

    from llmdesk.cli.signals import Signals


class Ear:
    """Takes the lines of one input; what is typed too early is kept for its turn."""

    def __init__(self, stream: TextIO | None, signals: Signals) -> None:
        self._lines = LineReader(stream)
        self._signals = signals
        self._kept: deque[str] = deque()
        self._question: asyncio.Future[str | None] | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def next_kept(self) -> str | None:
        """The line that was typed before it was asked for, if there is one."""
        return self._kept[0] if self._kept else None

    async def line(self) -> str | None:
        """The next line; ``None`` at the end of the input or when a signal came."""
        if self._kept:
            return self._kept.popleft()
        return await self._lines.next_line(self._signals)

    async def answer(self) -> str | None:
        """The next line that is typed from now on: the answer to a question that interrupts."""
        if self._listening is None or self._listening.done():
            return await self._lines.next_line(self._signals)
        self._question = asyncio.get_running_loop().create_future()
        try:
            return await self._question
        finally:
            self._question = None

    @asynccontextmanager
    async def beside(self, obey: Callable[[str], bool]) -> AsyncIterator[None]:
        """Listen while something else goes on; a line that ``obey`` does not take waits for its turn."""
        self._listening = asyncio.get_running_loop().create_task(self._listen(obey))
        try:
            yield
        finally:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None

    async def _listen(self, obey: Callable[[str], bool]) -> None:
        try:
            while (line := await self._lines.next_line(self._signals)) is not None:
                if self._question is not None and not self._question.done():
                    self._question.set_result(line)
                elif not obey(line):
                    self._kept.append(line)
        finally:
            if self._question is not None and not self._question.done():
                self._question.set_result(None)
