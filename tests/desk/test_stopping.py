"""Stopping a request: by the user, by a time limit, by leaving; and the waits that can be cut short."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.policy import RetryRule
from llmdesk.core.types import (
    Accepted,
    AttemptStarted,
    ConsentNeeded,
    FailedOver,
    Status,
    TextDelta,
    Waiting,
)
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import ENDLESS_S, DeskWorld, answers, endless, fails, next_of, story, until
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from pathlib import Path

SOON_S = 20.0
"""Far less than what is waited for in these tests, and enough for a machine that others use too, seconds."""


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


def patient(world: DeskWorld) -> None:
    """Let the cloud be asked again after a long while."""
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=3, delay_s=ENDLESS_S))


async def test_cancelling_keeps_the_partial_text_as_interrupted_and_closes_the_stream(world: DeskWorld) -> None:
    world.cloud.script(endless("the first ", "words"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="stop me"))
        events = aiter(run)
        await next_of(events, TextDelta)
        await next_of(events, TextDelta)
        run.cancel()
        async with asyncio.timeout(SOON_S):
            outcome = await run.outcome()
        assert world.cloud.closed == 1
        assert (outcome.status, outcome.text) == (Status.CANCELLED, "the first words")
        assert outcome.error is not None
        assert outcome.error.kind is ErrorKind.CANCELLED
        assert outcome.conversation is not None
        _question, answer = (await desk.conversation(outcome.conversation)).messages
        assert (answer.content, answer.completeness) == ("the first words", "interrupted")
        assert await desk.outbox() == ()
        view = await desk.request(outcome.request_id)
        assert [(a.outcome.value, a.discarded_text) for a in view.attempts] == [("cancelled", "the first words")]


async def test_cancelling_to_keep_puts_the_request_into_the_outbox_with_its_partial_text(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="later"))
        await next_of(aiter(run), TextDelta)
        run.cancel(keep=True)
        outcome = await run.outcome()
        assert (outcome.status, outcome.text) == (Status.PAUSED, "half")
        (entry,) = await desk.outbox()
        assert (entry.id, entry.prompt, entry.error_kind) == (run.request_id, "later", ErrorKind.CANCELLED)


async def test_leaving_the_desk_pauses_what_runs_and_stores_what_came(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="later"))
        await next_of(aiter(run), TextDelta)
        waiting = desk.send(Ask(prompt="just sent"))
    assert (await run.outcome()).status is Status.PAUSED
    assert (await waiting.outcome()).status is Status.PAUSED
    assert world.cloud.closed == len(world.cloud.requests)
    async with world.desk() as desk:
        assert [entry.prompt for entry in await desk.outbox()] == ["later", "just sent"]
        found = await desk.conversation((await run.outcome()).conversation or "")
        assert [(m.content, m.completeness) for m in found.messages] == [("later", None), ("half", "interrupted")]


async def test_a_time_limit_ends_in_paused_as_silent_with_what_came(world: DeskWorld) -> None:
    limit_s = round(allowed(0.5), 1)  # the half answer comes before it
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="quick", timeout_s=limit_s))
        outcome = await run.outcome()
        assert (outcome.status, outcome.text) == (Status.PAUSED, "half")
        assert outcome.error is not None
        assert outcome.error.kind is ErrorKind.SILENT
        assert f"{limit_s:g} s" in outcome.error.message
        assert [(a.outcome.value, a.error_kind, a.message) for a in outcome.attempts] == [
            ("failed", ErrorKind.SILENT, f"cloud: no complete answer within {limit_s:g} s (--timeout).")
        ]
        (entry,) = await desk.outbox()
        assert entry.error_kind is ErrorKind.SILENT
    assert world.cloud.closed == 1


async def test_a_request_stopped_before_anything_began_is_accepted_and_cancelled_and_never_sent(
    world: DeskWorld,
) -> None:
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="never"))
        run.cancel()
        events = await story(run)
    assert isinstance(events[0], Accepted)
    assert (await run.outcome()).status is Status.CANCELLED
    assert world.cloud.requests == []
    assert world.status_of(run.request_id) == "cancelled"


async def test_the_first_of_two_stops_decides(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        kept, gone = desk.send(Ask(prompt="kept")), desk.send(Ask(prompt="gone"))
        await until(lambda: len(world.cloud.requests) == 2)
        kept.cancel(keep=True)
        kept.cancel()
        gone.cancel()
        gone.cancel(keep=True)
        assert (await kept.outcome()).status is Status.PAUSED
        assert (await gone.outcome()).status is Status.CANCELLED
        kept.cancel()
        assert [entry.prompt for entry in await desk.outbox()] == ["kept"]


async def test_stopping_after_the_end_changes_nothing(world: DeskWorld) -> None:
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="done"))
        outcome = await run.outcome()
        run.cancel()
        assert await run.outcome() == outcome
        assert world.status_of(run.request_id) == "completed"


@pytest.mark.parametrize("keep", [False, True])
async def test_stopping_during_a_retry_delay_takes_effect_at_once(world: DeskWorld, keep: bool) -> None:
    patient(world)
    world.cloud.script(fails(errors.ServerFailed("cloud: server error 503.", http_status=503)))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="waiting"))
        wait = await next_of(aiter(run), Waiting)
        assert wait.until == world.clocks.wall + ENDLESS_S
        run.cancel(keep=keep)
        async with asyncio.timeout(SOON_S):
            outcome = await run.outcome()
        assert outcome.status is (Status.PAUSED if keep else Status.CANCELLED)
        assert [a.error_kind for a in (await desk.request(run.request_id)).attempts] == [ErrorKind.SERVER]
    assert world.local.requests == []


async def test_a_retry_delay_can_be_cut_short_or_left(world: DeskWorld) -> None:
    patient(world)
    world.cloud.script(fails(errors.ServerFailed("cloud: server error 503.", http_status=503)))
    world.local.script(answers("from here"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hurry"))
        events = aiter(run)
        await next_of(events, Waiting)
        run.retry_now()
        assert (await next_of(events, AttemptStarted)).try_number == 2
        await next_of(events, Waiting)
        run.next_target()
        assert (await next_of(events, FailedOver)).step.reason == "server"
        assert (await run.outcome()).text == "from here"
    assert len(world.cloud.requests) == 2


async def test_a_running_attempt_can_be_left_for_the_next_target(world: DeskWorld) -> None:
    world.cloud.script(endless("slow"))
    world.local.script(answers("fast"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hurry"))
        await next_of(aiter(run), TextDelta)
        run.next_target()
        outcome = await run.outcome()
        assert (outcome.status, outcome.text) == (Status.COMPLETED, "fast")
        assert [(a.outcome.value, a.discarded_text) for a in outcome.attempts] == [
            ("cancelled", "slow"), ("completed", ""),
        ]  # fmt: skip


async def test_a_stop_is_heard_also_right_after_next_target(world: DeskWorld) -> None:
    world.cloud.script(endless("slow"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="enough"))
        await next_of(aiter(run), TextDelta)
        run.next_target()
        run.cancel()
        async with asyncio.timeout(SOON_S):
            assert (await run.outcome()).status is Status.CANCELLED
    assert world.local.requests == []


@pytest.mark.parametrize("how", ["next", "cancel"])
async def test_a_limit_whose_one_retry_is_given_up_is_a_cooldown_all_the_same(world: DeskWorld, how: str) -> None:
    world.rules["cloud"] = replace(
        world.rules["cloud"], retries_rate=True, cooldown_s=60, retry=RetryRule(short_wait_s=ENDLESS_S)
    )
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.", hint_s=ENDLESS_S)))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="impatient"))
        await next_of(aiter(run), Waiting)
        run.next_target() if how == "next" else run.cancel()
        outcome = await run.outcome()
        assert outcome.status is (Status.COMPLETED if how == "next" else Status.CANCELLED)
        assert desk.providers()[0].cooldown_until == world.clocks.wall + ENDLESS_S
    assert len(world.cloud.requests) == 1


# --- consent (policy R16) ---


def asking(world: DeskWorld, failover: str) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], failover=failover)  # type: ignore[arg-type]
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))


@pytest.mark.parametrize("go", [True, False])
async def test_a_lane_that_asks_sends_nothing_to_the_next_target_before_the_user_says_so(
    world: DeskWorld, go: bool
) -> None:
    asking(world, "ask")
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="may I"))
        needed = await next_of(aiter(run), ConsentNeeded)
        assert (str(needed.target), needed.failed.error_kind) == ("local/largest", ErrorKind.RATE)
        assert world.local.requests == []
        run.consent(go)
        outcome = await run.outcome()
    assert outcome.status is (Status.COMPLETED if go else Status.PAUSED)
    assert len(world.local.requests) == int(go)
    if not go:
        assert outcome.error is not None
        assert "local/largest" in outcome.error.message
        assert outcome.next_try_at == world.clocks.wall + 600


@pytest.mark.parametrize("keep", [False, True])
async def test_stopping_while_consent_is_awaited(world: DeskWorld, keep: bool) -> None:
    asking(world, "ask")
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="may I"))
        await next_of(aiter(run), ConsentNeeded)
        run.cancel(keep=keep)
        async with asyncio.timeout(SOON_S):
            outcome = await run.outcome()
        assert outcome.status is (Status.PAUSED if keep else Status.CANCELLED)
        assert len(await desk.outbox()) == int(keep)
    assert world.local.requests == []


async def test_consent_given_beforehand_is_not_asked_for(world: DeskWorld) -> None:
    asking(world, "ask")
    async with world.desk() as desk:
        events = await story(desk.send(Ask(prompt="go on", consent=True)))
    assert not [e for e in events if isinstance(e, ConsentNeeded)]
    assert len(world.local.requests) == 1


async def test_a_lane_that_never_fails_over_pauses(world: DeskWorld) -> None:
    asking(world, "never")
    async with world.desk() as desk:
        outcome = await desk.send(Ask(prompt="stay", consent=True)).outcome()
        assert outcome.status is Status.PAUSED
        assert [entry.error_kind for entry in await desk.outbox()] == [ErrorKind.RATE]
    assert world.local.requests == []


async def test_a_stop_while_the_cooldown_is_being_written_loses_neither_cooldown_nor_attempt(world: DeskWorld) -> None:
    """The provider has said no; that stays true when the user has lost patience."""
    world.cloud.script([Scene(error=errors.RateLimited("cloud: rate limited.", http_status=429))])
    desk = world.desk()
    writes = desk._parts.cooldowns.cool
    runs: list[object] = []

    def slow(*values: object) -> object:
        import time

        loop.call_soon_threadsafe(runs[0].cancel)  # type: ignore[attr-defined]
        time.sleep(0.05)
        return writes(*values)  # type: ignore[arg-type]

    desk._parts.cooldowns.cool = slow  # type: ignore[method-assign,assignment]
    loop = asyncio.get_running_loop()
    async with desk:
        run = desk.send(Ask(prompt="x"))
        runs.append(run)
        outcome = await run.outcome()
        assert outcome.status is Status.CANCELLED
        assert [(a.error_kind, a.http_status) for a in outcome.attempts] == [(ErrorKind.RATE, 429)]
        assert desk._parts.cooldowns.remaining_s("cloud") == 600
        assert [a.error_kind for a in (await desk.request(run.request_id)).attempts] == [ErrorKind.RATE]
