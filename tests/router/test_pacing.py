"""The user's own limits on how fast a provider is asked: never exceeded, first come first served, never a trap."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core import errors
from llmdesk.core.lanes import Lane
from llmdesk.core.policy import RateLimit, RetryRule
from llmdesk.core.types import AttemptFailed, AttemptStarted, FailedOver, Status, Waiting
from llmdesk.providers.scripted import Scene, ScriptedProvider
from llmdesk.router import Wish
from llmdesk.router.pacing import Pacer
from tests.support.router_world import CLOUD, RouterWorld, failing, story
from tests.support.virtual_time import now, run_virtually

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from llmdesk.core.types import ChatRequest, ProviderEvent

ALONE = Lane(name="chat", targets=(CLOUD,), max_wait_s=3_600.0)


@dataclass(slots=True)
class Counting(ScriptedProvider):
    """Knows when each request began, and how many were under way at once."""

    begun: list[float] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        self.begun.append(now())
        self.order.append(request.messages[-1].content)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        events = ScriptedProvider.stream(self, request)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()
            self.under_way -= 1


def paced(*, lane: Lane = ALONE, scenes: list[Scene] | None = None, **limit: float | None) -> RouterWorld:
    """A world in virtual time whose cloud may only be asked so fast."""
    world = RouterWorld(cloud=Counting("cloud", scenes=scenes or []), lane=lane, elapsed=now)
    world.rules["cloud"] = replace(world.rules["cloud"], rate_limit=RateLimit(**limit))  # type: ignore[arg-type]
    return world


def asked(world: RouterWorld) -> Counting:
    assert isinstance(world.cloud, Counting)
    return world.cloud


async def until(world: RouterWorld, kind: type, count: int = 1) -> None:
    while sum(isinstance(event, kind) for event in world.events) < count:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


def waits(world: RouterWorld) -> list[Waiting]:
    return [event for event in world.events if isinstance(event, Waiting)]


def assert_kept(begun: list[float], count: int, window_s: float = 60.0) -> None:
    """No ``count`` + 1 requests begin within less than a window."""
    for first, beyond in zip(begun, begun[count:], strict=False):
        assert beyond >= first + window_s


# --- never more than allowed ---


@settings(max_examples=40, deadline=None)
@given(
    rate=st.none() | st.integers(1, 6),
    parallel=st.none() | st.integers(1, 4),
    arrivals=st.lists(
        st.tuples(st.floats(0, 90), st.floats(0, 40), st.sampled_from(["well", "503", "cut", "leave"])), max_size=14
    ),
)
def test_whatever_comes_and_goes_no_limit_is_exceeded(
    rate: int | None, parallel: int | None, arrivals: list[tuple[float, float, str]]
) -> None:
    async def go() -> None:
        world = paced(requests_per_minute=rate, parallel=parallel)
        lasting = iter([lasts for _, lasts, _ in arrivals] * 4)
        kinds = {"503": errors.ServerFailed("cloud: server error 503."), "cut": errors.AnswerCut("cloud: cut off.")}

        async def one(at: float, lasts: float, kind: str) -> None:
            await asyncio.sleep(at)
            world.cloud.scenes = [Scene(steps=[next(lasting, lasts)], error=kinds.get(kind))]
            task = asyncio.create_task(world.ask())
            if kind == "leave":
                await asyncio.sleep(lasts / 2)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*(one(*arrival) for arrival in arrivals))
        cloud = asked(world)
        assert cloud.under_way == 0
        assert cloud.most <= (parallel or len(arrivals))
        if rate:
            assert_kept(cloud.begun, rate)
        pacer = world.router.targets.pacer(CLOUD)
        if pacer is not None:
            assert pacer.running == 0, "every place was given back"
            assert round(pacer.wait_s(), 6) <= 60.0, "nobody is left in the line"

    run_virtually(go())


@pytest.mark.parametrize(
    ("rate", "count", "window_s"), [(0.5, 1, 120.0), (1, 1, 60.0), (2.9, 2, 60.0), (1_000_000, 1_000_000, 60.0)]
)
def test_a_rate_that_is_no_whole_number_is_kept_too(rate: float, count: int, window_s: float) -> None:
    at = 0.0
    pacer = Pacer(RateLimit(requests_per_minute=rate), lambda: at)
    begun = []
    for _ in range(6):
        turn = pacer.join(lambda: None)
        at += turn.wait_s
        assert turn.begin()
        begun.append(at)
    assert_kept(begun, count, window_s)
    assert begun[-1] == pytest.approx((5 // count) * window_s)


def test_retries_and_repairs_count_as_requests() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=2, scenes=failing(errors.ServerFailed("cloud: server error 503.")))
        walk = await world.ask()
        assert len(walk.attempts) == 3
        assert asked(world).begun == [0.0, 0.0, 60.0]
        repaired = paced(requests_per_minute=1, lane=replace(ALONE, schema={"type": "object"}))
        repaired.checks = [(None, ("$.a is missing",)), ({}, ())]
        assert (await repaired.ask()).status is Status.COMPLETED
        assert asked(repaired).begun == [60.0, 120.0]

    run_virtually(go())


def test_time_in_the_line_is_no_time_of_the_attempt() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1, scenes=[Scene(steps=[2.0, "late"])])
        await world.ask()
        walk = await world.ask()
        assert walk.attempts[0].elapsed_s == pytest.approx(2.0)

    run_virtually(go())


def test_the_first_to_come_is_the_first_to_be_asked() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=3, parallel=2, scenes=[Scene(steps=[7.0, "ok"])])
        names = [f"n{number}" for number in range(9)]
        await asyncio.gather(*(world.ask(name) for name in names))
        assert asked(world).order == names
        assert asked(world).most == 2
        assert_kept(asked(world).begun, 3)

    run_virtually(go())


def test_a_place_is_held_until_what_the_attempt_led_to_is_on_disk() -> None:
    async def go() -> None:
        world = paced(parallel=1, scenes=[Scene(steps=[1.0], error=errors.RateLimited("cloud: rate limited."))])
        first, second = await asyncio.gather(world.ask("first"), world.ask("second"))
        assert story(first) == [("cloud/big:120b", "failed", "rate")]
        assert story(second) == [("cloud/big:120b", "skipped", "cooling")]
        assert len(world.cloud.requests) == 1

    run_virtually(go())


# --- what is shown ---


def test_a_wait_for_the_rate_tells_until_when() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1)
        await world.ask()
        world.events.clear()
        assert (await world.ask()).status is Status.COMPLETED
        (wait,) = waits(world)
        assert (wait.target, wait.reason, wait.until) == (CLOUD, "rate limit", world.book.now + 60)
        kinds = [type(event) for event in world.events]
        assert kinds.index(Waiting) < kinds.index(AttemptStarted)

    run_virtually(go())


def test_a_wait_for_a_place_tells_that_nobody_knows_until_when() -> None:
    async def go() -> None:
        world = paced(parallel=1, scenes=[Scene(steps=[20.0, "ok"])])
        await asyncio.gather(world.ask(), world.ask())
        (wait,) = waits(world)
        assert wait.until is None

    run_virtually(go())


# --- when it takes too long ---


def test_a_wait_known_to_be_too_long_is_not_begun_and_the_next_target_answers() -> None:
    async def go() -> None:
        lane = RouterWorld().lane
        world = paced(requests_per_minute=1, lane=replace(lane, max_wait_s=30.0))
        await world.ask()
        world.events.clear()
        walk = await world.ask()
        assert story(walk) == [("cloud/big:120b", "skipped", "busy"), ("local/large:27b", "completed", "")]
        assert now() == 0.0
        assert waits(world) == []
        assert "rate_limit of 1 requests a minute" in walk.attempts[0].message
        assert [step.reason for step in walk.failovers] == ["busy"]
        assert world.recorded[-1].reason == "busy"

    run_virtually(go())


def test_a_wait_that_becomes_too_long_is_given_up_and_the_next_target_answers() -> None:
    async def go() -> None:
        lane = RouterWorld().lane
        world = paced(parallel=1, lane=replace(lane, max_wait_s=30.0), scenes=[Scene(steps=[100.0, "ok"])])
        first = asyncio.create_task(world.ask())
        await until(world, AttemptStarted)
        walk = await world.ask()
        assert story(walk) == [("cloud/big:120b", "skipped", "busy"), ("local/large:27b", "completed", "")]
        assert now() == 30.0
        assert "busy with 1 requests" in walk.attempts[0].message
        assert (await first).status is Status.COMPLETED

    run_virtually(go())


@pytest.mark.parametrize(("limit", "waited_s", "back_s"), [("requests_per_minute", 0, 60), ("parallel", 30, 90)])
def test_with_nobody_else_to_ask_the_request_pauses_and_says_when_to_try_again(
    limit: str, waited_s: float, back_s: float
) -> None:
    async def go() -> None:
        world = paced(lane=replace(ALONE, max_wait_s=30.0), scenes=[Scene(steps=[500.0, "ok"])], **{limit: 1})
        world.clock = lambda: world.book.now + now()
        first = asyncio.create_task(world.ask())
        await until(world, AttemptStarted)
        walk = await world.ask()
        assert now() == waited_s
        assert (walk.status, walk.next_try_at) == (Status.PAUSED, world.book.now + back_s)
        assert walk.error is not None
        assert walk.error.kind is errors.ErrorKind.RATE
        assert "cloud" in walk.error.message
        await first

    run_virtually(go())


@pytest.mark.parametrize("failover", ["ask", "never"])
def test_a_busy_target_is_left_only_as_the_lane_allows(failover: str) -> None:
    async def go() -> None:
        lane = replace(RouterWorld().lane, max_wait_s=5.0, failover=failover)  # type: ignore[arg-type]
        world = paced(requests_per_minute=1, lane=lane)
        await world.ask()
        task = asyncio.create_task(world.ask())
        if failover == "ask":
            while world.controls is None or world.controls._waiter is None:
                await asyncio.sleep(0)
            world.controls.say(Wish.STAY)
        walk = await task
        assert (walk.status, walk.next_try_at) == (Status.PAUSED, world.book.now + 60)
        assert world.local.requests == []

    run_virtually(go())


def test_a_limited_provider_whose_retry_finds_no_place_cools_all_the_same() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1, lane=replace(ALONE, max_wait_s=30.0))
        world.rules["cloud"] = replace(world.rules["cloud"], retries_rate=True, cooldown_s=60)
        world.cloud.script(failing(errors.RateLimited("cloud: rate limited.", hint_s=1.0)))
        walk = await world.ask()
        assert story(walk) == [("cloud/big:120b", "failed", "rate"), ("cloud/big:120b", "skipped", "busy")]
        assert world.book.log == ["cool cloud"]

    run_virtually(go())


# --- the ways out ---


def test_whoever_leaves_the_line_gives_the_place_to_the_next() -> None:
    async def go() -> None:
        world = paced(parallel=1, scenes=[Scene(steps=[10.0, "ok"])])
        tasks = [asyncio.create_task(world.ask(name)) for name in ("a", "b", "c")]
        await until(world, Waiting, 2)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert tasks[1].cancelled()
        assert asked(world).order == ["a", "c"]
        assert now() == 20.0

    run_virtually(go())


def test_a_request_stopped_in_the_line_leaves_no_attempt_behind() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1)
        await world.ask()
        recorded = list(world.recorded)
        task = asyncio.create_task(world.ask())
        await until(world, Waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert world.recorded == recorded
        assert now() == 0.0
        assert (await world.ask()).status is Status.COMPLETED
        assert asked(world).begun == [0.0, 60.0]

    run_virtually(go())


def test_next_target_leaves_the_line_at_once() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1, lane=replace(RouterWorld().lane, max_wait_s=60.0))
        await world.ask()
        task = asyncio.create_task(world.ask())
        await until(world, Waiting)
        assert world.controls is not None
        world.controls.say(Wish.NEXT)
        walk = await task
        assert story(walk) == [("cloud/big:120b", "skipped", "next"), ("local/large:27b", "completed", "")]
        assert now() == 0.0
        assert any(isinstance(event, FailedOver) for event in world.events)

    run_virtually(go())


def test_retry_now_does_not_break_the_users_own_limit() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1)
        await world.ask()
        task = asyncio.create_task(world.ask())
        await until(world, Waiting)
        assert world.controls is not None
        for _ in range(3):
            world.controls.say(Wish.RETRY)
            await asyncio.sleep(0)
        await task
        assert asked(world).begun == [0.0, 60.0]

    run_virtually(go())


def test_a_probe_goes_ahead_of_the_line_and_counts() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1)
        await world.ask()
        waiting = asyncio.create_task(world.ask("waits"))
        await until(world, Waiting)
        await asyncio.sleep(30)
        await world.ask("probe", probe=True)
        await waiting
        assert asked(world).order == ["hello", "probe", "waits"]
        assert asked(world).begun == [0.0, 30.0, 90.0]

    run_virtually(go())


def test_a_line_before_a_provider_that_begins_to_rest_breaks_up_at_once() -> None:
    async def go() -> None:
        world = paced(
            requests_per_minute=2,
            lane=replace(RouterWorld().lane, max_wait_s=120.0),
            scenes=[Scene(steps=["ok"]), Scene(steps=[5.0], error=errors.RateLimited("cloud: rate limited."))],
        )
        await world.ask()
        walks = await asyncio.gather(*(world.ask(name) for name in "abcd"))
        assert [walk.status for walk in walks] == [Status.COMPLETED] * 4
        assert [story(walk)[0][2] for walk in walks] == ["rate", "cooling", "cooling", "cooling"]
        assert now() == 5.0

    run_virtually(go())


def test_what_was_never_sent_does_not_count() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1, scenes=[Scene(steps=["ok"])])
        broken = [errors.SetupBroken("cloud: certificate not trusted.")]
        make = world.router.targets.adapter

        async def adapter(name: str) -> ScriptedProvider:
            if broken:
                raise broken.pop()
            return await make(name)  # type: ignore[return-value]

        world.router.targets.adapter = adapter
        assert (await world.ask()).status is Status.PAUSED
        assert (await world.ask()).status is Status.COMPLETED
        assert now() == 0.0

    run_virtually(go())


def test_a_retry_delay_and_a_wait_for_a_turn_are_one_after_the_other() -> None:
    async def go() -> None:
        world = paced(requests_per_minute=1)
        world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=2, delay_s=5.0))
        world.cloud.script([Scene(error=errors.ServerFailed("cloud: server error 503.")), Scene(steps=["ok"])])
        assert (await world.ask()).status is Status.COMPLETED
        assert asked(world).begun == [0.0, 60.0]
        assert [wait.reason for wait in waits(world)] == ["server", "rate limit"]
        assert sum(isinstance(event, AttemptFailed) for event in world.events) == 1

    run_virtually(go())
