"""Acting on turns, over a real desk: edit, ask again, go on, fork, sum up, and what stands when nothing comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.prompting import CONTINUE_PROMPT, SUMMARY_HEADING
from llmdesk.core.types import Completed, FinishReason, Usage
from llmdesk.core.views import Attachment
from llmdesk.providers.scripted import Scene
from llmdesk.tui.transcript.entries import VersionEntry
from tests.support.desk_world import DeskWorld, answers, asked, endless, fails, said
from tests.support.screen import wait_until
from tests.support.sitting import idle, sitting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.screen import Seat


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def exchange(seat: Seat, prompt: str, answer: str) -> None:
    await seat.ask(prompt)
    await idle(seat)
    await seat.see(answer)


def versions(seat: Seat) -> list[VersionEntry]:
    view = seat.app.chat.talk.pane.transcript
    return [entry for key in view.keys if isinstance(entry := view.entry(key), VersionEntry)]


# --- editing and asking again ---------------------------------------------------------------------------------------


async def test_an_edited_prompt_takes_the_place_of_its_turn_and_the_draft_comes_back(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer", "second answer", "third answer"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await exchange(seat, "two", "second answer")
        await seat.type("a draft")
        await seat.press("alt+up", "up", "up", "up", "e")
        await seat.see("editing an earlier prompt")
        assert seat.prompt == "one"
        await seat.type(" edited")
        await seat.press("enter")
        await idle(seat)
        await seat.see("third answer")
        text = await seat.see(r"▸ earlier version \(2 turns\)")
        assert "first answer" not in text
        assert seat.prompt == "a draft"
        assert [asked(request) for request in world.cloud.requests] == ["one", "two", "one edited"]
        assert ("user", "two") not in said(world.cloud.requests[-1])
        await seat.press("alt+up", "up", "up", "enter")
        text = await seat.see("┆ first answer")
        assert "┆ second answer" in text


async def test_escape_leaves_the_turn_as_it_was(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        seat.app.chat.talk.attach(Attachment(name="mine.txt", text="of the draft"))
        await seat.type("a draft")
        await seat.press("alt+up", "e")
        await seat.see("editing an earlier prompt")
        await seat.press("x", "escape")
        await seat.see_gone("editing an earlier prompt")
        assert seat.prompt == "a draft"
        assert [file.name for file in seat.app.chat.talk.outgoing.attached] == ["mine.txt"]
        assert not versions(seat)


async def test_the_files_of_a_prompt_go_along_when_it_is_asked_again_or_edited(
    world: DeskWorld, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("what is noted")
    world.cloud.script(answers("a", "b", "c"))
    async with sitting(world) as seat:
        await exchange(seat, f"read @{tmp_path}/notes.txt", "a")
        await seat.ask("/retry")
        await idle(seat)
        await seat.ask("/edit")
        await seat.see("notes.txt")
        await seat.type(" again")
        await seat.press("enter")
        await idle(seat)
        assert all("what is noted" in asked(request) for request in world.cloud.requests)
        assert "again" in asked(world.cloud.requests[2])
        assert len(world.cloud.requests[2].messages) == 1
        assert not seat.app.chat.talk.outgoing.attached


@pytest.mark.parametrize("command", [True, False])
async def test_the_same_prompt_can_be_asked_of_another_model(world: DeskWorld, command: bool) -> None:
    world.cloud.script(answers("from the cloud"))
    world.local.script(answers("from here"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "from the cloud")
        if command:
            await seat.ask("/retry local/large:27b")
        else:
            await seat.press("alt+up", "t")
            await seat.see("local/large:27b")
            await seat.type("large:27b")
            await seat.press("enter")
        await seat.see("from here")
        await idle(seat)
        assert [asked(request) for request in world.local.requests] == ["one"]
        assert len(versions(seat)) == 1
        assert seat.app.chat.talk.model is None


async def test_a_turn_stands_again_when_nothing_came_of_what_was_to_replace_it(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), Scene(error=errors.RequestRejected("cloud: no such thing."))])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.ask("/edit")
        await seat.type(" edited")
        await seat.press("enter")
        await idle(seat)
        await wait_until(lambda: not versions(seat), "the turn")
        text = await seat.see("no such thing")
        assert text.index("first answer") < text.index("one edited")
        assert seat.prompt == "one edited"
        standing = world.rows("SELECT content FROM messages WHERE superseded_by IS NULL ORDER BY turn, id")
        assert [content for (content,) in standing] == ["one", "first answer", "one edited"]
        seat.app.chat.talk.pane.prompt.put("")
        world.cloud.script(answers("second answer"))
        await exchange(seat, "two", "second answer")
        assert said(world.cloud.requests[-1]) == [("user", "one"), ("assistant", "first answer"), ("user", "two")]


async def test_a_turn_stands_again_when_what_was_to_replace_it_is_stopped_at_once(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), *endless()])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.press("alt+up", "r")
        await wait_until(lambda: len(world.cloud.requests) == 2, "the request")
        await seat.see("earlier version")
        await seat.press("escape")
        await idle(seat)
        await wait_until(lambda: not versions(seat), "the turn")
        await seat.see("first answer")


async def test_a_failed_turn_can_be_edited_and_is_replaced(world: DeskWorld) -> None:
    world.cloud.script([Scene(error=errors.RequestRejected("cloud: no such thing.")), *answers("now it works")])
    async with sitting(world) as seat:
        await seat.ask("one")
        await seat.see("no such thing")
        await idle(seat)
        seat.app.chat.talk.pane.prompt.put("")
        await seat.press("alt+up", "e")
        await seat.type(" better")
        await seat.press("enter")
        await idle(seat)
        await seat.see("now it works")
        assert said(world.cloud.requests[-1]) == [("user", "one better")]


async def test_an_edited_prompt_waits_behind_the_answer_that_comes(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), *endless("second")])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.ask("two")
        await seat.see("second")
        await seat.press("alt+up", "up", "up", "up", "e")
        await seat.type(" edited")
        await seat.press("enter")
        await seat.see("queued 1 one edited")
        world.cloud.script(answers("third answer"))
        await seat.press("escape")
        await idle(seat)
        await seat.press("alt+g")
        await seat.see("third answer")
        await idle(seat)
        assert len(versions(seat)) == 1
        assert said(world.cloud.requests[-1]) == [("user", "one edited")]


async def test_a_stored_conversation_shows_its_earlier_versions_and_a_hit_in_one_is_unfolded(world: DeskWorld) -> None:
    world.cloud.script(answers("a needle", "second answer"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "a needle")
        await seat.ask("/retry")
        await idle(seat)
        conversation = seat.app.chat.talk.conversation
    async with sitting(world, conversation=conversation) as seat:
        await seat.see("second answer")
        assert [entry.turns for entry in versions(seat)] == [1]
        ((message,),) = world.rows("SELECT id FROM messages WHERE content = 'a needle'")
        assert conversation is not None
        await seat.app.chat.open_conversation(conversation, message=message)
        await seat.see("┆ a needle")
        world.cloud.script(answers("third answer"))
        await seat.press("alt+up", "r")
        await idle(seat)
        await seat.see("third answer")
        assert [entry.turns for entry in versions(seat)] == [1, 1]


# --- going on -------------------------------------------------------------------------------------------------------


async def test_an_answer_that_was_cut_goes_on_with_what_came_of_it(world: DeskWorld) -> None:
    cut = Completed(finish_reason=FinishReason.LENGTH, usage=Usage(input_tokens=1, output_tokens=2))
    world.cloud.script([Scene(steps=["one two", cut]), *answers("three four")])
    async with sitting(world) as seat:
        await exchange(seat, "count", "cut by limit")
        await seat.press("alt+up")
        await seat.see(r"\[n go on\]")
        await seat.press("n")
        await idle(seat)
        await seat.see("you, to go on with it")
        await seat.see("three four")
        assert said(world.cloud.requests[-1]) == [
            ("user", "count"), ("assistant", "one two"), ("user", CONTINUE_PROMPT),
        ]  # fmt: skip
        assert seat.app.chat.talk.last_prompt == "count"
        await seat.ask("/continue")
        await seat.see("That answer is complete")
        conversation = seat.app.chat.talk.conversation
    async with sitting(world, conversation=conversation) as seat:
        await seat.see("you, to go on with it")


async def test_an_interrupted_answer_goes_on_and_its_prompt_is_not_in_the_way(world: DeskWorld) -> None:
    world.cloud.script([*endless("half an answ"), *answers("er and the rest")])
    async with sitting(world) as seat:
        await seat.ask("tell me")
        await seat.see("half an answ")
        await seat.press("escape")
        await seat.see("interrupted")
        await idle(seat)
        seat.app.chat.talk.pane.prompt.put("")
        await seat.ask("/continue")
        await idle(seat)
        await seat.see("er and the rest")
        assert ("assistant", "half an answ") in said(world.cloud.requests[-1])


async def test_a_fork_goes_on_from_a_turn_and_the_other_conversation_stays(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer", "second answer", "of the fork"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await exchange(seat, "two", "second answer")
        before = seat.app.chat.talk.conversation
        await seat.press("alt+up", "up", "up", "f")
        await seat.see("Forked from")
        await seat.see_gone("second answer")
        assert seat.app.chat.talk.conversation != before
        await exchange(seat, "three", "of the fork")
        assert said(world.cloud.requests[-1])[-1] == ("user", "three")
        assert ("user", "two") not in said(world.cloud.requests[-1])
        assert before is not None
        await seat.app.chat.open_conversation(before)
        await seat.see("second answer")


async def test_a_summary_stands_for_what_is_above_it_and_can_be_unfolded(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer", "All of it, in short.", "later answer"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.ask("/compact")
        await idle(seat)
        text = await seat.see("▸ summary, sent in place of what is above")
        assert "in short" not in text
        assert text.index("first answer") < text.index("▸ summary")
        await exchange(seat, "two", "later answer")
        assert said(world.cloud.requests[-1]) == [
            ("system", f"{SUMMARY_HEADING}\n\nAll of it, in short."), ("user", "two"),
        ]  # fmt: skip
        await seat.press("alt+up", "up", "up", "enter")
        await seat.see("All of it, in short.")
        conversation = seat.app.chat.talk.conversation
    async with sitting(world, conversation=conversation) as seat:
        await seat.see("▸ summary, sent in place of what is above")


async def test_a_summary_that_fails_or_is_stopped_leaves_everything_as_it_was(world: DeskWorld) -> None:
    world.cloud.script([*answers("first answer"), *endless("Half a summ")])
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.ask("/compact")
        await wait_until(lambda: len(world.cloud.requests) == 2, "the request")
        await seat.press("escape")
        await idle(seat)
        assert "summary" not in seat.text
        assert "Half a summ" not in seat.text
        assert seat.prompt == ""
        world.cloud.script(fails(errors.RequestRejected("cloud: no such thing.")))
        await seat.ask("/compact")
        await idle(seat)
        await seat.see("no such thing")
        turn = seat.app.chat.talk.record.turns.last
        assert turn is not None
        assert turn.text == "one"
        world.cloud.script(answers("again answered"))
        await seat.press("alt+up", "r")
        await idle(seat)
        await seat.see("again answered")


async def test_raw_is_asked_for_by_the_request_of_the_turn(world: DeskWorld) -> None:
    world.cloud.script(answers("first answer"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "first answer")
        await seat.press("alt+up", "v")
        await wait_until(lambda: type(seat.app.screen).__name__ == "RawScreen", "the raw view")
        await seat.press("escape")
        await seat.see("answer of cloud")  # still marked
