"""The plan gauge: asked beside everything else, rarely, never where it must not be, and nobody hears of a failure."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.types import ModelRef
from llmdesk.core.views import ProviderState, Quota, Topic
from llmdesk.wiring import make_desk
from tests.support.desk_world import DeskWorld, ObservedProvider, answers, ask, fails, until
from tests.support.fault_server import FaultServer
from tests.support.plays import json_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.desk import Desk

MONTHLY = Quota(name="monthly", used=0.42)
CLOUD_ALONE = ModelRef("cloud", "big:120b")


@dataclass(slots=True)
class PaidByPlan(ObservedProvider):
    """A provider that tells of its plan."""

    plan: tuple[Quota, ...] = (MONTHLY,)
    plan_error: Exception | None = None
    asked: int = 0
    door: asyncio.Event = field(default_factory=asyncio.Event)

    async def quotas(self) -> tuple[Quota, ...]:
        self.asked += 1
        await self.door.wait()
        if self.plan_error is not None:
            raise self.plan_error
        return self.plan


class PlanWorld(DeskWorld):
    """A world whose cloud tells of its plan at once."""

    @property
    def plan(self) -> PaidByPlan:
        assert isinstance(self.cloud, PaidByPlan)
        return self.cloud


@pytest.fixture
def world(tmp_path: Path) -> PlanWorld:
    made = PlanWorld(tmp_path, cloud=PaidByPlan("cloud"), local=PaidByPlan("local"))
    made.plan.door.set()
    return made


def quotas(desk: Desk, provider: str = "cloud") -> tuple[Quota, ...]:
    return next(status.quotas for status in desk.providers() if status.provider == provider)


@asynccontextmanager
async def watched(desk: Desk) -> AsyncIterator[list[Topic]]:
    """Somebody watches; what was told to them."""
    told: list[Topic] = []

    async def look() -> None:
        async with aclosing(desk.watch()) as changes:  # type: ignore[type-var]
            async for topics in changes:
                told.extend(topics)

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_look_around_brings_the_gauge_and_says_so(world: PlanWorld) -> None:
    async with world.desk() as desk, watched(desk) as told:
        assert quotas(desk) == ()
        await desk.discover()
        await until(lambda: quotas(desk))
        assert quotas(desk) == (MONTHLY,)
        told.clear()
        world.plan.plan = (Quota(name="monthly", used=0.43),)
        await desk.check_providers()
        await until(lambda: Topic.PROVIDERS in told and quotas(desk) == world.plan.plan)
        world.plan.plan = ()
        await desk.check_providers()
        await until(lambda: quotas(desk) == ())


async def test_a_look_does_not_wait_for_the_gauge(world: PlanWorld) -> None:
    world.plan.door.clear()
    async with world.desk() as desk:
        statuses = await desk.check_providers()
        assert [status.state for status in statuses] == [ProviderState.OK, ProviderState.OK]
        await until(lambda: world.plan.asked)
        await desk.check_providers()
        assert world.plan.asked == 1  # it is still being asked
        assert quotas(desk) == ()


async def test_answers_bring_it_up_to_date_every_five_minutes_at_most(world: PlanWorld) -> None:
    world.plan.script(answers("one", "two", "three", "four"))
    async with world.desk() as desk, watched(desk):
        await ask(desk)
        await until(lambda: quotas(desk))
        assert world.plan.asked == 1
        world.clocks.pass_time(299)
        await ask(desk)
        await ask(desk)
        assert world.plan.asked == 1
        world.clocks.pass_time(1)
        world.plan.plan = (Quota(name="monthly", used=0.5),)
        await ask(desk)
        await until(lambda: quotas(desk) == world.plan.plan)
        assert world.plan.asked == 2


async def test_an_answer_that_nobody_watches_asks_for_no_gauge(world: PlanWorld) -> None:
    async with world.desk() as desk:
        await ask(desk)
        assert world.plan.asked == 0


async def test_the_answer_of_another_provider_asks_for_nothing(world: PlanWorld) -> None:
    world.plan.script(fails(errors.ServerFailed("cloud: boom", retries=0)))
    async with world.desk() as desk, watched(desk):
        outcome = await ask(desk)
        assert outcome.target is not None
        assert outcome.target.provider == "local"
        assert world.plan.asked == 0


@pytest.mark.parametrize(
    "problem",
    [errors.KeyRejected("cloud: no"), errors.NetworkFailed("cloud: no"), errors.AnswerCut("cloud: no")],
)
async def test_a_failure_is_silent_and_keeps_what_was_known(world: PlanWorld, problem: Exception) -> None:
    async with world.desk() as desk, watched(desk):
        await desk.check_providers()
        await until(lambda: quotas(desk))
        world.plan.plan_error = problem
        asked = world.plan.asked
        (cloud, _) = await desk.check_providers()
        await until(lambda: world.plan.asked == asked + 1)
        assert (cloud.state, cloud.message) == (ProviderState.OK, "")
        assert quotas(desk) == (MONTHLY,)
        assert desk.warnings == ()
        assert (await ask(desk, "still asked", model=CLOUD_ALONE)).target == CLOUD_ALONE


async def test_a_fault_of_our_own_is_in_the_log_and_nowhere_else(world: PlanWorld) -> None:
    world.plan.plan_error = RuntimeError("broken")
    async with world.desk() as desk:
        await desk.check_providers()
        await until(lambda: world.logged)
    assert [(name, fields["error"]) for name, fields in world.logged] == [("unexpected error", "RuntimeError")]


async def test_a_429_lets_the_provider_rest_whatever_it_was_asked_for(world: PlanWorld) -> None:
    world.plan.plan_error = errors.RateLimited("cloud: rate limited.", http_status=429)
    async with world.desk() as desk:
        await desk.check_providers()
        await until(lambda: desk.providers()[0].state is ProviderState.COOLING)
        assert desk.providers()[0].cooldown_left_s == 600


async def test_a_resting_provider_is_not_asked(world: PlanWorld) -> None:
    world.plan.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk, watched(desk):
        await ask(desk)
        await desk.check_providers()
        assert world.plan.asked == 0


async def test_only_a_provider_with_a_key_is_asked(world: PlanWorld) -> None:
    local = world.local
    assert isinstance(local, PaidByPlan)
    async with world.desk() as desk:
        await desk.check_providers()
        await until(lambda: quotas(desk))
        assert local.asked == 0
    world.rules["cloud"] = replace(world.rules["cloud"], has_key=False)
    async with world.desk() as desk:
        await desk.check_providers()
    assert world.plan.asked == 1


async def test_leaving_gives_up_what_is_being_asked(world: PlanWorld) -> None:
    world.plan.door.clear()
    async with world.desk() as desk:
        await desk.check_providers()
        await until(lambda: world.plan.asked)
    assert not [task for task in asyncio.all_tasks() if "Plans._ask" in repr(task)]


# --- with the real adapter ---


def cloud_at(home: Path, url: str, *, network: str = "any") -> dict[str, str]:
    folder = home / "config"
    folder.mkdir(mode=0o700)
    (folder / "llmdesk.yaml").write_text(
        f'providers:\n  cloud: {{kind: ollama, base_url: "{url}", api_key: "${{OLLAMA_API_KEY}}", allow_http: true}}\n'
        f"  local: null\nlanes:\n  chat: {{targets: [cloud/m]}}\nprivacy: {{network: {network}}}\n"
    )
    return {"LLMDESK_HOME": str(home), "OLLAMA_API_KEY": "sk-canary-0123456789"}


async def test_the_gauge_of_a_real_cloud_is_there_after_the_first_look(tmp_path: Path) -> None:
    async with FaultServer() as server:
        server.always("/api/usage", json_answer({"limits": {"monthly": {"usage": 0.42, "models": []}}}))
        async with make_desk(env=cloud_at(tmp_path, server.url)) as desk:
            await desk.discover()
            await until(lambda: quotas(desk))
            assert quotas(desk) == (MONTHLY,)


async def test_nothing_is_asked_of_a_cloud_under_local_only(tmp_path: Path) -> None:
    env = cloud_at(tmp_path, "https://cloud.invalid", network="local-only")
    async with make_desk(env=env) as desk, watched(desk):
        await desk.discover()
        (cloud,) = await desk.check_providers()
        assert cloud.quotas == ()
        assert not [task for task in asyncio.all_tasks() if "Plans._ask" in repr(task)]
