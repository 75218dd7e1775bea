"""What panels live on: failovers as they happen, probes on order, the log's changes, prompts out of the outbox."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.types import AttemptStarted, FailedOver, Status, TextDelta
from llmdesk.core.views import Ask, Attachment, ProviderState, Topic
from llmdesk.desk import watch as watch_module
from tests.support.desk_world import DeskWorld, answers, ask, endless, fails, next_of
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

LIMITED = errors.RateLimited("cloud: rate limited.")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path / "home")


async def test_a_failover_is_listed_while_the_next_target_still_answers_and_once_afterwards(world: DeskWorld) -> None:
    world.cloud.script(fails(LIMITED))
    world.local.script(endless("some "))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello"))
        events = run.__aiter__()
        step = (await next_of(events, FailedOver)).step
        await next_of(events, TextDelta)
        (row,) = await desk.failovers()
        assert (row.request, row.source, row.target) == (run.request_id, step.source, step.target)
        assert await desk.failovers(lane="codegen") == ()
        assert await desk.failovers(provider="openai") == ()
        assert len(await desk.failovers(provider="local", reason="rate")) == 1
        run.cancel()
        await run.outcome()
        assert len(await desk.failovers()) <= 1


async def test_a_failover_is_listed_once_when_its_request_has_ended(world: DeskWorld) -> None:
    world.cloud.script(fails(LIMITED))
    async with world.desk() as desk:
        await ask(desk)
        (row,) = await desk.failovers()
        assert row.reason == "rate"


async def test_a_probe_takes_the_cooldown_of_a_provider_back_that_is_well(world: DeskWorld) -> None:
    world.cloud.script(fails(LIMITED))
    async with world.desk() as desk:
        await ask(desk)
        assert desk.providers()[0].state is ProviderState.COOLING
        status = await desk.probe_provider("cloud")
        assert status.state is ProviderState.OK
        assert desk.providers()[0].cooldown_until is None
        world.cloud.script(answers("back"))
        assert (await ask(desk)).target == world.lanes["chat"].targets[0]


async def test_a_probe_of_a_provider_that_still_limits_leaves_it_resting(world: DeskWorld) -> None:
    world.cloud.script(fails(LIMITED))
    world.cloud.list_error = LIMITED
    async with world.desk() as desk:
        await ask(desk)
        assert (await desk.probe_provider("cloud")).state is ProviderState.COOLING
        with pytest.raises(UsageError):
            await desk.probe_provider("nobody")


async def test_what_a_paused_request_asks_comes_back_whole(world: DeskWorld) -> None:
    world.cloud.script(fails(LIMITED))
    world.local.script(fails(errors.NetworkFailed("local: connection refused.", retries=0)))
    async with world.desk() as desk:
        file = Attachment(name="a.txt", text="words")
        outcome = await ask(desk, "my prompt", attachments=(file,))
        assert outcome.status is Status.PAUSED
        asked = await desk.paused_ask(outcome.request_id)
        assert (asked.prompt, asked.attachments, asked.lane) == ("my prompt", (file,), None)
        assert [entry.id for entry in await desk.outbox()] == [outcome.request_id]
        await desk.drop(outcome.request_id)
        with pytest.raises(UsageError):
            await desk.paused_ask(outcome.request_id)


async def test_a_line_more_in_the_log_is_reported(world: DeskWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 0.03)
    async with world.desk() as desk:
        log = desk._parts.paths.log_file
        async with aclosing(cast("AsyncGenerator[frozenset[Topic], None]", desk.watch())) as changes:
            waiting = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text('{"at": "2026-01-01T00:00:00+00:00", "level": "info", "event": "began"}\n')
            async with asyncio.timeout(PATIENCE_S):
                assert Topic.LOG in await waiting
        assert [line.event for line in await desk.log_lines()] == ["began"]


async def test_a_model_that_has_just_answered_is_not_said_to_be_loading(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(world.lanes["chat"].targets[1],))
    async with world.desk() as desk:
        first = await next_of(desk.send(Ask(prompt="one")).__aiter__(), AttemptStarted)
        assert first.loading is True
        assert first.input_tokens
        await asyncio.sleep(0)
        await ask(desk, "two")
        third = await next_of(desk.send(Ask(prompt="three")).__aiter__(), AttemptStarted)
        assert third.loading is False
