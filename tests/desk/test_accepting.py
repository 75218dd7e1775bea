"""A request is on disk before anything is sent, and it ends exactly once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Accepted, Finished, Message, ModelRef, Role, Status
from llmdesk.core.views import Ask, Attachment
from llmdesk.desk.parts import Agent
from tests.support.desk_world import DeskWorld, answers, ask, endless, fails, story, until
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def test_the_prompt_is_on_disk_before_any_provider_is_asked(world: DeskWorld) -> None:
    seen: list[tuple[object, ...]] = []
    world.cloud.on_request = lambda _: seen.extend(world.rows("SELECT status, prompt, lane, agent, job FROM requests"))
    world.agents["dev"] = Agent(name="dev")
    async with world.desk() as desk:
        await ask(desk, "keep me", agent="dev", job="j1")
    ((status, prompt, *rest),) = seen
    assert status in ("accepted", "running")
    assert (prompt, *rest) == ("keep me", "chat", "dev", "j1")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, Status.COMPLETED),
        (errors.ModelRefused("The model declined."), Status.REFUSED),
        (errors.RequestRejected("cloud: unknown parameter."), Status.FAILED),
        (errors.RateLimited("cloud: rate limited."), Status.PAUSED),
    ],
)
async def test_accepted_comes_first_and_finished_once_at_the_end(
    world: DeskWorld, error: errors.ProviderError | None, status: Status
) -> None:
    if error is not None:
        world.cloud.script(fails(error))
        world.local.script(fails(error))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello"))
        events = await story(run)
        assert isinstance(events[0], Accepted)
        assert events[0].request_id == run.request_id
        assert [e for e in events if isinstance(e, Finished)] == [events[-1]]
        outcome = await run.outcome()
        assert events[-1] == Finished(outcome=outcome)
        assert outcome.status is status
        assert world.status_of(run.request_id) == status.value
        assert (outcome.error is None) == (status is Status.COMPLETED)


async def test_the_answer_is_the_text_of_one_attempt_and_the_rest_is_kept_as_discarded(world: DeskWorld) -> None:
    from llmdesk.providers.scripted import Scene

    world.cloud.script([Scene(steps=["half of"], cut=True)])
    world.local.script(answers("the whole answer"))
    async with world.desk() as desk:
        outcome = await ask(desk)
        view = await desk.request(outcome.request_id)
    assert outcome.text == view.answer == "the whole answer"
    assert [a.discarded_text for a in view.attempts] == ["half of"] * 3 + [""]
    assert view.attempts == outcome.attempts
    assert [a.outcome.value for a in view.attempts] == ["failed"] * 3 + ["completed"]
    assert (view.status, view.prompt, view.error_kind) == (Status.COMPLETED, "hello", None)


async def test_leaving_the_events_early_does_not_stop_the_request(world: DeskWorld) -> None:
    world.cloud.script(answers("went on"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello"))
        async for _ in run:
            break
        assert (await run.outcome()).text == "went on"


async def test_the_events_of_an_ended_request_end_when_they_are_read_again(world: DeskWorld) -> None:
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello"))
        assert await story(run) != []
        assert await asyncio.wait_for(story(run), PATIENCE_S) == []


async def test_a_retryable_failure_is_written_down_before_the_next_target_is_asked(world: DeskWorld) -> None:
    seen: list[tuple[object, ...]] = []
    world.cloud.script(fails(errors.ModelGone("cloud: no such model.")))
    world.local.on_request = lambda _: seen.extend(world.rows("SELECT number, error_kind FROM attempts"))
    async with world.desk() as desk:
        await ask(desk)
    assert seen == [(1, "gone")]


async def test_requests_of_a_lane_are_accepted_in_the_order_in_which_they_were_sent(world: DeskWorld) -> None:
    async with world.desk() as desk:
        runs = [desk.send(Ask(prompt=f"p{n}")) for n in range(8)]
        await asyncio.gather(*(run.outcome() for run in runs))
    assert [p for (p,) in world.rows("SELECT prompt FROM requests ORDER BY position")] == [f"p{n}" for n in range(8)]
    assert [r.messages[-1].content for r in world.cloud.requests] == [f"p{n}" for n in range(8)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Ask(prompt=" \n\t"), ["empty"]),
        (Ask(messages=()), ["no message"]),
        (Ask(prompt="x", lane="chatt"), ["chatt", "chat, codegen"]),
        (Ask(prompt="x", agent="nobody"), ["nobody", "backend-dev"]),
        (Ask(prompt="x", model=ModelRef("clodu", "m")), ["clodu", "cloud, local"]),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_what_there_is_and_leaves_no_row(
    world: DeskWorld, wrong: Ask, words: list[str]
) -> None:
    world.agents["backend-dev"] = Agent(name="backend-dev", lane="codegen")
    async with world.desk() as desk:
        with pytest.raises(UsageError) as refused:
            desk.send(wrong)
        await ask(desk, "something else")
    for word in words:
        assert word in str(refused.value)
    assert world.rows("SELECT prompt FROM requests") == [("something else",)]


async def test_an_attachment_alone_is_a_prompt(world: DeskWorld) -> None:
    async with world.desk() as desk:
        outcome = await ask(desk, "", attachments=(Attachment(name="a.txt", text="content"),))
    assert outcome.status is Status.COMPLETED
    assert "content" in world.cloud.requests[0].messages[-1].content


async def test_an_embedding_leaves_no_row_and_needs_no_prompt(world: DeskWorld) -> None:
    async with world.desk() as desk:
        run = desk.send(Ask(endpoint="embed", extra={"input": "x"}, keep=False, targets=(ModelRef("cloud", "e"),)))
        events = await story(run)
    assert isinstance(events[0], Accepted)
    assert not events[0].kept
    assert (await run.outcome()).status is Status.COMPLETED
    assert world.rows("SELECT id FROM requests") == []


async def test_metadata_only_keeps_the_conversation_and_numbers_but_no_text_of_the_request(tmp_path: Path) -> None:
    world = DeskWorld(tmp_path, record_text=False)
    async with world.desk() as desk:
        outcome = await ask(desk, "the prompt")
        view = await desk.request(outcome.request_id)
        assert outcome.conversation is not None
        found = await desk.conversation(outcome.conversation)
    assert view.prompt == ""
    assert [m.content for m in found.messages] == ["the prompt", "ok"]
    assert world.rows("SELECT payload, prompt FROM requests") == [("", "")]


async def test_metadata_only_keeps_the_text_of_a_paused_request_until_it_has_ended(tmp_path: Path) -> None:
    world = DeskWorld(tmp_path, record_text=False)
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    world.local.script(fails(errors.WebPageAnswered("local: a web page.")))
    messages = (Message(role=Role.USER, content="CANARY-prompt"),)
    async with world.desk() as desk:
        paused = await desk.generate(messages=messages)
        (entry,) = await desk.outbox()
        assert entry.prompt == "CANARY-prompt"
        world.local.script(answers("CANARY-answer"))
        assert (await (await desk.retry(entry.id)).outcome()).text == "CANARY-answer"
        view = await desk.request(paused.request_id)
        assert (view.prompt, view.answer, len(view.attempts)) == ("", "", 4)
    assert world.local.requests[-1].messages == messages
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"CANARY" not in path.read_bytes(), path


async def test_generate_never_raises_for_a_failed_request(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RequestRejected("cloud: unknown parameter.")))
    async with world.desk() as desk:
        outcome = await desk.generate(messages=[Message(role=Role.USER, content="x")], lane="codegen", job="j")
        assert (outcome.status, outcome.lane, outcome.job) == (Status.FAILED, "codegen", "j")
        with pytest.raises(UsageError):
            await desk.generate(messages=[])
        with pytest.raises(UsageError):
            await desk.generate(messages=[Message(role=Role.USER, content="x")], lane="nolane")


async def test_cancelling_the_caller_of_generate_cancels_the_request(world: DeskWorld) -> None:
    world.cloud.script(endless("some "))
    async with world.desk() as desk:
        task = asyncio.create_task(desk.generate(messages=[Message(role=Role.USER, content="x")]))
        await until(lambda: world.cloud.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: world.cloud.closed == 1)
    assert world.rows("SELECT status FROM requests") == [("cancelled",)]
