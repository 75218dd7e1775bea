"""The desk in a process of its own, for tests in a pseudo-terminal.

Run as ``python -m tests.support.desk_program SCENARIO FILE``. ``SLOWNESS`` in the environment is a factor for the
limits the desk sets itself for leaving and for what a terminal answers: on a slow machine the same work has to fit in.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import AttemptStarted, TextDelta
from llmdesk.core.views import ScreenSettings
from llmdesk.tui import answers as answers_module
from llmdesk.tui import app as app_module
from llmdesk.tui import leaving as leaving_module
from llmdesk.tui.app import run_app
from tests.support.fake_desk import LOCAL, FakeDesk, answer, failover, paused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.fake_desk import FakeRun, Step


def endless() -> list[Step]:
    return [
        AttemptStarted(number=1, target=LOCAL),
        *(step for at in range(2000) for step in (TextDelta(f"word{at} "), 0.05)),
    ]


CALLED = re.compile(r"called by (bell|desktop)")
"""Instead of a scenario: an answer that takes a moment, with this setting of the screen."""

SCENARIOS = {
    "answer": lambda: [answer("The answer is **forty-two**.")],
    "failover": lambda: [failover("From the local model.")],
    "paused": lambda: [paused()],
    "endless": lambda: [endless()],
    "hostile": lambda: [answer("\x1b]52;c;aGFja2Vk\x1b\\ [/red] [b +]( \x9b31m \x1b[2J done")],
}


class Told(FakeDesk):
    """Writes down what happens to it."""

    def __init__(self, scripts: list[list[Step]], log: Path, **more: Any) -> None:
        super().__init__(scripts=scripts, **more)
        self.log = log

    def note(self, **what: object) -> None:
        with self.log.open("a") as file:
            file.write(json.dumps(what) + "\n")

    def send(self, ask: object) -> FakeRun:
        run = super().send(ask)  # type: ignore[arg-type]
        self.note(asked=ask.prompt)  # type: ignore[attr-defined]
        cancel = run.cancel

        def told(*, keep: bool = False) -> None:
            self.note(cancelled="keep" if keep else "drop")
            cancel(keep=keep)

        run.cancel = told  # type: ignore[method-assign]
        return run

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeDesk]:
        async with super().open() as desk:
            yield desk
        await asyncio.sleep(0.05)
        self.note(closed=True)


def take_time(times: float) -> None:
    """Stretch what the desk allows itself."""
    leaving_module.DEADLINE_S *= times
    app_module.CLOSE_S *= times
    answers_module.LIMIT_S *= times


def main() -> int:
    scenario, log = sys.argv[1:3]
    take_time(float(os.environ.get("SLOWNESS", "1")))
    if scenario == "crash":
        desk = Told([answer("x")], Path(log))
        desk.discover = None  # type: ignore[assignment,method-assign]
    elif found := CALLED.fullmatch(scenario):
        slow = [1.5, *answer("secret words")]
        desk = Told([slow, slow], Path(log), screen=ScreenSettings(notify=found[1]))
    else:
        desk = Told(SCENARIOS[scenario](), Path(log))
    return run_app(desk.open, prepare=lambda: None)


if __name__ == "__main__":
    sys.exit(main())
