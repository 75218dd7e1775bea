"""The scenes: what somebody does at the demo's desk, and what is looked at."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from itertools import chain
from typing import TYPE_CHECKING

from assets.drawing import Drawing, Row, row_of
from llmdesk.cli.session import Session
from llmdesk.tui.app import DeskApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from textual.pilot import Pilot

PATIENCE_S = 30.0
LOOKS_PER_S = 12
"""Of a film."""
REST_S = 3.0
"""How long its last picture stays before it begins anew."""


class Player:
    """Somebody in front of the demo's desk."""

    def __init__(self, app: DeskApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def screen(self) -> tuple[Row, ...]:
        """What is on the screen now, whatever lies above the chat included."""
        app = self.app
        theme = app.current_theme
        ink, paper = _colour(theme.foreground, "#d7dde8"), _colour(theme.background, "#0c1018")
        update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
        return tuple(row_of(chain.from_iterable(strips), ink, paper) for strips in update.strips)

    @property
    def text(self) -> str:
        """The screen without its colours."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.screen())

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str, *, keys_per_s: float = 0) -> None:
        """Type into the prompt, as fast as a person or at once."""
        prompt = self.app.chat.talk.pane.prompt
        for part in text if keys_per_s else [text]:
            prompt.insert(part)
            await self.pilot.pause(1 / keys_per_s if keys_per_s else 0)

    async def see(self, pattern: str) -> None:
        """Wait until the screen shows ``pattern``."""
        end = time.monotonic() + PATIENCE_S
        while re.search(pattern, self.text) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"/{pattern}/ never came:\n{self.text}")
            await self.pilot.pause(0.03)

    async def ask(self, text: str, *, keys_per_s: float = 0) -> None:
        """Send a prompt and wait for the whole answer."""
        before = self.text.count("✔ full")
        await self.type(text, keys_per_s=keys_per_s)
        await self.press("enter")
        await self.see(re.escape(text[:20]))
        end = time.monotonic() + PATIENCE_S
        while self.app.chat.running() or (before == 0 and "✔ full" not in self.text):
            if time.monotonic() > end:
                raise TimeoutError(f"no answer to {text}:\n{self.text}")
            await self.pilot.pause(0.03)
        await self.pilot.pause(0.3)


def _colour(told: str | None, otherwise: str) -> str:
    return told if told is not None and re.fullmatch(r"#[0-9a-fA-F]{6}", told) else otherwise


@asynccontextmanager
async def at_the_desk(size: tuple[int, int], theme: str = "midnight") -> AsyncIterator[Player]:
    """The demo's desk on a screen of this size, once everything is found."""
    session = Session()
    app = DeskApp(lambda: session.desk(demo=True, scene=True), demo=True, theme=theme)
    async with app.run_test(size=size, notifications=True) as pilot:
        player = Player(app, pilot)
        await player.see("local: answers")
        yield player


# --- the scenes -----------------------------------------------------------------------------------------------------


async def failover(player: Player) -> None:
    """The cloud answers, then is limited; the local model takes over."""
    await player.ask("Show me a table")
    await player.ask("hello again")


async def failovers(player: Player) -> None:
    """What failed over."""
    await failover(player)
    await player.ask("And a table, at the limit")
    await player.press("f6")
    await player.see("rate")
    await player.pilot.pause(0.3)


async def metrics(player: Player) -> None:
    """How fast, and what it cost."""
    for prompt in ("hello", "a table please", "hello again", "write code"):
        await player.ask(prompt)
    await player.press("f5")
    await player.see("tok/s|tokens")
    await player.pilot.pause(0.5)


async def palette(player: Player) -> None:
    """Every action by name."""
    await player.ask("hello")
    await player.press("ctrl+p")
    await player.pilot.pause(0.3)
    await player.press(*"lane")
    await player.pilot.pause(0.8)


async def table(player: Player) -> None:
    """A table."""
    await player.ask("Show me a table")


# --- a film ---------------------------------------------------------------------------------------------------------

Frames = list[tuple[float, tuple[Row, ...]]]


async def film(player: Player) -> Frames:
    """A prompt, an answer, a rate limit, the step to the local model, another lane that asks first, the palette."""
    frames: Frames = []
    began = time.monotonic()

    async def look() -> None:
        while True:
            screen = player.screen()
            if not frames or frames[-1][1] != screen:
                frames.append((time.monotonic() - began, screen))
            await asyncio.sleep(1 / LOOKS_PER_S)

    looking = asyncio.create_task(look())
    try:
        await _played(player)
    finally:
        looking.cancel()
    return frames


async def _played(player: Player) -> None:
    pause, speed = player.pilot.pause, 16
    await pause(0.8)
    await player.ask("hello, who answers here?", keys_per_s=speed)
    await pause(1)
    await player.ask("write code that counts words", keys_per_s=speed)
    await pause(2)
    await player.press("ctrl+pagedown")
    await pause(0.6)
    await player.type("and as a module?", keys_per_s=speed)
    await player.press("enter")
    await pause(2.2)
    await player.press("alt+y")
    await pause(3)
    await player.press("f6")
    await pause(2)
    await player.press("escape")
    await pause(0.3)
    await player.press("ctrl+p")
    await pause(0.8)
    for key in "budget":
        await player.press(key)
        await pause(0.15)
    await pause(0.8)
    await player.press("enter")
    await pause(1)


async def play(
    scene: Callable[[Player], Awaitable[None]], *, size: tuple[int, int], theme: str = "midnight", title: str
) -> str:
    """Play a scene and draw how it ends."""
    async with at_the_desk(size, theme) as player:
        await scene(player)
        return _drawing(player, size).picture(player.screen(), title)


async def play_film(*, size: tuple[int, int], title: str) -> str:
    """Play the film."""
    async with at_the_desk(size) as player:
        frames = await film(player)
        return _drawing(player, size).film(frames, title, length_s=frames[-1][0] + REST_S)


def _drawing(player: Player, size: tuple[int, int]) -> Drawing:
    return Drawing(*size, paper=_colour(player.app.current_theme.background, "#0c1018"))
