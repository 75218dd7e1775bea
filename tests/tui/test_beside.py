"""What runs beside a screen ends with it, without a word, however far the screen has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import WorkerFailed

from llmdesk.tui.beside import beside
from tests.support.screen import wait_until

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Looking(Screen[None]):
    """A screen that looks at what it shows again and again."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.missed = False

    def compose(self) -> ComposeResult:
        yield Static("one", id="one")

    def on_mount(self) -> None:
        beside(self, self._look)

    async def _look(self) -> None:
        try:
            while True:
                self.query_one(self.wanted)
                await asyncio.sleep(0)
        except NoMatches:
            self.missed = True
            raise


async def test_a_screen_that_is_being_left_may_have_lost_what_it_shows() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        screen = Looking("#one")
        await app.push_screen(screen)
        await pilot.pause()
        await app.pop_screen()
        await wait_until(lambda: screen.missed, "the look at what is gone")
        await pilot.pause()
        assert app.is_running


async def ask_for(wanted: str) -> None:
    """Show a screen that looks for this, and leave the app open meanwhile."""
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(Looking(wanted))
        await pilot.pause()


async def test_a_screen_that_stays_and_asks_for_what_it_never_had_is_a_mistake() -> None:
    with pytest.raises(WorkerFailed, match="#two"):
        await ask_for("#two")
