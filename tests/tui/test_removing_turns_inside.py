"""A marked turn is deleted by a second press or click: from the screen, from the disk and from what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.types import Status
from llmdesk.tui.screens.removing import TWICE_S
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.turn_line import TurnLine
from tests.support.desk_world import DeskWorld, answers, endless, fails, said
from tests.support.screen import wait_until
from tests.support.sitting import exchange, idle, sitting, standing, talk_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.screen import Seat


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def talked(seat: Seat, world: DeskWorld, *prompts: str) -> None:
    for prompt in prompts:
        world.cloud.script(answers(f"answer to {prompt}"))
        await exchange(seat, prompt, f"answer to {prompt}")


async def gone(world: DeskWorld, seat: Seat, prompt: str) -> None:
    await wait_until(lambda: prompt not in standing(world), "the turn to be deleted")
    await seat.see("are deleted")
    await seat.see_gone(f"answer to {prompt}")


async def click_delete(seat: Seat) -> None:
    line = seat.app.chat.query_one(TurnLine).query_one(ActionLine)
    row, start, _, _ = next(span for span in line._spans if span[3] == "delete_turn")
    assert await seat.pilot.click(line, offset=(start + 1, row))


async def test_two_presses_delete_a_live_turn_and_the_next_prompt_goes_without_it(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one", "two")
        await seat.press("alt+up", "up", "up")
        await seat.see(r"\[x delete\]")
        await seat.press("x")
        await seat.see("x again deletes this prompt and its answer for good")
        assert standing(world)[0] == "one"
        await seat.press("x")
        await gone(world, seat, "one")
        marked = seat.app.chat.turn_acted_on()
        assert marked is not None
        assert marked.text == "two"  # the turn beside it has the keys now
        await seat.press("escape")
        await talked(seat, world, "three")
        assert [text for _, text in said(world.cloud.requests[-1])] == ["two", "answer to two", "three"]
        assert standing(world) == ["two", "answer to two", "three", "answer to three"]


async def test_two_clicks_delete_the_only_turn_of_a_conversation_that_was_loaded(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one")
        conversation = talk_of(seat).conversation
    async with sitting(world, conversation=conversation) as seat:
        await seat.see("answer to one")
        await seat.press("alt+up")
        await seat.see(r"\[x delete\]")
        await click_delete(seat)
        await seat.see("x again deletes")
        await click_delete(seat)
        await gone(world, seat, "one")
        assert talk_of(seat).record.empty
        assert seat.app.focused is talk_of(seat).pane.prompt
        await talked(seat, world, "two")
        assert talk_of(seat).conversation == conversation


async def test_a_press_at_another_turn_or_too_late_is_a_first_one(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one", "two")
        await seat.press("alt+up", "x", "up", "up", "x")
        await seat.pilot.pause()
        chat = seat.app.chat
        assert chat._to_delete is not None
        request, at = chat._to_delete
        chat._to_delete = request, at - TWICE_S
        await seat.press("x")
        await seat.pilot.pause()
        assert len(standing(world)) == 4
        assert chat._to_delete[1] > at - TWICE_S


async def test_nothing_is_deleted_while_an_answer_comes(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one")
        world.cloud.script(endless("it grows"))
        await seat.ask("two")
        await seat.see("it grows")
        await seat.press("alt+up")
        assert "x delete" not in await seat.see("copy")
        await seat.press("x", "x")
        await seat.see("An answer is coming")
        assert standing(world) == ["one", "answer to one", "two"]
        await seat.press("escape", "escape")
        await idle(seat)


async def test_a_paused_turn_that_is_deleted_waits_no_longer(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        world.local.script(fails(errors.ServerFailed("local: overloaded.")))
        await seat.ask("two")
        await idle(seat)
        paused = talk_of(seat).paused
        assert paused is not None
        await seat.press("alt+up", "x", "x")
        await wait_until(lambda: world.status_of(paused) == Status.CANCELLED, "the request to be cancelled")
        await seat.see("are deleted")
        assert talk_of(seat).paused is None
        assert standing(world) == ["one", "answer to one"]


async def test_an_edited_prompt_whose_turn_is_deleted_makes_room_for_the_draft(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await talked(seat, world, "one")
        await seat.type("a draft")
        await seat.press("alt+up", "e")
        await seat.see("editing an earlier prompt")
        await seat.press("alt+up", "x", "x")
        await gone(world, seat, "one")
        assert seat.prompt == "a draft"
        assert not talk_of(seat).editing.active
