"""Look at a Textual screen as text, and run an app headless."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.app import App

from llmdesk.tui.transcript.palette import PARTS, Palette
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.app import ComposeResult
    from textual.pilot import Pilot
    from textual.widget import Widget

SMALL = (80, 24)
LARGE = (120, 40)


def screen_lines(app: App[Any]) -> list[str]:
    """The rows of the screen as they would be painted now, without trailing spaces."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def screen_text(app: App[Any]) -> str:
    """The whole screen as text."""
    return "\n".join(screen_lines(app)).rstrip("\n")


class Host(App[None]):
    """An app that shows nothing but the widgets it is given."""

    def __init__(self, *shown: Widget) -> None:
        super().__init__()
        self._shown_widgets = shown

    def compose(self) -> ComposeResult:
        yield from self._shown_widgets


@asynccontextmanager
async def running(app: App[Any], size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[Any]]:
    """Run an app headless; yields its pilot once everything is mounted and sized."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def until(pilot: Pilot[Any], condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds, letting the app work.

    Raises:
        AssertionError: it did not hold within the limit.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while not condition():
        assert loop.time() < deadline, f"waited {limit_s} s in vain; the screen:\n{screen_text(pilot.app)}"
        await pilot.pause(0.01)


def plain_palette() -> Palette:
    """A palette that needs no app: every part has a colour of its own."""
    parts = {part: Style(color=f"color({number})") for number, part in enumerate(PARTS, 16)}
    return Palette(base=Style(color="white", bgcolor="black"), parts=parts)
