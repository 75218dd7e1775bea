"""The outbox: paused requests wait in order, come back exactly once, and are asked again as they were asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind, StorageError, UsageError
from llmdesk.core.types import (
    Accepted,
    AttemptStarted,
    ConsentNeeded,
    Message,
    ModelRef,
    Params,
    Role,
    Status,
    ToolCall,
)
from llmdesk.core.views import Ask, Attachment
from llmdesk.desk.parts import Agent
from tests.support.desk_world import DeskWorld, answers, ask, asked, endless, fails, next_of, story, until

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.desk import Desk

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path)
    made.lanes["chat"] = replace(made.lanes["chat"], targets=made.lanes["chat"].targets[:1])
    return made


async def pause(world: DeskWorld, desk: Desk, prompt: str, **fields: object) -> str:
    """Put a request into the outbox."""
    world.cloud.script(fails(errors.WebPageAnswered("cloud: got a web page.")))
    outcome = await ask(desk, prompt, **fields)
    assert outcome.status is Status.PAUSED
    world.cloud.script(answers("later"))
    return outcome.request_id


async def test_paused_requests_are_listed_in_the_order_they_came_with_all_that_is_to_know(world: DeskWorld) -> None:
    world.agents["dev"] = Agent(name="dev")
    async with world.desk() as desk:
        first = await pause(world, desk, "first", agent="dev", job="j", attachments=(Attachment(name="a", text="b"),))
        second = await pause(world, desk, "second")
        entries = await desk.outbox()
    assert [e.id for e in entries] == [first, second]
    entry = entries[0]
    assert (entry.prompt, entry.lane, entry.agent, entry.job) == ("first", "chat", "dev", "j")
    assert (entry.attachments, entry.error_kind, entry.attempts) == (("a",), ErrorKind.CAPTIVE, 1)
    assert entry.reason == "cloud: got a web page."
    assert entry.created_at == world.clocks.wall


async def test_a_retry_asks_again_exactly_as_it_was_asked_and_attempt_numbers_go_on(world: DeskWorld) -> None:
    everything = {
        "system": "own", "params": Params(temperature=0.3, stop=("END",), extra={"min_p": 0.1}),
        "model": ModelRef("cloud", "other:7b"), "tools": ({"type": "function"},), "format": "json",
        "extra": {"think": True}, "attachments": (Attachment(name="i.png", image=PNG),),
    }  # fmt: skip
    async with world.desk() as desk:
        paused = await pause(world, desk, "again", **everything)
    async with world.desk() as desk:
        run = await desk.retry(paused[:-1] if len(await desk.outbox()) == 1 else paused)
        events = await story(run)
        assert isinstance(events[0], Accepted)
        assert events[0].request_id == paused
        view = await desk.request(paused)
        assert await desk.outbox() == ()
    assert world.cloud.requests[0] == world.cloud.requests[1]
    assert [(a.number, a.outcome.value) for a in view.attempts] == [(1, "failed"), (2, "completed")]
    assert [e.number for e in events if isinstance(e, AttemptStarted)] == [2]
    assert (view.status, view.answer) == (Status.COMPLETED, "later")
    assert view.finished_at is not None


async def test_complete_messages_survive_the_outbox(world: DeskWorld) -> None:
    call = ToolCall(name="f", arguments={"x": [1, {"y": None}]}, id="1")
    messages = (
        Message(role=Role.USER, content="lone \ud800 q", images=(PNG,)),
        Message(role=Role.ASSISTANT, content="", thinking="hm", tool_calls=(call,)),
        Message(role=Role.TOOL, content="42", tool_name="f", tool_call_id="1"),
    )
    async with world.desk() as desk:
        paused = await pause(world, desk, "", messages=messages)
        outcome = await (await desk.retry(paused)).outcome()
    assert outcome.status is Status.COMPLETED
    assert world.cloud.requests[0] == world.cloud.requests[1]


async def test_of_two_desks_that_retry_at_once_exactly_one_asks(world: DeskWorld) -> None:
    async with world.desk() as one, world.desk() as other:
        for _ in range(5):
            paused = await pause(world, one, "once")
            world.cloud.requests.clear()
            runs = await asyncio.gather(
                one.retry(paused), other.retry(paused), one.retry(paused), return_exceptions=True
            )
            won = [run for run in runs if not isinstance(run, BaseException)]
            assert all(isinstance(run, UsageError) for run in runs if run not in won)
            assert len(won) == 1
            assert (await won[0].outcome()).status is Status.COMPLETED  # type: ignore[union-attr]
            assert len(world.cloud.requests) == 1


async def test_a_retry_whose_attempts_cannot_be_read_goes_back_to_its_place(world: DeskWorld) -> None:
    async with world.desk() as desk:
        paused = await pause(world, desk, "once more")
        world.cloud.requests.clear()
        requests = desk._parts.requests
        read = requests.view

        async def locked(_: str) -> None:
            raise StorageError("the database is locked.")

        requests.view = locked  # type: ignore[method-assign]
        outcome = await (await desk.retry(paused)).outcome()
        requests.view = read  # type: ignore[method-assign]
        assert (outcome.status, world.cloud.requests) == (Status.PAUSED, [])
        assert [entry.id for entry in await desk.outbox()] == [paused]
        assert (await (await desk.retry(paused)).outcome()).status is Status.COMPLETED
        assert [attempt.number for attempt in (await desk.request(paused)).attempts] == [1, 2]


async def test_a_request_is_taken_out_under_the_settings_that_its_names_were_looked_up_in(world: DeskWorld) -> None:
    async with world.desk() as desk:
        paused = await pause(world, desk, "under the old settings")
        claim = desk._parts.requests.claim

        async def meanwhile(*given: object, **more: object) -> object:
            desk._parts.lanes = {}  # read again while the claim is written
            return await claim(*given, **more)  # type: ignore[arg-type]

        desk._parts.requests.claim = meanwhile  # type: ignore[method-assign, assignment]
        assert (await (await desk.retry(paused)).outcome()).status is Status.COMPLETED


async def test_a_retry_that_fails_again_goes_back_to_its_place(world: DeskWorld) -> None:
    async with world.desk() as desk:
        first = await pause(world, desk, "first")
        second = await pause(world, desk, "second")
        world.cloud.script(fails(errors.WebPageAnswered("cloud: still a web page.")))
        assert (await (await desk.retry(first)).outcome()).status is Status.PAUSED
        entries = await desk.outbox()
    assert [(e.id, e.attempts) for e in entries] == [(first, 2), (second, 1)]
    assert entries[0].reason == "cloud: still a web page."


async def test_a_dropped_request_is_gone(world: DeskWorld) -> None:
    async with world.desk() as desk:
        paused = await pause(world, desk, "drop me")
        await desk.drop(paused)
        assert await desk.outbox() == ()
        assert (await desk.request(paused)).status is Status.CANCELLED
        for act in (desk.drop, desk.retry):
            with pytest.raises(UsageError, match="No paused request"):
                await act(paused)


async def test_ids_that_are_unknown_empty_or_ambiguous_are_refused_and_change_nothing(world: DeskWorld) -> None:
    async with world.desk() as desk:
        paused = await pause(world, desk, "only one")
        for wrong in ("nope", "", "%", "_"):
            for act in (desk.retry, desk.drop, desk.request):
                with pytest.raises(UsageError):
                    await act(wrong)
        other = await pause(world, desk, "second")
        for act in (desk.retry, desk.drop, desk.request):
            with pytest.raises(UsageError, match="2 requests begin with id-"):
                await act("id-")
        assert [e.id for e in await desk.outbox()] == [paused, other]


async def test_a_request_whose_lane_provider_or_agent_is_gone_stays_in_the_outbox(world: DeskWorld) -> None:
    world.agents["dev"] = Agent(name="dev")
    async with world.desk() as desk:
        ids = [
            await pause(world, desk, "lane", lane="chat"),
            await pause(world, desk, "provider", model=ModelRef("cloud", "m")),
            await pause(world, desk, "agent", agent="dev"),
        ]
    async with (
        world.desk(lanes={"codegen": world.lanes["codegen"]}, default_lane="codegen") as no_lane,
        world.desk(providers={}) as no_provider,
        world.desk(agents={}) as no_agent,
    ):
        for desk, paused, word in zip(
            (no_lane, no_provider, no_agent), ids, ("No lane", "No provider", "No agent"), strict=True
        ):
            with pytest.raises(UsageError, match=word):
                await desk.retry(paused)
        assert [e.id for e in await no_lane.outbox()] == ids


async def test_retry_now_asks_a_resting_provider_and_records_that_it_was_ordered(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.", http_status=429)))
    async with world.desk() as desk:
        outcome = await ask(desk, "x")
        assert outcome.next_try_at == world.clocks.wall + 600
        (entry,) = await desk.outbox()
        assert entry.next_try_at == outcome.next_try_at
        again = await (await desk.retry(entry.id)).outcome()
        assert again.status is Status.PAUSED
        assert [a.reason for a in again.attempts] == ["cooling"]
        assert len(world.cloud.requests) == 1
        world.cloud.script(answers("probed"))
        probed = await (await desk.retry(entry.id, probe=True)).outcome()
        assert probed.text == "probed"
        assert [a.probe for a in (await desk.request(entry.id)).attempts] == [False, False, True]


@pytest.mark.parametrize(
    "error",
    [errors.KeyRejected("cloud: key rejected (401).", http_status=401), errors.ModelGone("cloud: no such model.")],
)
async def test_retry_now_asks_again_what_was_out_for_the_run(world: DeskWorld, error: errors.ProviderError) -> None:
    async with world.desk() as desk:
        world.cloud.script(fails(error))
        paused = (await ask(desk, "x")).request_id
        world.cloud.script(answers("mended"))
        assert (await (await desk.retry(paused)).outcome()).status is Status.PAUSED
        assert (await (await desk.retry(paused, probe=True)).outcome()).text == "mended"
        assert (await ask(desk, "y")).text == "mended"


async def test_consent_can_be_given_with_the_retry(world: DeskWorld) -> None:
    world.lanes["codegen"] = replace(world.lanes["codegen"], failover="ask")
    async with world.desk() as desk:
        world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
        run = desk.send(Ask(prompt="x", lane="codegen"))
        await next_of(aiter(run), ConsentNeeded)
        run.consent(False)
        await run.outcome()
        outcome = await (await desk.retry(run.request_id, consent=True)).outcome()
        assert (outcome.status, str(outcome.target)) == (Status.COMPLETED, "local/large:27b")


async def test_a_lane_that_resumes_by_itself_says_when_a_server_failure_is_tried_again(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], resume="auto")
    world.cloud.script(fails(errors.ServerFailed("cloud: server error 503.")))
    async with world.desk() as desk:
        assert (await ask(desk, "x")).next_try_at == world.clocks.wall + 60
        world.cloud.script(fails(errors.KeyRejected("cloud: key rejected.")))
        assert (await ask(desk, "y")).next_try_at is None


# --- several instances ---


async def test_a_second_desk_leaves_a_living_ones_requests_alone(world: DeskWorld) -> None:
    world.cloud.script(endless("some"))
    async with world.desk() as first:
        run = first.send(Ask(prompt="mine"))
        await until(lambda: world.cloud.requests)
        async with world.desk() as second:
            assert await second.outbox() == ()
            with pytest.raises(UsageError):
                await second.retry(run.request_id)
        assert world.status_of(run.request_id) in ("accepted", "running")
        run.cancel()
        assert (await run.outcome()).status is Status.CANCELLED


async def test_ten_requests_in_two_desks_and_two_lanes_never_mix_and_share_one_cooldown(world: DeskWorld) -> None:
    world.lanes["chat"] = world.lanes["codegen"]
    async with world.desk() as one, world.desk() as other:
        talks = [await ask(desk, f"begin {n}", lane=lane) for n, (desk, lane) in enumerate(_places(one, other))]
        world.cloud.requests.clear()
        world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
        world.local.script(answers("local"))
        first = await ask(one, "first", lane="chat")
        assert str(first.target) == "local/large:27b"
        asked_before = len(world.cloud.requests)
        outcomes = await asyncio.gather(
            *(
                ask(desk, f"go on {n}", lane=lane, conversation=talks[n].conversation)
                for n, (desk, lane) in enumerate(_places(one, other))
            )
        )
    assert asked_before == len(world.cloud.requests) == 1, "the other instance knows of the cooldown at once"
    assert all(o.status is Status.COMPLETED for o in outcomes)
    contexts = {asked(r): [m.content for m in r.messages] for r in world.local.requests[1:]}
    assert contexts == {f"go on {n}": [f"begin {n}", "ok", f"go on {n}"] for n in range(10)}


def _places(one: Desk, other: Desk) -> list[tuple[Desk, str]]:
    return [((one, other)[n % 2], ("chat", "codegen")[n // 5]) for n in range(10)]


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.QuotaReached])
async def test_a_burst_at_a_limit_ends_in_answers_from_the_next_target(
    world: DeskWorld, kind: type[errors.ProviderError]
) -> None:
    world.cloud.script(fails(kind("cloud: limit.")))
    async with world.desk() as desk:
        outcomes = await asyncio.gather(*(ask(desk, f"p{n}", lane="codegen") for n in range(10)))
        steps = await desk.failovers(lane="codegen")
        assert len(await desk.failovers(limit=3)) == 3
        assert await desk.failovers(lane="chat") == ()
        assert await desk.failovers(since=world.clocks.wall + 1) == ()
    assert {o.text for o in outcomes} == {"ok"}
    assert {str(o.target) for o in outcomes} == {"local/large:27b"}
    assert len(steps) == 10
    assert {(str(s.source), str(s.target)) for s in steps} == {("cloud/big:120b", "local/large:27b")}
