"""A plan tells beforehand what each target may take, which budgets count it and who would be refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.budget import input_bound
from llmdesk.core.money import to_usd
from llmdesk.core.periods import Calendar
from llmdesk.core.types import AttemptStarted, Params, Status
from llmdesk.core.views import Ask
from tests.support.budget_world import CENT, IN, OUT, metered, reserved, tokens, usd, used
from tests.support.desk_world import ask, endless, next_of

if TYPE_CHECKING:
    from pathlib import Path

UTC_DAYS = Calendar(lambda at: datetime.fromtimestamp(at, UTC).date())


async def test_a_plan_bounds_prompt_answer_and_cost_of_each_target(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(100 * CENT), calendar=UTC_DAYS)
    async with world.desk() as desk:
        plan = await desk.plan(Ask(prompt="hello"))
        short = await desk.plan(Ask(prompt="hello", params=Params(max_output_tokens=10)))
        rows = reserved(world)
    cloud, local = plan.targets
    bound = input_bound(cloud.input_tokens or 0, 1)
    assert (cloud.skip, cloud.input_bound_tokens, cloud.output_tokens) == ("", bound, 8_192)
    assert cloud.cost_bound_usd == to_usd(bound * IN + 8_192 * OUT)
    assert (local.skip, local.output_tokens, local.cost_bound_usd) == ("", None, "0")
    assert short.targets[0].output_tokens == 10
    (view,) = plan.budgets
    assert (view.budget, view.spent, view.reserved, view.left) == (world.budgets[0], 0, 0, 100 * CENT)
    assert view.resets_at is not None
    assert 0 < view.resets_at - world.clocks.wall <= 86_400
    assert view.resets_at % 86_400 == 0
    assert rows == [], "nothing is set aside"
    assert world.cloud.requests == []


async def test_a_plan_sees_what_is_spent_and_what_is_set_aside(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(10_000 * OUT), tokens(50_000, "job"))
    world.cloud.script([used(10, 20), *endless("words")])
    async with world.desk() as desk:
        await ask(desk, job="nightly")
        run = desk.send(Ask(prompt="more", job="nightly"))
        await next_of(aiter(run), AttemptStarted)
        plan = await desk.plan(Ask(prompt="hello", job="nightly"))
        elsewhere = await desk.plan(Ask(prompt="hello"))
        run.cancel()
        await run.outcome()
    day, job = plan.budgets
    assert day.spent == 10 * IN + 20 * OUT
    assert day.reserved >= 8_192 * OUT
    assert (job.period, job.spent, job.resets_at) == ("nightly", 30, None)
    assert [view.budget.scope for view in elsewhere.budgets] == ["day"]
    assert 1_500 < (plan.targets[0].output_tokens or 0) < 10_000 - 8_192


@pytest.mark.parametrize("free", [True, False])
async def test_a_plan_tells_who_would_be_refused_and_who_would_answer_then(tmp_path: Path, free: bool) -> None:
    world = metered(tmp_path, usd(CENT, free_when_exhausted=free))
    world.cloud.script([used(0, CENT // OUT)])
    async with world.desk() as desk:
        await ask(desk, params=Params(max_output_tokens=CENT // OUT - 20))
        plan = await desk.plan(Ask(prompt="hello"))
        outcome = await ask(desk)
    cloud, local = plan.targets
    assert (cloud.skip, cloud.message) == ("budget", outcome.attempts[0].message)
    assert local.skip == ("" if free else "budget")
    assert outcome.status is (Status.COMPLETED if free else Status.BLOCKED)
    assert plan.budgets[0].warning


async def test_a_plan_says_what_is_wrong_beside_money(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT), price=None)
    async with world.desk() as desk:
        unknown = (await desk.plan(Ask(prompt="hello"))).targets[0]
        world.prices["cloud/big:120b"] = metered(tmp_path).prices["cloud/big:120b"]
        several = (await desk.plan(Ask(prompt="hello", params=Params(extra={"n": 2})))).targets[0]
    assert (unknown.skip, unknown.cost_bound_usd) == ("budget", None)
    assert "Write models: {cloud/big:120b: {price: 0}}" in unknown.message
    assert (several.skip, several.cost_bound_usd) == ("unfit", None)


async def test_without_a_hard_budget_a_plan_leaves_the_limit_alone(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT, hard=False))
    async with world.desk() as desk:
        unlimited = (await desk.plan(Ask(prompt="hello"))).targets[0]
        limited = (await desk.plan(Ask(prompt="hello", params=Params(extra={"max_tokens": 100})))).targets[0]
    assert (unlimited.output_tokens, unlimited.cost_bound_usd) == (None, None)
    assert limited.output_tokens == 100
    assert limited.cost_bound_usd is not None


async def test_a_new_conversation_has_its_budget_before_it_begins(tmp_path: Path) -> None:
    world = metered(tmp_path, tokens(300, "conversation"))
    async with world.desk() as desk:
        (view,) = (await desk.plan(Ask(prompt="hello"))).budgets
        outcome = await ask(desk)
        (after,) = (await desk.plan(Ask(prompt="hello", conversation=outcome.conversation))).budgets
    assert (view.period, view.spent) == (None, 0)
    assert (after.period, after.spent) == (outcome.conversation, 8)
