"""What moves, and how little where its user wants it so."""

from __future__ import annotations

import pytest

from llmdesk.core.types import AttemptStarted, TextDelta
from llmdesk.core.views import ScreenSettings
from tests.support.fake_desk import LOCAL, FakeDesk
from tests.support.screen import seated, wait_until


@pytest.mark.parametrize(("motion", "level", "least", "most"), [("full", "full", 8, 60), ("reduced", "none", 2, 7)])
async def test_an_answer_grows_in_few_steps_where_motion_is_reduced(
    motion: str, level: str, least: int, most: int
) -> None:
    pieces = [step for at in range(50) for step in (TextDelta(f"word{at} "), 0.02)]
    desk = FakeDesk(
        scripts=[[AttemptStarted(number=1, target=LOCAL), *pieces, 60.0]], screen=ScreenSettings(motion=motion)
    )
    async with seated(desk) as seat:
        await wait_until(lambda: seat.app.animation_level == level)
        await seat.ask("x")
        await seat.see("word0")
        view = seat.app.chat.talk.pane.transcript
        before = view.frames
        await seat.see("word49")
        assert least <= view.frames - before <= most
