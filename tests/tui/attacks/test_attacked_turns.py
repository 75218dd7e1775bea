"""Turns under attack: double presses, reloads and moves in mid-answer, and what the server is shown after all that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.core.views import Attachment
from llmdesk.providers.scripted import Scene
from llmdesk.tui.screens.outgoing import Queued
from tests.support.desk_world import CLOUD, DeskWorld, answers, asked, endless, fails, said
from tests.support.screen import wait_until
from tests.support.sitting import exchange, idle, sitting, standing, talk_of

if TYPE_CHECKING:
    from pathlib import Path

LIMITED = errors.RateLimited("cloud: rate limited.")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path)
    made.lanes = {name: replace(lane, targets=(CLOUD,)) for name, lane in made.lanes.items()}
    return made


async def test_enter_pressed_twice_at_once_sends_once(world: DeskWorld) -> None:
    world.cloud.script(answers("a", "b"))
    async with sitting(world) as seat:
        prompt = talk_of(seat).pane.prompt
        prompt.insert("once")
        prompt.action_send()
        prompt.action_send()
        await seat.see("a")
        await idle(seat)
        await exchange(seat, "then", "b")
        assert [asked(request) for request in world.cloud.requests] == ["once", "then"]


async def test_what_is_typed_right_behind_enter_stays_in_the_prompt(world: DeskWorld) -> None:
    world.cloud.script(answers("a"))
    async with sitting(world) as seat:
        prompt = talk_of(seat).pane.prompt
        prompt.insert("first")
        prompt.action_send()
        prompt.call_later(prompt.insert, "second")
        await wait_until(lambda: bool(world.cloud.requests))
        await idle(seat)
        assert [asked(request) for request in world.cloud.requests] == ["first"]
        assert seat.prompt == "second"


async def test_a_conversation_opened_again_in_mid_answer_shows_the_answer_when_it_is_there(world: DeskWorld) -> None:
    world.cloud.script([Scene(steps=["the one", 0.3, " answer"])])
    async with sitting(world) as seat:
        await seat.ask("one")
        await seat.see("the one")
        conversation = talk_of(seat).conversation
        assert conversation is not None
        await seat.app.chat.open_conversation(conversation)
        await seat.see("the one answer")


async def test_the_end_of_an_answer_left_behind_changes_nothing_in_another_conversation(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), *endless("left behind"), *answers("x")])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        first = talk_of(seat).conversation
        assert first is not None
        await seat.press("ctrl+n")
        await seat.ask("elsewhere")
        await seat.see("left behind")
        run = talk_of(seat)._run
        assert run is not None
        await seat.app.chat.open_conversation(first)
        world.cloud.script(endless("again"))
        await seat.ask("/retry")
        await seat.see("again")
        await seat.see("earlier version")
        run.cancel()
        await run.outcome()
        for _ in range(5):
            await seat.pilot.pause()
        assert "earlier version" in seat.text


async def test_a_prompt_cancelled_before_it_was_sent_lets_what_it_replaced_stand(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer", "second"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        seat.app.chat.action_again_turn()
        talk_of(seat).cancel()
        await idle(seat)
        for _ in range(5):
            await seat.pilot.pause()
        assert "earlier version" not in seat.text
        assert standing(world)[:2] == ["one", "first answer"]


@pytest.mark.parametrize("then", ["cancel", "carry"])
async def test_a_paused_prompt_asked_again_keeps_its_files(world: DeskWorld, then: str) -> None:
    world.cloud.script([*fails(LIMITED), *endless("coming")])
    async with sitting(world) as seat:
        talk_of(seat).attach(Attachment(name="notes.txt", text="what is noted"))
        await seat.ask("one")
        await idle(seat)
        assert talk_of(seat).paused is not None
        await seat.press("alt+r")
        await seat.see("coming")
        if then == "cancel":
            await seat.press("escape")
            await idle(seat)
            assert seat.prompt == "one"
            assert [file.name for file in talk_of(seat).outgoing.attached] == ["notes.txt"]
        else:
            item = talk_of(seat).carry()
            assert item is not None
            assert [file.name for file in item.attachments] == ["notes.txt"]


async def test_a_turn_edited_twice_in_the_queue_stands_once(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), *endless("long one")])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.ask("two")
        await seat.see("long one")
        turn = talk_of(seat).record.turns._standing[0]
        for edited in ("one edited", "one edited again"):
            talk_of(seat).editing.begin(turn)
            talk_of(seat).pane.prompt.put(edited)
            await seat.press("enter")
        await wait_until(lambda: len(talk_of(seat).outgoing.queue) == 2)
        world.cloud.script(answers("second answer", "third answer", "fourth answer"))
        await seat.press("escape")
        await idle(seat)
        await seat.press("ctrl+u", "alt+g")
        await wait_until(lambda: len(world.cloud.requests) == 4)
        await idle(seat)
        assert standing(world) == ["one edited again", "third answer"]
        assert [turn.text for turn in talk_of(seat).record.turns._standing] == ["one edited again"]
        assert said(world.cloud.requests[-1]) == [("user", "one edited again")]


async def test_after_a_summary_the_mark_of_the_sent_part_counts_what_was_really_sent(world: DeskWorld) -> None:
    """Replaced turns and a replaced summary are not counted; a summary goes along whatever is left out."""
    world.cloud.script(answers("a1", "a2", "SUMMED", "a3", "a1 again", "SUMMED AGAIN", "a4", "a5"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "a1")
        await exchange(seat, "two", "a2")
        await seat.ask("/compact")
        await seat.see("▸ summary")
        await idle(seat)
        await exchange(seat, "three", "a3")
        turns = talk_of(seat).record.turns
        assert turns.sent_before(turns._standing[-1]) == []
        talk_of(seat).editing.begin(turns._standing[0])
        await seat.press("enter")
        await seat.see("a1 again")
        await idle(seat)
        assert turns.sent_before(turns._standing[-1]) == []
        assert said(world.cloud.requests[-1]) == [("user", "one")]
        await seat.ask("/compact")
        await seat.see("▸ summary")
        await idle(seat)
        await exchange(seat, "four", "a4")
        await exchange(seat, "five", "a5")
        sent = said(world.cloud.requests[-1])
        assert [text for _, text in sent][1:] == ["four", "a4", "five"]
        assert sent[0][1].endswith("SUMMED AGAIN")
        assert len(turns.sent_before(turns._standing[-1])) == (len(sent) - 1) // 2
        conversation = talk_of(seat).conversation
        assert conversation is not None
        await seat.app.chat.open_conversation(conversation)
        turns = talk_of(seat).record.turns
        assert len(turns.sent_before(turns._standing[-1])) == (len(sent) - 1) // 2


async def test_an_answer_that_came_after_the_summary_behind_it_is_counted_too(world: DeskWorld) -> None:
    world.cloud.script([*answers("a1"), *fails(LIMITED)])
    async with sitting(world) as seat:
        await exchange(seat, "one", "a1")
        await seat.ask("two")
        await idle(seat)
        world.cloud.script(answers("SUMMED", "a2 late", "a3"))
        world.clocks.pass_time(3_600)
        await seat.ask("/compact")
        await seat.see("▸ summary")
        await idle(seat)
        (waits,) = await (await seat.app.desk()).outbox()
        await seat.app.chat.resume_request(waits, probe=True)
        await seat.see("a2 late")
        await idle(seat)
        await exchange(seat, "three", "a3")
        sent = said(world.cloud.requests[-1])
        turns = talk_of(seat).record.turns
        assert [text for _, text in sent][1:] == ["two", "a2 late", "three"]
        assert len(turns.sent_before(turns._standing[-1])) == (len(sent) - 1) // 2
        conversation = talk_of(seat).conversation
        assert conversation is not None
        await seat.app.chat.open_conversation(conversation)
        turns = talk_of(seat).record.turns
        assert len(turns.sent_before(turns._standing[-1])) == (len(sent) - 1) // 2


@pytest.mark.parametrize("record_text", [True, False])
async def test_asked_again_where_nothing_is_kept_on_disk_the_server_still_sees_no_earlier_version(
    world: DeskWorld, record_text: bool
) -> None:
    world.record_text = record_text
    world.cloud.script(answers("a1", "a2", "a3", "a4"))
    off = world.desk(stored=False)
    async with sitting(world, desk=off if record_text else None) as seat:
        await exchange(seat, "one", "a1")
        await exchange(seat, "two", "a2")
        await seat.ask("/retry")
        await seat.see("a3")
        await idle(seat)
        assert said(world.cloud.requests[-1]) == [("user", "one"), ("assistant", "a1"), ("user", "two")]
        talk_of(seat).editing.begin(talk_of(seat).record.turns._standing[0])
        await seat.type(" else")
        await seat.press("enter")
        await seat.see("a4")
        await idle(seat)
        assert said(world.cloud.requests[-1]) == [("user", "one else")]


async def test_a_prompt_of_a_deleted_conversation_that_is_asked_again_brings_it_back(world: DeskWorld) -> None:
    world.cloud.script([*answers("a1"), *fails(LIMITED)])
    async with sitting(world) as seat:
        await exchange(seat, "one", "a1")
        await seat.ask("two")
        await idle(seat)
        gone = talk_of(seat).conversation
        await seat.ask("/delete")
        await wait_until(lambda: talk_of(seat).conversation is None)
        world.clocks.pass_time(3_600)
        world.cloud.script(answers("elsewhere", "a2"))
        await exchange(seat, "other", "elsewhere")
        (waits,) = await (await seat.app.desk()).outbox()
        await seat.app.chat.resume_request(waits, probe=True)
        await seat.see("a2")
        await idle(seat)
        assert talk_of(seat).conversation == gone
        assert "elsewhere" not in seat.text
    assert "a2" in standing(world)


async def test_an_imported_turn_asked_again_is_replaced(world: DeskWorld, tmp_path: Path) -> None:
    export = tmp_path / "conversations.json"
    nodes = {
        "1": {"id": "1", "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["one"]},
                                     "create_time": 1.0}, "parent": None, "children": ["2"]},
        "2": {"id": "2", "message": {"author": {"role": "assistant"},
                                     "content": {"content_type": "text", "parts": ["a1"]}, "create_time": 2.0},
              "parent": "1", "children": []},
    }  # fmt: skip
    export.write_text(json.dumps([{"id": "x1", "title": "t", "create_time": 1.0, "update_time": 2.0, "mapping": nodes,
                                   "current_node": "2"}]))  # fmt: skip
    world.cloud.script(answers("a1 again"))
    async with sitting(world) as seat:
        (taken,) = await (await seat.app.desk()).import_conversations(export)
        await seat.app.chat.open_conversation(getattr(taken, "id", taken))
        await seat.see("a1")
        await seat.ask("/retry")
        await seat.see("a1 again")
        await idle(seat)
        assert said(world.cloud.requests[-1]) == [("user", "one")]


async def test_an_edited_prompt_that_goes_to_another_lane_goes_there_as_a_new_one(world: DeskWorld) -> None:
    world.cloud.script([*answers("a1"), *endless("coming"), *answers("a2 there")])
    async with sitting(world) as seat:
        await exchange(seat, "one", "a1")
        await seat.ask("/retry")
        await seat.see("coming")
        world.cloud.script(answers("a2 there"))
        await seat.app.chat._carry("chat", "codegen")
        await seat.see("a2 there")
        await idle(seat)
        assert talk_of(seat).lane == "codegen"
        assert said(world.cloud.requests[-1]) == [("user", "one")]


async def test_going_on_with_an_answer_stays_in_its_conversation(world: DeskWorld) -> None:
    world.cloud.script([Scene(steps=["half an"])])
    async with sitting(world) as seat:
        await seat.ask("one")
        await idle(seat)
        world.cloud.script(endless(" answer"))
        talk_of(seat).send(Queued(text=CONTINUE_PROMPT, continues="id-0001", written=False))
        await wait_until(lambda: talk_of(seat).busy)
        await seat.press("alt+l")
        await seat.pilot.pause()
        assert seat.app.screen is seat.app.chat
        assert talk_of(seat).busy
