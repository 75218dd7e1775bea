"""Looking at a running desk: what the screen shows, and waiting for it."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual._context import visible_screen_stack

from llmdesk.tui.app import DeskApp
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.app import App
    from textual.pilot import Pilot

    from tests.support.fake_desk import FakeDesk


def shown(app: App[None]) -> str:
    """The text of the screen; the one place that looks into Textual's compositor.

    What stands behind a modal screen is told to the compositor by a context variable; without it, it stays empty.
    """
    visible_screen_stack.set(app._background_screens)
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def wait_until(holds: Callable[[], bool], what: str = "the condition", seconds: float = PATIENCE_S) -> None:
    """Wait for a condition, letting the event loop run."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not holds():
        if loop.time() > deadline:
            raise AssertionError(f"{what} did not come")
        await asyncio.sleep(0.005)


class Seat:
    """Somebody in front of the desk."""

    def __init__(self, app: DeskApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        return shown(self.app)

    @property
    def prompt(self) -> str:
        return self.app.chat.talk.pane.prompt.text

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*(_NAMES.get(char, char) for char in text))

    async def ask(self, text: str) -> None:
        """Put a text into the prompt and send it; ``type`` goes key by key."""
        self.app.chat.talk.pane.prompt.insert(text)
        await self.press("enter")

    async def see(self, pattern: str, seconds: float = PATIENCE_S) -> str:
        """Wait until the screen shows ``pattern``."""
        try:
            await wait_until(lambda: re.search(pattern, self.text) is not None, pattern, seconds)
        except AssertionError:
            raise AssertionError(f"/{pattern}/ is not on the screen:\n{self.text}") from None
        return self.text

    async def see_gone(self, pattern: str) -> None:
        await wait_until(lambda: re.search(pattern, self.text) is None, f"the end of {pattern}")


_NAMES = {
    " ": "space",
    "/": "slash",
    "?": "question_mark",
    ".": "full_stop",
    ":": "colon",
    "-": "minus",
    "\n": "ctrl+j",
}


async def click(seat: Seat, words: str, row: int = -1) -> None:
    """Click in the middle of what one line of the screen says."""
    lines = seat.text.split("\n")
    await seat.pilot.click(offset=(lines[row].index(words) + len(words) // 2, row % len(lines)))


@asynccontextmanager
async def seated(
    desk: FakeDesk,
    *,
    size: tuple[int, int] = (100, 30),
    lane: str | None = None,
    conversation: str | None = None,
    theme: str | None = None,
    latest: bool = False,
    wait: bool = True,
) -> AsyncIterator[Seat]:
    """A desk on a screen without a terminal."""
    app = DeskApp(desk.open, lane=lane, conversation=conversation, theme=theme, latest=latest)
    async with app.run_test(size=size, notifications=True) as pilot:
        seat = Seat(app, pilot)
        if wait:
            await wait_until(lambda: bool(app.chat.lanes) and app.chat.talk.lane in app.chat.talks, "the desk")
            await pilot.pause()
        yield seat
