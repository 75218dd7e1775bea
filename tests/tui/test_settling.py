"""When the pilot of the tests goes on: as soon as nothing is left to do, and not before."""

from __future__ import annotations

import asyncio
import time

from tests.support.settling import SOON_S, settled


async def test_callbacks_that_call_callbacks_are_waited_for() -> None:
    loop, told = asyncio.get_running_loop(), []

    def again(left: int) -> None:
        told.append(left)
        if left:
            loop.call_soon(again, left - 1)

    loop.call_soon(again, 50)
    await settled()
    assert told[-1] == 0


async def test_what_a_thread_works_on_is_waited_for_with_what_comes_of_it() -> None:
    told: list[str] = []

    async def read() -> None:
        told.append(await asyncio.to_thread(lambda: time.sleep(0.1) or "read"))  # type: ignore[func-returns-value]

    reading = asyncio.create_task(read())
    await settled()
    assert told == ["read"]
    await reading


async def test_a_timer_that_is_due_soon_is_waited_for_and_one_that_is_not_is_not() -> None:
    loop, told = asyncio.get_running_loop(), []
    loop.call_later(SOON_S / 2, told.append, "soon")
    later = loop.call_later(3_600, told.append, "later")
    began = loop.time()
    await settled()
    assert told == ["soon"]
    assert loop.time() - began < 60
    later.cancel()
