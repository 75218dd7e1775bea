"""An earlier version of a turn stands again: by key and by mouse, at once and after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.transcript.entries import VersionEntry
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.turn_line import TurnLine
from tests.support.desk_world import DeskWorld, answers, asked, said
from tests.support.sitting import idle, sitting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.screen import Seat


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def asked_twice(seat: Seat, world: DeskWorld) -> None:
    world.cloud.script(answers("first answer", "second answer"))
    await seat.ask("one")
    await idle(seat)
    await seat.press("alt+up", "r")
    await idle(seat)
    await seat.see("second answer")


def mark_version(seat: Seat) -> None:
    view = seat.app.chat.talk.pane.transcript
    seat.app.chat.mark_entry(next(key for key in view.keys if isinstance(view.entry(key), VersionEntry)))


async def test_a_version_stands_again_by_key_and_what_is_asked_next_goes_on_from_it(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await asked_twice(seat, world)
        await seat.press("alt+up", "up", "up")
        await seat.see(r"\[s let it stand again\]")
        await seat.press("s")
        await seat.see("✔ full")
        text = await seat.see("first answer")
        assert "second answer" not in text
        assert "earlier version" in text
        await seat.see("prompt of")  # what stands again is marked
        world.cloud.script(answers("third answer"))
        await seat.press("escape")
        await seat.ask("two")
        await idle(seat)
        await seat.see("third answer")
        assert said(world.cloud.requests[-1])[-3:] == [("user", "one"), ("assistant", "first answer"), ("user", "two")]
        assert [asked(request) for request in world.cloud.requests] == ["one", "one", "two"]


async def test_after_a_restart_a_click_lets_it_stand_again_and_another_takes_it_back(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await asked_twice(seat, world)
        conversation = seat.app.chat.talk.conversation
    async with sitting(world, conversation=conversation) as seat:
        await seat.see("second answer")
        for answer in ("first answer", "second answer"):
            mark_version(seat)
            await seat.see(r"\[s let it stand again\]")
            line = seat.app.chat.query_one(TurnLine).query_one(ActionLine)
            row, start, _, _ = next(span for span in line._spans if span[3] == "stand_turn")
            assert await seat.pilot.click(line, offset=(start + 1, row))
            await seat.see(answer)


async def test_only_an_earlier_version_can_stand_again(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer"))
    async with sitting(world) as seat:
        await seat.ask("one")
        await idle(seat)
        await seat.press("alt+up")
        assert "stand again" not in await seat.see("ask again")
        await seat.press("s")
        await seat.see("no earlier version")
