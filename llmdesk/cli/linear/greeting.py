"""The status line at the start: what is known at once, and the rest when it has come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.cli.narration import sentence
from llmdesk.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.views import Discovery, Finding
    from llmdesk.desk import Desk

AT_ONCE_S = 0.25
"""How long the first look around may hold up the first prompt, seconds."""


class Greeting:
    """Looks around once. A provider that is slow to answer holds nothing up: it is told of later.

    Args:
        desk: the open desk.
        say: says a line now.
        later: says a line as soon as it disturbs nobody.
    """

    def __init__(self, desk: Desk, say: Callable[[str], None], later: Callable[[str], None]) -> None:
        self._desk = desk
        self._say = say
        self._later = later
        self._look: asyncio.Task[Discovery] | None = None
        self._telling: asyncio.Task[None] | None = None

    async def begin(self, lane: str) -> None:
        """Say the first line."""
        self._look = asyncio.get_running_loop().create_task(self._desk.discover())
        await asyncio.wait([self._look], timeout=AT_ONCE_S)
        demo = "DEMO, " if self._desk.demo else ""
        begin = f"llmdesk {__version__}: {demo}lane {lane}."
        if self._look.done():
            self._say(f"{begin} {_told(self._look.result())}")
            return
        self._say(f"{begin} Looking at the providers; what is found is told when it is known.")
        self._telling = asyncio.get_running_loop().create_task(self._tell(self._look))

    async def _tell(self, look: asyncio.Task[Discovery]) -> None:
        self._later(f"found: {_told(await look)}")

    async def whole(self) -> None:
        """Wait until everything is told."""
        if self._telling is not None:
            await self._telling

    async def end(self) -> None:
        """Look no further."""
        tasks = [task for task in (self._telling, self._look) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(found: Discovery) -> str:
    return " ".join(map(_sentence, found.findings)) or "Nothing was found."


def _sentence(finding: Finding) -> str:
    """A finding as one sentence, with the command that helps."""
    return f"{finding.text.rstrip('.:')}: {finding.hint}." if finding.hint else sentence(finding.text)
