"""Opening the desk behind the screen and closing it again, both in one task of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from llmdesk.desk import Desk


class Keeper:
    """Keeps the desk open from ``begin`` until it is told to close.

    Args:
        open_desk: makes a desk that is opened by entering it.
        prepare: what takes long before that (imports); run in a thread.
    """

    def __init__(
        self, open_desk: Callable[[], AbstractAsyncContextManager[Desk]], prepare: Callable[[], None] | None
    ) -> None:
        self._open_desk = open_desk
        self._prepare = prepare
        self._opened: asyncio.Future[Desk] | None = None
        self._leaving = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def take_place(self) -> None:
        """Get ready to be asked for the desk; needs a running loop."""
        self._opened = asyncio.get_running_loop().create_future()

    def begin(self, opened: Callable[[Desk], None], failed: Callable[[Exception], None]) -> None:
        """Open the desk; one of the two is called when it is open, or when opening or closing it went wrong."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and isinstance(error := task.exception(), Exception):
                failed(error)

        self._task = asyncio.create_task(self._keep(opened), name="desk")
        self._task.add_done_callback(ended)

    async def _keep(self, opened: Callable[[Desk], None]) -> None:
        assert self._opened is not None
        try:
            if self._prepare is not None:
                await asyncio.to_thread(self._prepare)
            async with self._open_desk() as desk:
                self._opened.set_result(desk)
                opened(desk)
                await self._leaving.wait()
        finally:
            self._opened.cancel()

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        assert self._opened is not None
        return await asyncio.shield(self._opened)

    async def close(self, *, timeout_s: float | None = None) -> None:
        """Let the desk write everything down, and wait for it; ``timeout_s`` = at most so long."""
        self._leaving.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
