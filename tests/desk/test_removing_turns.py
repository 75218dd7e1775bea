"""A single turn is deleted: no model sees it, the others stay, and what it had replaced has a place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.titles import UNTITLED
from llmdesk.core.types import AttemptStarted, Status, TextDelta
from llmdesk.core.views import Ask, Attachment
from llmdesk.storage.removal import TURN_REMOVED
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, endless, fails, next_of, said, talk

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.desk import Desk


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    world = DeskWorld(tmp_path)
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return world


async def again(desk: Desk, world: DeskWorld, conversation: str, request: str, prompt: str) -> str:
    world.cloud.script(answers(prompt.upper()))
    run = await desk.again(conversation, request, prompt=prompt)
    return (await run.outcome()).request_id


async def standing(desk: Desk, conversation: str) -> list[str]:
    found = await desk.conversation(conversation)
    return [message.content for message in found.messages if message.superseded_by is None]


async def test_the_next_request_does_not_hold_it_and_the_rest_stays(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (_, second, _) = await talk(desk, world, "q1", "q2", "q3")
        await desk.shelf.remove_turn(conversation, second)
        assert await standing(desk, conversation) == ["q1", "Q1", "q3", "Q3"]
        world.cloud.script(answers("next"))
        await ask(desk, "q4", conversation=conversation)
        assert [text for _, text in said(world.cloud.requests[-1])] == ["q1", "Q1", "q3", "Q3", "q4"]
        view = await desk.request(second)
        assert (view.status, view.prompt, view.answer) == (Status.COMPLETED, "", "")
        with pytest.raises(UsageError, match="not in the conversation"):
            await desk.shelf.remove_turn(conversation, second)


async def test_its_text_is_in_no_file_any_more(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(answers("a walrus answers"))
        first = await ask(desk, "The walrus, please", attachments=(Attachment(name="walrus.txt", text="walrus"),))
        assert first.conversation is not None
        world.cloud.script(answers("a seal answers"))
        await ask(desk, "the seal", conversation=first.conversation)
        await desk.shelf.remove_turn(first.conversation, first.request_id)
        assert await desk.search("walrus") == ()
        assert await desk.recent_prompts() == ("the seal",)
        assert (await desk.conversation(first.conversation)).title == "the seal"
        for file in world.paths.database.parent.glob(world.paths.database.name + "*"):
            assert b"walrus" not in file.read_bytes().lower(), file.name
        assert world.rows("SELECT count(*) FROM attachments") == [(0,)]


async def test_an_empty_conversation_is_left_and_a_title_of_the_user_stays(world: DeskWorld) -> None:
    async with world.desk() as desk:
        named, (first,) = await talk(desk, world, "q1")
        await desk.shelf.rename(named, "mine")
        await desk.shelf.remove_turn(named, first)
        unnamed, (other,) = await talk(desk, world, "q1")
        await desk.shelf.remove_turn(unnamed, other)
        assert [(v.title, v.messages) for v in await desk.conversations()] == [(UNTITLED, 0), ("mine", 0)]


async def test_what_it_had_replaced_stands_again_where_nothing_follows(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (_, second, _) = await talk(desk, world, "q1", "q2", "q3")
        better = await again(desk, world, conversation, second, "better")
        await desk.shelf.remove_turn(conversation, better)
        assert await standing(desk, conversation) == ["q1", "Q1", "q2", "Q2", "q3", "Q3"]


async def test_what_it_had_replaced_is_an_earlier_version_of_the_turn_that_follows(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        better = await again(desk, world, conversation, first, "better")
        world.cloud.script(answers("NEXT"))
        following = (await ask(desk, "next", conversation=conversation)).request_id
        last = await again(desk, world, conversation, following, "last")
        await desk.shelf.remove_turn(conversation, better)
        assert await standing(desk, conversation) == ["last", "LAST"]
        by = {m.content: m.superseded_by for m in (await desk.conversation(conversation)).messages}
        assert (by["next"], by["q1"]) == (last, following)  # one list of versions, none of them lost
        await desk.shelf.stand(conversation, first)
        assert await standing(desk, conversation) == ["q1", "Q1"]
        await desk.shelf.stand(conversation, following)
        assert await standing(desk, conversation) == ["next", "NEXT"]
        await desk.shelf.stand(conversation, last)
        assert await standing(desk, conversation) == ["last", "LAST"]


async def test_an_earlier_version_can_be_deleted_and_those_before_it_stay_versions(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        second = await again(desk, world, conversation, first, "second")
        third = await again(desk, world, conversation, second, "third")
        await desk.shelf.remove_turn(conversation, second)
        found = await desk.conversation(conversation)
        assert [(m.content, m.superseded_by) for m in found.messages] == [
            ("q1", third), ("Q1", third), ("third", None), ("THIRD", None),
        ]  # fmt: skip
        await desk.shelf.stand(conversation, first)
        assert await standing(desk, conversation) == ["q1", "Q1"]


async def test_a_summary_is_no_version_without_the_only_prompt_it_was_folded_away_with(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(answers("in short"))
        await (await desk.compact(conversation)).outcome()
        await again(desk, world, conversation, first, "better")
        await desk.shelf.remove_turn(conversation, first)
        found = await desk.conversation(conversation)
        assert [m.content for m in found.messages] == ["better", "BETTER"]


async def test_a_paused_one_is_cancelled(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await ask(desk, "q2", conversation=conversation)
        assert paused.status is Status.PAUSED
        await desk.shelf.remove_turn(conversation, paused.request_id)
        assert await desk.outbox() == ()
        view = await desk.request(paused.request_id)
        assert (view.status, view.reason, view.prompt) == (Status.CANCELLED, TURN_REMOVED, "")
        assert await standing(desk, conversation) == ["q1", "Q1"]


async def test_one_that_is_being_answered_is_refused_and_others_are_not(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(endless("it grows"))
        run = desk.send(Ask(prompt="q2", conversation=conversation))
        events = aiter(run)
        await next_of(events, AttemptStarted)
        await next_of(events, TextDelta)
        with pytest.raises(UsageError, match="An answer to that prompt is coming"):
            await desk.shelf.remove_turn(conversation, run.request_id)
        await desk.shelf.remove_turn(conversation, first)
        run.cancel()
        await run.outcome()
        assert (await standing(desk, conversation))[0] == "q2"


async def test_a_summary_that_is_there_stays_and_one_being_made_is_waited_for(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first, second) = await talk(desk, world, "q1", "q2")
        world.cloud.script(answers("in short"))
        await (await desk.compact(conversation)).outcome()
        await desk.shelf.remove_turn(conversation, second)
        assert await standing(desk, conversation) == ["q1", "Q1", "in short"]
        world.cloud.script(answers("Q3"))
        await ask(desk, "q3", conversation=conversation)
        world.cloud.script(endless("in sh"))
        run = await desk.compact(conversation)
        await next_of(aiter(run), TextDelta)
        with pytest.raises(UsageError, match="A summary of it is coming"):
            await desk.shelf.remove_turn(conversation, first)
        run.cancel()
        await run.outcome()


async def test_what_goes_on_with_it_stays(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(answers("and the rest"))
        await ask(desk, "go on", conversation=conversation, continues=first)
        await desk.shelf.remove_turn(conversation, first)
        assert await standing(desk, conversation) == ["go on", "and the rest"]
        world.cloud.script(answers("next"))
        await ask(desk, "q3", conversation=conversation)
        assert [text for _, text in said(world.cloud.requests[-1])] == ["go on", "and the rest", "q3"]


async def test_the_turn_of_a_fork_goes_with_its_files_and_the_original_stays(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(answers("seen"))
        first = await ask(desk, "look", attachments=(Attachment(name="a.txt", text="words"),))
        assert first.conversation is not None
        fork = await desk.fork(first.conversation, first.request_id)
        copied = fork.messages[0].request
        assert copied is not None
        await desk.shelf.remove_turn(fork.id, copied)
        assert await standing(desk, fork.id) == []
        assert await standing(desk, first.conversation) == ["look", "seen"]
        assert world.rows("SELECT request FROM attachments") == [(first.request_id,)]
