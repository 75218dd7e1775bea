"""What moves, and how little where its user wants it so."""

from __future__ import annotations

import time

import pytest

from llmdesk.core.types import AttemptStarted, TextDelta
from llmdesk.core.views import ScreenSettings
from llmdesk.tui.transcript.streaming import CALM_FRAME_S, FRAME_S
from tests.support.fake_desk import LOCAL, FakeDesk
from tests.support.screen import seated, wait_until
from tests.support.slowness import allowed


@pytest.mark.parametrize(
    ("motion", "level", "shortest_s", "longest_s"),
    [("full", "full", FRAME_S, CALM_FRAME_S / 2), ("reduced", "none", CALM_FRAME_S, CALM_FRAME_S * 2)],
)
async def test_an_answer_grows_in_few_steps_where_motion_is_reduced(
    motion: str, level: str, shortest_s: float, longest_s: float
) -> None:
    """How many steps there are is held against the time the answer took: on a slow machine that is longer."""
    pieces = [step for at in range(50) for step in (TextDelta(f"word{at} "), 0.02)]
    desk = FakeDesk(
        scripts=[[AttemptStarted(number=1, target=LOCAL), *pieces, 60.0]], screen=ScreenSettings(motion=motion)
    )
    async with seated(desk) as seat:
        await wait_until(lambda: seat.app.animation_level == level)
        await seat.ask("x")
        await seat.see("word0")
        view = seat.app.chat.talk.pane.transcript
        before, began = view.frames, time.monotonic()
        await seat.see("word49")
        steps, took_s = view.frames - before, time.monotonic() - began
        assert took_s / allowed(longest_s) - 1 <= steps <= took_s / shortest_s + 1
