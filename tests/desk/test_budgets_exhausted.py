"""When a budget has run out: who is still asked, what is said, and which ways out there are."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.lanes import Lane
from llmdesk.core.money import to_usd
from llmdesk.core.policy import RateLimit
from llmdesk.core.prices import MOST_NANO_USD, Price
from llmdesk.core.types import AttemptStarted, ModelRef, Params, Status
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.budget_world import CENT, OUT, booked, metered, reserved, spent, tokens, usd, used
from tests.support.desk_world import CLOUD, LOCAL, ask, endless, fails, next_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.desk_world import DeskWorld


def spent_world(tmp_path: Path, **fields: object) -> DeskWorld:
    """A day budget of one cent that one answer uses up."""
    world = metered(tmp_path, usd(CENT, **fields))
    world.cloud.script([used(0, CENT // OUT), used(1, 1)])
    return world


SHORT = Params(max_output_tokens=CENT // OUT - 20)


async def test_a_hard_budget_blocks_the_next_request_and_says_which_until_when_and_what_helps(tmp_path: Path) -> None:
    world = spent_world(tmp_path)
    async with world.desk() as desk:
        first = await ask(desk, params=SHORT)
        outcome = await ask(desk)
        view = await desk.request(outcome.request_id)
    assert first.status is Status.COMPLETED
    assert (outcome.status, outcome.error and outcome.error.kind) == (Status.BLOCKED, ErrorKind.BUDGET)
    assert outcome.error is not None
    assert outcome.error.message.startswith("Day budget 0.01 USD reached; resets at ")
    assert len(outcome.error.message) <= 200
    assert [(a.target.provider, a.outcome.value, a.reason) for a in outcome.attempts] == [
        ("cloud", "skipped", "budget")
    ]  # fmt: skip
    free, raised, wait = outcome.advice
    assert free == "Ask local/largest, which costs nothing: --model local/largest"
    assert "limit_usd of the day budget" in raised
    assert "llmdesk config path" in raised
    assert wait.startswith("Wait until 20")
    assert view.status is Status.BLOCKED
    assert world.local.requests == []
    assert (outcome.next_try_at, outcome.cost_usd) == (None, "0")


async def test_with_when_exhausted_free_this_machine_answers_and_the_seam_says_why(tmp_path: Path) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        outcome = await ask(desk)
    assert (outcome.status, outcome.target) == (Status.COMPLETED, ModelRef("local", "large:27b"))
    (step,) = outcome.failovers
    assert (step.source, step.reason) == (CLOUD, "budget")
    assert step.message.startswith("Day budget 0.01 USD reached; resets at ")
    assert outcome.cost_usd == "0"


@pytest.mark.parametrize("failover", ["ask", "never"])
async def test_a_free_target_needs_consent_like_any_other(tmp_path: Path, failover: str) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        run = desk.send(Ask(prompt="hello", failover=failover))  # type: ignore[arg-type]
        if failover == "ask":
            async for event in run:
                if type(event).__name__ == "ConsentNeeded":
                    run.consent(False)
        outcome = await run.outcome()
    assert outcome.status is Status.PAUSED
    assert outcome.error is not None
    assert outcome.error.message.startswith("Day budget 0.01 USD reached")
    assert world.local.requests == []


async def test_a_free_target_that_rests_is_waited_for(tmp_path: Path) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        world.local.script(fails(errors.RateLimited("local: rate limited.")))
        await ask(desk, model=LOCAL)
        outcome = await ask(desk)
    assert outcome.status is Status.PAUSED
    assert outcome.next_try_at == world.clocks.wall + 600
    assert outcome.error is not None
    assert "What is free is resting; local comes back first, at " in outcome.error.message
    assert "Day budget" in outcome.error.message


async def test_a_free_target_that_is_busy_is_waited_for(tmp_path: Path) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    world.lanes["chat"] = replace(world.lanes["chat"], max_wait_s=0.0)
    world.rules["local"] = replace(world.rules["local"], rate_limit=RateLimit(requests_per_minute=1, parallel=1))
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        world.local.script(endless("x"))
        run = desk.send(Ask(prompt="first", model=LOCAL))
        await next_of(aiter(run), AttemptStarted)
        outcome = await ask(desk)
        run.cancel()
        await run.outcome()
    assert (outcome.status, outcome.next_try_at) == (Status.PAUSED, world.clocks.wall + 60)


async def test_a_paid_target_that_rests_is_not_waited_for(tmp_path: Path) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    world.lanes["chat"] = Lane(name="chat", targets=(LOCAL, CLOUD))
    world.rules["local"] = replace(world.rules["local"], free=False)
    world.prices |= {"local/large:27b": world.prices["cloud/big:120b"]}
    world.local.script(fails(errors.RateLimited("local: rate limited.")))
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        outcome = await ask(desk)
    assert [a.reason for a in outcome.attempts] == ["cooling", "budget"]
    assert (outcome.status, outcome.next_try_at) == (Status.BLOCKED, None)


async def test_a_free_target_that_fails_decides_the_end_and_a_paid_one_does_not(tmp_path: Path) -> None:
    world = spent_world(tmp_path, free_when_exhausted=True)
    world.local.script(fails(errors.ServerFailed("local: broken.", retries=0)))
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        after = await ask(desk)
        world.lanes["chat"] = Lane(name="chat", targets=(LOCAL, CLOUD))
        before = await ask(desk)
        world.rules["local"] = replace(world.rules["local"], free=False)
    assert [o.status for o in (after, before)] == [Status.PAUSED] * 2
    assert after.error is not None
    assert after.error.kind is ErrorKind.SERVER


async def test_a_second_budget_stops_the_free_target_too(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT, free_when_exhausted=True), tokens(5_100))
    world.cloud.script([used(0, CENT // OUT)])
    async with world.desk() as desk:
        await ask(desk, params=SHORT)
        outcome = await ask(desk)
    assert [a.reason for a in outcome.attempts] == ["budget", "budget"]
    assert outcome.status is Status.BLOCKED
    assert outcome.error is not None
    assert outcome.error.message.startswith("Day budget 5 100 tokens: 100 tokens left, local/large:27b may use ")


async def test_an_unknown_price_is_refused_with_what_to_write(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT), price=None)
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert outcome.status is Status.BLOCKED
    assert outcome.error is not None
    assert outcome.error.message == (
        "cloud/big:120b: its price is unknown, which the hard day budget refuses. "
        "Write models: {cloud/big:120b: {price: 0}} or what it costs."
    )
    free, price = outcome.advice
    assert free == "Ask local/largest, which costs nothing: --model local/largest"
    assert "input_usd_per_mtok" in price
    assert world.cloud.requests == []


async def test_a_soft_budget_says_once_that_it_does_not_count_an_unknown_price(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT, hard=False), usd(CENT, "month", hard=False), price=None)
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert (outcome.status, outcome.cost_usd) == (Status.COMPLETED, None)
    (line,) = outcome.warnings
    assert line == (
        "cloud/big:120b: its price is unknown, so the budgets do not count it. "
        "Write models: {cloud/big:120b: {price: 0}} or what it costs."
    )


async def test_a_server_that_counts_madly_is_booked_and_stops_the_next_request(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(100 * CENT))
    world.cloud.script([used(2**53 - 1, 2**53 - 1), used(1, 1)])
    async with world.desk() as desk:
        first, second = await ask(desk), await ask(desk)
    assert (first.status, first.cost_usd) == (Status.COMPLETED, to_usd(MOST_NANO_USD))
    assert [line for line in first.warnings if "stored" in line] == []
    assert second.status is Status.BLOCKED
    assert (spent(world), reserved(world)) == (MOST_NANO_USD, [])


async def test_a_price_of_nothing_passes_a_spent_budget(tmp_path: Path) -> None:
    nothing = Price(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))
    world = metered(tmp_path, usd(1), price=nothing)
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert (outcome.status, outcome.cost_usd) == (Status.COMPLETED, "0")
    assert world.cloud.requests[0].params.max_output_tokens is None


@pytest.mark.parametrize(("wanted", "sent"), [(None, 8_192), (9_000, 9_000), (100, 100)])
async def test_every_answer_out_of_a_hard_budget_has_a_limit(tmp_path: Path, wanted: int | None, sent: int) -> None:
    world = metered(tmp_path, usd(100 * CENT))
    async with world.desk() as desk:
        await ask(desk, params=Params(max_output_tokens=wanted))
    assert world.cloud.requests[0].params.max_output_tokens == sent


async def test_a_limit_is_lowered_to_what_is_left_which_is_told_once_a_run(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(CENT))
    world.cloud.script([used(1, 1)])
    async with world.desk() as desk:
        first, second = await ask(desk), await ask(desk)
    lowest, next_lowest = (request.params.max_output_tokens or 0 for request in world.cloud.requests)
    assert 4_900 < next_lowest < lowest < CENT // OUT
    assert first.warnings == (
        f"The day budget leaves room for {lowest:,} tokens of answer; longer ones are cut.".replace(",", " "),
    )
    assert second.warnings == ()


async def test_less_than_a_short_answer_is_no_room(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(200 * OUT))
    async with world.desk() as desk:
        blocked = await ask(desk)
        short = await ask(desk, params=Params(max_output_tokens=100))
    assert blocked.status is Status.BLOCKED
    assert blocked.error is not None
    assert "USD left, cloud/big:120b may use" in blocked.error.message
    assert any("--max-tokens" in line for line in blocked.advice)
    assert short.status is Status.COMPLETED


@pytest.mark.parametrize(
    ("at", "expected"),
    [(0.5, "Day budget: 0.006"), (0.9, None)],
)
async def test_a_warning_comes_once_a_request_from_its_mark_on(tmp_path: Path, at: float, expected: str | None) -> None:
    world = metered(tmp_path, usd(CENT, hard=False, warn_at=at))
    world.cloud.script([used(0, 3_000)])
    async with world.desk() as desk:
        outcome = await ask(desk)
        again = await ask(desk)
    assert len(outcome.warnings) == (expected is not None)
    assert all(line.startswith(expected or "") for line in outcome.warnings)
    (line,) = again.warnings
    assert line == "Day budget: 0.012 USD spent, the limit is 0.01 USD."


async def test_each_budget_warns_once_however_many_providers_were_asked(tmp_path: Path) -> None:
    world = metered(tmp_path, tokens(100, hard=False), tokens(100, hard=False, provider="local"))
    world.cloud.script([Scene(steps=["w" * 700], error=errors.ServerFailed("cloud: broken.", retries=0))])
    world.local.script([used(50, 60)])
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert outcome.target == ModelRef("local", "large:27b")
    assert [line.partition(":")[0] for line in outcome.warnings] == ["Day budget", "Day budget of provider local"]


async def test_without_budgets_nothing_is_looked_up(tmp_path: Path) -> None:
    async def forbidden(*_: object) -> tuple[object, ...]:
        raise AssertionError("asked")

    world = metered(tmp_path)
    async with world.desk() as desk:
        desk._parts.spend.standings = forbidden  # type: ignore[method-assign, assignment]
        outcome = await ask(desk)
    assert (outcome.status, outcome.warnings, outcome.cost_usd) == (Status.COMPLETED, (), "0.000013")
    assert reserved(world) == []
    assert len(booked(world)) == 1


async def test_nobody_is_told_to_wait_for_a_day_that_is_too_small_as_well(tmp_path: Path) -> None:
    world = metered(tmp_path, tokens(1))
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert outcome.status is Status.BLOCKED
    assert not any(line.startswith("Wait") for line in outcome.advice), outcome.advice


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (tokens(1, lane="chat"), "Ask in lane codegen, which does not count to the day budget of lane chat"),
        (tokens(1, provider="cloud"), "Ask local/largest, which does not count to the day budget of provider cloud"),
        (tokens(1, "conversation"), "Begin another conversation"),
        (tokens(1, "job"), "Begin another job"),
        (tokens(1), "Raise limit_tokens of the day budget"),
    ],
)
async def test_the_ways_out_fit_the_budget(tmp_path: Path, budget: object, told: str) -> None:
    world = metered(tmp_path, budget)  # type: ignore[arg-type]
    async with world.desk() as desk:
        outcome = await ask(desk, job="nightly")
    assert outcome.status is Status.BLOCKED
    assert any(line.startswith(told) for line in outcome.advice), outcome.advice
    assert all(len(line) <= 200 for line in outcome.advice)
    assert any("--model local" in line for line in outcome.advice) == (budget.provider is not None)  # type: ignore[attr-defined]
