"""Somebody in front of a real desk: the screen over real storage and scripted providers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.desk import Desk
    from llmdesk.tui.screens.talk import Talk
    from tests.support.desk_world import DeskWorld
    from tests.support.screen import Seat


@dataclass
class Opened:
    """A desk as the screen opens one."""

    made: Desk

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Desk]:
        async with self.made as desk:
            yield desk


@asynccontextmanager
async def sitting(world: DeskWorld, *, desk: Desk | None = None, **how: object) -> AsyncIterator[Seat]:
    """Sit down at a desk of the world, or at this one."""
    opened = Opened(desk or world.desk())
    async with seated(opened, **{"size": (100, 40), **how}) as seat:  # type: ignore[arg-type]
        yield seat


def talk_of(seat: Seat) -> Talk:
    """The talk that is shown."""
    return seat.app.chat.talk


async def idle(seat: Seat) -> None:
    """Wait until nothing is under way in the lane that is shown, and its end is on the screen."""
    await seat.pilot.pause()
    await wait_until(lambda: not talk_of(seat).busy, "the end of the answer")
    await seat.pilot.pause()


async def exchange(seat: Seat, prompt: str, answer: str) -> None:
    """Ask, and see the answer."""
    await seat.ask(prompt)
    await idle(seat)
    await seat.see(answer)


def standing(world: DeskWorld) -> list[str]:
    """The messages in force, as they are on disk."""
    rows = world.rows("SELECT content FROM messages WHERE superseded_by IS NULL ORDER BY turn, id")
    return [content for (content,) in rows]
