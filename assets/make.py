"""Make the pictures of the README: ``python -m assets.make [NAME …]``, without a name all of them.

The real desk plays the demo's scenes. The wall clock stands at a date of its own, so that a picture changes when the
desk does; only speeds, which are measured, differ a little from run to run.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import time_machine

from assets import scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

FOLDER = Path(__file__).parent
NOW = datetime(2026, 11, 21, 14, 20, tzinfo=UTC)
WIDE, SMALL = (120, 36), (80, 24)


def _scene(name: str, **how: object) -> Callable[[], Coroutine[None, None, str]]:
    return lambda: scenes.play(getattr(scenes, name), **how)  # type: ignore[arg-type]


PICTURES: dict[str, Callable[[], Coroutine[None, None, str]]] = {
    "desk": _scene(
        "failover", size=WIDE, title="The cloud is rate limited; the local model answers, and a line says so"
    ),
    "failovers": _scene("failovers", size=WIDE, title="Every failover with its reason and what it cost"),
    "metrics": _scene("metrics", size=WIDE, title="Speed, first token, errors and cost"),
    "palette": _scene("palette", size=WIDE, title="Every action by name"),
    "daylight": _scene("table", size=WIDE, theme="daylight", title="A light theme"),
    "small": _scene("failover", size=SMALL, title="In a terminal of 80 by 24"),
    "film": lambda: scenes.play_film(size=(104, 30), title="A prompt, a rate limit, the local model, the history"),
}


def make(name: str) -> str:
    """Play a scene and return its SVG."""
    with time_machine.travel(NOW, tick=True):
        return asyncio.run(PICTURES[name]())


def main() -> None:
    """Write the pictures that are named."""
    os.environ["TZ"] = "UTC"
    for name in ("NO_COLOR", "TEXTUAL_DRIVER"):
        os.environ.pop(name, None)
    for name in sys.argv[1:] or PICTURES:
        path = FOLDER / f"{name}.svg"
        path.write_text(make(name), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
