"""The whole decision beforehand, and what of it is kept afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import RateLimited, ServerFailed, UsageError
from llmdesk.core.lanes import SmallPrompt
from llmdesk.core.policy import RateLimit
from llmdesk.core.types import AttemptStarted, Params, Status, Waiting
from llmdesk.core.views import Ask
from llmdesk.desk import payload
from llmdesk.desk.parts import Agent
from tests.support.desk_world import CLOUD, LOCAL, DeskWorld, answers, ask, endless, fails, next_of
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def test_a_plan_tells_the_cooldown_and_who_would_answer_instead(world: DeskWorld) -> None:
    world.cloud.script(fails(RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        await ask(desk)
        plan = await desk.plan(Ask(prompt="again", agent=None))
    cloud, local = plan.targets
    assert (cloud.skip, cloud.cooldown_until, cloud.consent) == ("cooling", world.clocks.wall + 600, "")
    assert (local.skip, local.model, local.window_tokens) == ("", "large:27b", 8_192)
    assert len(world.cloud.requests) == 1
    assert plan.why == "default lane"


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"lane": "codegen"}, "asked for"), ({"agent": "dev"}, "lane of agent dev"), ({"agent": "free"}, "default lane")],
)
async def test_a_plan_tells_how_its_lane_was_chosen(world: DeskWorld, fields: dict[str, str], why: str) -> None:
    world.agents = {"dev": Agent(name="dev", lane="codegen", params=Params(seed=8)), "free": Agent(name="free")}
    async with world.desk() as desk:
        plan = await desk.plan(Ask(prompt="hi", **fields))  # type: ignore[arg-type]
        assert plan.why == why
        with pytest.raises(UsageError, match="No agent"):
            await desk.plan(Ask(prompt="hi", agent="nobody"))


async def test_a_plan_shows_the_parameters_in_force_for_each_target(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(world.rules["cloud"], params=Params(temperature=0.1, top_k=3))
    world.lanes["chat"] = replace(world.lanes["chat"], params=Params(temperature=0.2, seed=1))
    world.agents = {"dev": Agent(name="dev", params=Params(seed=2))}
    async with world.desk() as desk:
        plan = await desk.plan(Ask(prompt="hi", agent="dev", params=Params(max_output_tokens=9)))
        await ask(desk, "hi", agent="dev", params=Params(max_output_tokens=9))
    wanted = Params(temperature=0.2, top_k=3, seed=2, max_output_tokens=9)
    assert plan.targets[0].params == wanted
    assert world.cloud.requests[0].params == wanted
    assert plan.targets[1].params == Params(temperature=0.2, seed=2, max_output_tokens=9)


async def test_a_plan_tells_the_wait_for_the_users_own_limit(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(world.rules["cloud"], rate_limit=RateLimit(requests_per_minute=1, parallel=1))
    world.cloud.script(endless("a"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="one"))
        await next_of(aiter(run), AttemptStarted)
        (cloud, _) = (await desk.plan(Ask(prompt="two"))).targets
        assert (cloud.wait_s, cloud.full, cloud.skip) == (60.0, True, "busy")
        run.cancel()
        await run.outcome()


async def test_the_rule_that_put_a_target_first_is_kept_with_the_answer(world: DeskWorld) -> None:
    world.local.script(answers("cheap"))
    async with world.desk() as desk:
        desk._parts.router.targets.small_prompt = SmallPrompt(below_tokens=100, prefer=(LOCAL,))
        outcome = await ask(desk, "hi")
        view = await desk.request(outcome.request_id)
        named = await ask(desk, "hi", model=CLOUD)
    assert outcome.text == "cheap"
    assert "routing.small_prompt" in view.attempts[0].message
    assert named.target == CLOUD


@pytest.mark.parametrize(
    ("lane", "asked", "status"), [("auto", "never", Status.PAUSED), ("never", "auto", Status.COMPLETED)]
)
async def test_a_request_may_state_its_own_failover_rule(
    world: DeskWorld, lane: str, asked: str, status: Status
) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], failover=lane)  # type: ignore[arg-type]
    world.cloud.script(fails(ServerFailed("cloud: broken.", retries=0)))
    async with world.desk() as desk:
        assert (await ask(desk, failover=asked)).status is status


def test_the_failover_rule_of_a_request_outlives_the_outbox() -> None:
    assert payload.load(payload.dump(Ask(prompt="hi", failover="never"))).failover == "never"
    assert payload.load(payload.dump(Ask(prompt="hi"))).failover is None


async def test_a_request_in_the_line_is_stopped_and_kept_within_a_moment(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(world.rules["cloud"], rate_limit=RateLimit(parallel=1))
    world.cloud.script(endless("a"))
    async with world.desk() as desk:
        first = desk.send(Ask(prompt="one"))
        await next_of(aiter(first), AttemptStarted)
        second, third = desk.send(Ask(prompt="two")), desk.send(Ask(prompt="three"))
        for run in (second, third):
            await next_of(aiter(run), Waiting)
        second.cancel(keep=True)
        third.next_target()
        async with asyncio.timeout(PATIENCE_S):
            kept, answered = await second.outcome(), await third.outcome()
        assert (kept.status, kept.attempts) == (Status.PAUSED, ())
        assert [a.reason for a in answered.attempts] == ["next", ""]
        assert [entry.id for entry in await desk.outbox()] == [kept.request_id]
        first.cancel()
        await first.outcome()
