"""A desk on a screen over a real configuration file, with the demo's servers on loopback behind it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmdesk.demo import demo_world
from llmdesk.tui.app import DeskApp
from llmdesk.wiring import make_desk
from tests.support.screen import Seat, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def settled(*, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Seat, Path]]:
    """The seat, and the configuration file."""
    async with demo_world(scene=False) as world:
        app = DeskApp(lambda: make_desk(env=world.environment, log=lambda *_, **__: None))
        async with app.run_test(size=size, notifications=True) as pilot:
            seat = Seat(app, pilot)
            await wait_until(lambda: bool(app.chat.lanes) and app.chat.talk.lane in app.chat.talks, "the desk")
            await wait_until(lambda: len(app.palette_names()) > 2, "the themes")
            await pilot.pause()
            yield seat, world.home / "config" / "llmdesk.yaml"
