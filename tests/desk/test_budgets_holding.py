"""Whatever becomes of an attempt, what was set aside for it is settled with what it used."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.policy import RetryRule
from llmdesk.core.types import (
    AttemptOutcome,
    Completed,
    FinishReason,
    Message,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
    ToolCall,
    Usage,
    Waiting,
)
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.budget_world import CENT, IN, OUT, booked, metered, reserved, spent, tokens, usd, used
from tests.support.desk_world import CLOUD, ENDLESS_S, ask, endless, fails, next_of, until
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.prices import Price
    from llmdesk.core.types import (
        ChatRequest,
    )
    from tests.support.desk_world import DeskWorld

HALF, WHOLE = Usage(input_tokens=7), Usage(input_tokens=7, output_tokens=9)


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return metered(tmp_path, usd(100 * CENT))


async def test_an_answer_is_booked_at_its_price_and_nothing_stays_set_aside(world: DeskWorld) -> None:
    seen: list[list[tuple[object, ...]]] = []
    world.cloud.on_request = lambda _: seen.append(reserved(world))
    world.cloud.script([used(10, 20)])
    async with world.desk() as desk:
        outcome = await ask(desk)
    ((row,),) = seen
    assert row[:2] == (outcome.request_id, 1), "it was on disk before the provider was asked"
    assert row[3] >= 8_192 * OUT
    assert reserved(world) == []
    assert booked(world) == [("cloud", "completed", 10, 20, 10 * IN + 20 * OUT, 0)]
    assert outcome.cost_usd == "0.00005"


@pytest.mark.parametrize(
    ("scene", "input_tokens", "least_output", "estimated"),
    [
        (Scene(error=errors.RateLimited("cloud: rate limited.", http_status=429)), None, None, 0),
        (Scene(error=errors.KeyRejected("cloud: key rejected.", http_status=401)), None, None, 0),
        (Scene(error=errors.ServerFailed("cloud: broken.", http_status=503, retries=0)), None, None, 0),
        (Scene(error=errors.NetworkFailed("cloud: refused.", retries=0)), None, None, 0),
        (Scene(error=errors.ModelRefused("cloud: filtered.", http_status=400)), None, None, 0),
        (Scene(error=errors.ModelRefused("cloud: declined.")), 5, 0, 1),
        (Scene(error=errors.NoAnswer("cloud: no answer for 60 s.", retries=0)), 5, 0, 1),
        (Scene(steps=["some words"], error=errors.ServerFailed("cloud: broken.", retries=0)), 5, 3, 1),
        (Scene(steps=[ReasoningDelta("thoughts " * 9)], error=errors.ServerFailed("cloud: x.", retries=0)), 5, 20, 1),
        (
            Scene(steps=[ToolCall(name="f", arguments={"a": "b" * 70})], error=errors.ServerFailed("x", retries=0)),
            5,
            20,
            1,
        ),
        (Scene(error=errors.AnswerCut("cloud: cut.", retries=0, usage=HALF)), 7, 0, 1),
        (
            Scene(error=errors.AnswerCut("cloud: cut.", retries=0, usage=Usage(input_tokens=7, output_tokens=9))),
            7,
            9,
            0,
        ),
    ],
)
async def test_a_failure_books_what_the_target_had_used(
    world: DeskWorld, scene: Scene, input_tokens: int | None, least_output: int | None, estimated: int
) -> None:
    world.cloud.script([scene])
    async with world.desk() as desk:
        await ask(desk, model=CLOUD)
    ((_, _, told_in, told_out, cost, guessed),) = booked(world)
    assert (told_in, guessed) == (input_tokens, estimated)
    if least_output is None:
        assert (told_out, cost) == (None, 0)
    else:
        assert least_output <= told_out <= 2 * least_output + 8
        assert cost == told_in * IN + told_out * OUT
    assert reserved(world) == []


async def test_an_adapter_that_cannot_be_made_costs_nothing(world: DeskWorld) -> None:
    world.shelf.broken["cloud"] = errors.SetupBroken("cloud: no certificate.")
    async with world.desk() as desk:
        outcome = await ask(desk, model=CLOUD)
    assert outcome.cost_usd == "0"
    assert (reserved(world), spent(world)) == ([], 0)


async def test_a_fault_of_the_program_is_booked_too(world: DeskWorld) -> None:
    def fault(_: ChatRequest) -> None:
        raise ZeroDivisionError

    world.cloud.on_request = fault
    async with world.desk() as desk:
        outcome = await ask(desk, model=CLOUD)
    assert outcome.status is Status.PAUSED
    assert reserved(world) == []
    assert [row[:2] for row in booked(world)] == [("cloud", "failed")]


@pytest.mark.parametrize("way", ["cancel", "keep", "next", "twice", "timeout"])
async def test_a_request_that_is_stopped_in_mid_answer_costs_what_had_come(world: DeskWorld, way: str) -> None:
    world.cloud.script(endless("words " * 20))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello", timeout_s=allowed(0.5) if way == "timeout" else None))
        await next_of(aiter(run), TextDelta)
        assert len(reserved(world)) == 1
        match way:
            case "next":
                run.next_target()
            case "twice":
                run.cancel()
                await asyncio.sleep(0)
                run.cancel()
            case "cancel" | "keep":
                run.cancel(keep=way == "keep")
        outcome = await run.outcome()
    first = outcome.attempts[0]
    assert first.usage is not None
    assert first.usage.estimated
    assert first.cost_usd not in ("0", None)
    assert reserved(world) == []
    assert spent(world) == (first.usage.input_tokens or 0) * IN + (first.usage.output_tokens or 0) * OUT > 0


async def test_a_request_stopped_before_anything_was_sent_costs_nothing(world: DeskWorld) -> None:
    made = asyncio.Event()

    async def never(_: str) -> object:
        made.set()
        await asyncio.sleep(ENDLESS_S)
        raise AssertionError

    async with world.desk() as desk:
        desk._parts.router.targets.adapter = never  # type: ignore[assignment]
        run = desk.send(Ask(prompt="hello", model=CLOUD))
        await made.wait()
        assert len(reserved(world)) == 1
        run.cancel()
        outcome = await run.outcome()
    assert [(a.outcome, a.usage, a.cost_usd) for a in outcome.attempts] == [(AttemptOutcome.CANCELLED, None, "0")]
    assert (reserved(world), spent(world)) == ([], 0)


async def test_a_cancellation_while_it_is_being_set_aside_leaves_nothing(world: DeskWorld) -> None:
    async with world.desk() as desk:
        spend = desk._parts.spend
        begun, real = asyncio.Event(), spend.reserve

        async def reserve(claim: object) -> object:
            task = asyncio.ensure_future(real(claim))  # type: ignore[arg-type]
            begun.set()
            return await task

        spend.reserve = reserve  # type: ignore[method-assign, assignment]
        run = desk.send(Ask(prompt="hello", model=CLOUD))
        await begun.wait()
        run.cancel()
        outcome = await run.outcome()
        assert outcome.status is Status.CANCELLED
        assert world.cloud.requests == []
    assert (reserved(world), spent(world)) == ([], 0)


class SlowPrices:
    """Prices that are known only when the test says so."""

    def __init__(self, price: Price) -> None:
        self.known = asyncio.Event()
        self.known.set()
        self._price = price

    def begin(self, _: object) -> None:
        """Nothing has to be begun."""

    async def ready(self, _: object, *, served: str = "") -> None:
        del served
        await self.known.wait()

    def price(self, _: object, *, served: str = "", input_tokens: int = 0) -> Price | None:
        del served, input_tokens
        return self._price if self.known.is_set() else None


@pytest.mark.parametrize("way", ["cancelled", "left", "failed", "completed"])
async def test_a_cancellation_while_prices_are_looked_up_does_not_make_an_attempt_free(
    world: DeskWorld, way: str
) -> None:
    prices = SlowPrices(world.prices["cloud/big:120b"])
    cut = Scene(steps=["words"], error=errors.AnswerCut("cloud: cut.", retries=0))
    scenes = {"failed": [cut], "completed": [used(10, 20)]}
    world.cloud.script(scenes.get(way, endless("words")))
    world.cloud.on_request = lambda _: prices.known.clear()
    async with world.desk(prices=prices) as desk:
        desk._parts.router.targets.prices = prices
        run = desk.send(Ask(prompt="hello", model=CLOUD))
        await next_of(aiter(run), Completed if way == "completed" else TextDelta)
        if way == "left":
            run.next_target()
        await asyncio.sleep(0.02)
        run.cancel()
        await asyncio.sleep(0.02)
        run.cancel()
        prices.known.set()
        outcome = await run.outcome()
    ((_, _, told_in, told_out, cost, _),) = booked(world)
    assert cost == told_in * IN + told_out * OUT > 0
    assert outcome.cost_usd == outcome.attempts[0].cost_usd
    assert reserved(world) == []


async def test_every_try_and_every_repair_sets_money_aside_anew(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(100 * CENT))
    schema = {"type": "object", "required": ["a"]}
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,), schema=schema)
    world.cloud.script(
        [Scene(error=errors.ServerFailed("cloud: broken.", http_status=503)), used(5, 6, "{}"), used(7, 8, '{"a": 1}')]
    )
    seen: list[list[int]] = []
    world.cloud.on_request = lambda _: seen.append([row[1] for row in reserved(world)])
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert seen == [[1], [2], [3]]
    assert [a.cost_usd for a in outcome.attempts] == ["0", "0.000017", "0.000023"]
    assert outcome.cost_usd == "0.00004"
    assert reserved(world) == []


async def test_a_budget_of_the_request_can_forbid_the_second_try(tmp_path: Path) -> None:
    world = metered(tmp_path, tokens(600, "request"))
    world.cloud.script([Scene(steps=["words"], error=errors.AnswerCut("cloud: cut.", usage=Usage(input_tokens=400)))])
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert outcome.status is Status.BLOCKED
    assert [(a.outcome.value, a.reason) for a in outcome.attempts] == [("failed", "truncated"), ("skipped", "budget")]
    assert outcome.error is not None
    assert outcome.error.message.startswith("Request budget 600 tokens: 19")
    assert len(world.cloud.requests) == 1
    assert reserved(world) == []


async def test_a_429_whose_second_try_a_budget_forbids_still_cools_the_provider(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(100 * CENT))
    world.rules["cloud"] = replace(world.rules["cloud"], kind="openai", retries_rate=True, retry=RetryRule())
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.", http_status=429, hint_s=4.0)))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="hello", model=CLOUD))
        await next_of(aiter(run), Waiting)
        desk._parts.spend.budgets = (usd(1),)
        run.retry_now()
        outcome = await run.outcome()
        assert outcome.status is Status.BLOCKED
        assert desk._parts.cooldowns.remaining_s("cloud") > 0


async def test_two_desks_share_what_is_left(tmp_path: Path) -> None:
    world = metered(tmp_path, usd(9_000 * OUT))
    world.cloud.script(endless("words"))
    async with world.desk() as one, world.desk() as other:
        runs = [one.send(Ask(prompt="hello", model=CLOUD)), other.send(Ask(prompt="hello", model=CLOUD))]
        await until(lambda: len(world.cloud.requests) == 2)
        limits = sorted(request.params.max_output_tokens or 0 for request in world.cloud.requests)
        third = await ask(other, model=CLOUD)
        for run in runs:
            run.cancel()
            await run.outcome()
    assert limits[1] == 8_192
    assert 700 < limits[0] < 9_000 - 8_192
    assert third.status is Status.BLOCKED
    assert reserved(world) == []


async def test_nobody_who_costs_money_is_asked_where_the_budgets_cannot_be_read(world: DeskWorld) -> None:
    from llmdesk.core.errors import StorageError

    async def broken(_: object) -> object:
        raise StorageError("the disk is full.")

    async with world.desk() as desk:
        desk._parts.spend.reserve = broken  # type: ignore[method-assign, assignment]
        outcome = await ask(desk)
        alone = await ask(desk, model=CLOUD)
    assert outcome.status is Status.COMPLETED
    assert [(a.target.provider, a.reason) for a in outcome.attempts] == [("cloud", "budget"), ("local", "")]
    assert world.cloud.requests == []
    assert (alone.status, alone.error and alone.error.message) == (Status.PAUSED, "the disk is full.")


async def test_what_is_not_kept_is_booked_all_the_same(world: DeskWorld) -> None:
    world.cloud.script([used(10, 20)])
    texts = {"input": ["some text", "more text"]}
    async with world.desk() as desk:
        unkept = await ask(desk, keep=False, model=CLOUD)
        world.cloud.script([Scene(steps=[Completed(finish_reason=FinishReason.STOP, usage=Usage())])])
        vectors = await ask(desk, "", messages=(), endpoint="embed", extra=texts, targets=(CLOUD,), keep=False)
    assert (unkept.kept, vectors.status) == (False, Status.COMPLETED)
    first, second = booked(world)
    assert first == ("cloud", "completed", 10, 20, 10 * IN + 20 * OUT, 0)
    assert (second[2], second[5]) == (vectors.attempts[0].usage and vectors.attempts[0].usage.input_tokens, 1)
    assert second[2] >= 2 * 4
    assert reserved(world) == []


async def test_what_a_full_table_of_requests_does_not_take_is_booked_all_the_same(world: DeskWorld) -> None:
    world.cloud.script([used(10, 20)])
    async with world.desk() as desk:
        await desk.outbox()
        await desk._parts.database.write(
            lambda connection: connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT raise(ABORT, 'no room'); END"
            )
        )
        outcome = await ask(desk, model=CLOUD, unkept_ok=True)
    assert (outcome.status, outcome.kept) == (Status.COMPLETED, False)
    assert spent(world) == 10 * IN + 20 * OUT
    assert reserved(world) == []


async def test_a_conversation_pays_for_itself(tmp_path: Path) -> None:
    world = metered(tmp_path, tokens(1_000, "conversation"))
    world.cloud.script([used(300, 690)])
    async with world.desk() as desk:
        first = await ask(desk)
        second = await ask(desk, conversation=first.conversation)
        third = await ask(desk)
    assert [o.status for o in (first, second, third)] == [Status.COMPLETED, Status.BLOCKED, Status.COMPLETED]


async def test_a_long_history_is_estimated_as_it_is_sent(world: DeskWorld) -> None:
    history = tuple(Message(role=role, content="word " * 40) for _ in range(10) for role in (Role.USER, Role.ASSISTANT))
    world.windows["cloud/big:120b"] = 512
    world.cloud.script([Scene(error=errors.AnswerCut("cloud: cut.", retries=0))])
    async with world.desk() as desk:
        await ask(desk, "", messages=(*history, Message(role=Role.USER, content="hi")), model=CLOUD)
    ((_, _, told_in, *_),) = booked(world)
    assert told_in < 512, "what was left out costs nothing"
