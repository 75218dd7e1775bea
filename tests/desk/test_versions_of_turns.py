"""Turns asked again: the earlier version is kept and not sent, and stands again where nothing came of the new one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind, UsageError
from llmdesk.core.types import AttemptStarted, ModelRef, Params, Status, TextDelta
from llmdesk.core.views import Ask, Attachment
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, endless, fails, next_of, said, talk

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Desk


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    world = DeskWorld(tmp_path)
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return world


async def standing(desk: Desk, conversation: str) -> list[str]:
    found = await desk.conversation(conversation)
    return [message.content for message in found.messages if message.superseded_by is None]


async def again(desk: Desk, conversation: str, request: str, **changes: object) -> Outcome:
    run = await desk.again(conversation, request, **changes)  # type: ignore[arg-type]
    return await run.outcome()


async def test_an_edited_prompt_takes_the_place_of_its_turn_and_of_all_after_it(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (_, second, _) = await talk(desk, world, "q1", "q2", "q3")
        world.cloud.script(answers("better"))
        outcome = await again(desk, conversation, second, prompt="q2, edited")
        assert said(world.cloud.requests[-1]) == [("user", "q1"), ("assistant", "Q1"), ("user", "q2, edited")]
        assert await standing(desk, conversation) == ["q1", "Q1", "q2, edited", "better"]
        found = await desk.conversation(conversation)
        earlier = [m for m in found.messages if m.superseded_by is not None]
        assert [m.content for m in earlier] == ["q2", "Q2", "q3", "Q3"]
        assert {m.superseded_by for m in earlier} == {outcome.request_id}
        world.cloud.script(answers("next"))
        await ask(desk, "q4", conversation=conversation)
        assert [text for _, text in said(world.cloud.requests[-1])] == ["q1", "Q1", "q2, edited", "better", "q4"]
        (view,) = await desk.conversations()
        assert view.messages == 6


async def test_the_same_prompt_goes_again_with_its_files_to_another_model(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(answers("seen"))
        first = await ask(desk, "look", attachments=(Attachment(name="a.txt", text="words"),))
        assert first.conversation is not None
        world.local.script(answers("seen better"))
        target = ModelRef("local", "small:4b")
        outcome = await again(desk, first.conversation, first.request_id, model=target, params=Params(seed=7))
        assert outcome.target == target
        assert 'name="a.txt"' in said(world.local.requests[-1])[0][1]
        assert world.local.requests[-1].params.seed == 7
        assert len(said(world.local.requests[-1])) == 1
        assert await standing(desk, first.conversation) == ["look", "seen better"]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_what_was_replaced_stands_again_where_no_answer_came(world: DeskWorld, end: str) -> None:
    async with world.desk() as desk:
        conversation, (first, _) = await talk(desk, world, "q1", "q2")
        if end == "cancelled":
            world.cloud.script(endless())
            run = await desk.again(conversation, first)
            await next_of(aiter(run), AttemptStarted)
            run.cancel()
            outcome = await run.outcome()
            assert outcome.status is Status.CANCELLED
        else:
            world.cloud.script(fails(errors.RequestRejected("cloud: unknown parameter.")))
            assert (await again(desk, conversation, first)).status is Status.FAILED
        assert await standing(desk, conversation) == ["q1", "Q1", "q2", "Q2", "q1"]
        world.cloud.script(answers("on"))
        await ask(desk, "q3", conversation=conversation)
        assert [text for _, text in said(world.cloud.requests[-1])] == ["q1", "Q1", "q2", "Q2", "q3"]


async def test_what_came_before_a_stop_takes_the_place(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(endless("half"))
        run = await desk.again(conversation, first)
        await next_of(aiter(run), TextDelta)
        run.cancel()
        await run.outcome()
        assert await standing(desk, conversation) == ["q1", "half"]


async def test_a_paused_version_keeps_the_place_until_it_ends(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await again(desk, conversation, first, prompt="q1 once more")
        assert paused.status is Status.PAUSED
        assert await standing(desk, conversation) == ["q1 once more"]
    async with world.desk() as desk:
        await desk.drop(paused.request_id)
        found = await desk.conversation(conversation)
        assert [m.content for m in found.messages if m.superseded_by is None][:2] == ["q1", "Q1"]


async def test_a_paused_version_that_is_answered_later_takes_the_place_for_good(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await again(desk, conversation, first)
        world.cloud.script(answers("late"))
        await (await desk.retry(paused.request_id, probe=True)).outcome()
        assert await standing(desk, conversation) == ["q1", "late"]


async def test_a_version_under_way_in_a_killed_program_is_paused_and_keeps_the_place(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
    killed = world.desk()
    await killed.__aenter__()
    world.cloud.script(endless())
    run = await killed.again(conversation, first, prompt="q1 again")
    await next_of(aiter(run), AttemptStarted)
    world.rows("UPDATE requests SET owner = 'an instance that is gone' WHERE id = ?", run.request_id)
    async with world.desk() as desk:
        (entry,) = await desk.outbox()
        assert entry.id == run.request_id
        assert await standing(desk, conversation) == ["q1 again"]
        await desk.drop(entry.id)
        assert (await standing(desk, conversation))[:2] == ["q1", "Q1"]
    run.cancel()
    await killed.__aexit__(None, None, None)


async def test_a_version_of_a_version_that_fails_gives_way_to_what_stood_last(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(answers("second"))
        second = await again(desk, conversation, first)
        world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
        await again(desk, conversation, first)
        assert (await standing(desk, conversation))[:2] == ["q1", "second"]
        found = await desk.conversation(conversation)
        assert found.messages[1].superseded_by == second.request_id


async def test_a_version_replaced_while_it_was_asked_takes_nothing_back(world: DeskWorld) -> None:
    """The first one stands for the newest, whichever of the two that replaced it ends first, and how."""
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(endless())
        stopped = await desk.again(conversation, first, prompt="stopped")
        await next_of(aiter(stopped), AttemptStarted)
        world.local.script(answers("newest"))
        newest = await desk.again(conversation, stopped.request_id, prompt="new", model=ModelRef("local", "small:4b"))
        await newest.outcome()
        stopped.cancel()
        await stopped.outcome()
        assert await standing(desk, conversation) == ["new", "newest"]


@pytest.mark.parametrize("field", ["replaces", "continues"])
async def test_a_turn_that_is_not_in_the_conversation_is_refused_before_anything_is_written(
    world: DeskWorld, field: str
) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        other, (elsewhere,) = await talk(desk, world, "another")
        for request in ("unknown", elsewhere):
            with pytest.raises(UsageError, match=r"not in the conversation|no answer to that prompt"):
                await (desk.again if field == "replaces" else desk.go_on)(conversation, request)
            outcome = await ask(desk, "q", conversation=conversation, **{field: request})
            assert outcome.status is Status.FAILED
            assert outcome.error is not None
            assert (outcome.error.kind, outcome.kept) == (ErrorKind.REQUEST, False)
            assert "not in the conversation" in outcome.error.message
        with pytest.raises(UsageError, match="in its conversation only"):
            desk.send(Ask(prompt="q", **{field: elsewhere}))  # type: ignore[arg-type]
        assert await standing(desk, conversation) == ["q1", "Q1"]
        assert await standing(desk, other) == ["another", "ANOTHER"]
    assert world.rows("SELECT count(*) FROM requests") == [(2,)]


async def test_a_paused_request_that_is_asked_in_another_version_is_not_asked_as_well(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], resume="auto")
    async with world.desk() as desk:
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await ask(desk, "slow")
        assert paused.conversation is not None
        world.cloud.script(answers("quick"))
        await again(desk, paused.conversation, paused.request_id, prompt="quickly")
        assert await desk.outbox() == ()
        assert (await desk.request(paused.request_id)).status is Status.CANCELLED
        assert await standing(desk, paused.conversation) == ["quickly", "quick"]


async def test_a_paused_request_waits_again_where_nothing_came_of_its_other_version(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await ask(desk, "slow")
        assert paused.conversation is not None
        world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
        await again(desk, paused.conversation, paused.request_id, prompt="quickly")
        assert [entry.id for entry in await desk.outbox()] == [paused.request_id]


# --- going back, and keeping the better of several --------------------------------------------------------------------


async def test_an_earlier_version_can_stand_again_with_all_that_followed_it(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (_, second, third) = await talk(desk, world, "q1", "q2", "q3")
        world.cloud.script(answers("B"))
        newer = await again(desk, conversation, second, prompt="b")
        world.cloud.script(answers("C"))
        await ask(desk, "c", conversation=conversation)
        old, new = ["q1", "Q1", "q2", "Q2", "q3", "Q3"], ["q1", "Q1", "b", "B", "c", "C"]
        assert await standing(desk, conversation) == new
        await desk.shelf.stand(conversation, third)
        assert await standing(desk, conversation) == old
        await desk.shelf.stand(conversation, newer.request_id)
        assert await standing(desk, conversation) == new
        with pytest.raises(UsageError, match="no earlier version"):
            await desk.shelf.stand(conversation, newer.request_id)


async def test_every_version_of_many_can_be_gone_back_to(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "q")
        requests = [first]
        for number in range(4):
            world.cloud.script(answers(f"a{number}"))
            requests.append((await again(desk, conversation, first)).request_id)
        texts = ["Q", "a0", "a1", "a2", "a3"]
        for at in (0, 3, 1, 4, 2, 0):
            await desk.shelf.stand(conversation, requests[at])
            assert await standing(desk, conversation) == ["q", texts[at]]


async def test_of_several_answers_to_a_prompt_one_is_kept_and_the_others_can_be_had_back(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "before")
        compared = []
        for text in ("A", "B", "C"):
            world.cloud.script(answers(text))
            compared.append((await ask(desk, "same", conversation=conversation)).request_id)
        a, b, c = compared
        await desk.shelf.keep(conversation, b, [a, c])
        assert await standing(desk, conversation) == ["before", "BEFORE", "same", "B"]
        await desk.shelf.stand(conversation, c)
        assert await standing(desk, conversation) == ["before", "BEFORE", "same", "C"]
        await desk.shelf.stand(conversation, a)
        assert await standing(desk, conversation) == ["before", "BEFORE", "same", "A"]
        for wrong in ("unknown", (await talk(desk, world, "elsewhere"))[1][0]):
            with pytest.raises(UsageError, match="not in the conversation"):
                await desk.shelf.keep(conversation, a, [wrong])
        assert await standing(desk, conversation) == ["before", "BEFORE", "same", "A"]


# --- on paper ---------------------------------------------------------------------------------------------------------


async def test_exports_hold_what_stands_and_say_what_was_an_earlier_version(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "old prompt")
        world.cloud.script(answers("new answer"))
        newer = await again(desk, conversation, first, prompt="new prompt")
        text = await desk.export_conversation(conversation)
        assert "new answer" in text
        assert "OLD PROMPT" not in text
        exported = json.loads(await desk.export_conversation(conversation, "json"))
        assert [(m["content"], m["superseded_by"]) for m in exported["messages"]] == [
            ("old prompt", newer.request_id),
            ("OLD PROMPT", newer.request_id),
            ("new prompt", None),
            ("new answer", None),
        ]


async def test_an_earlier_version_is_found_and_told_as_one(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (first,) = await talk(desk, world, "walrus")
        world.cloud.script([Scene(steps=["seal"])])
        await again(desk, conversation, first, prompt="an animal")
        assert [(hit.id, hit.earlier) for hit in await desk.search("walrus")] == [(conversation, True)] * 2
        assert [(hit.id, hit.earlier) for hit in await desk.search("seal")] == [(conversation, False)]
