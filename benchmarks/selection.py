"""Choosing the target in a lane, from handing a request to the router until the first target is asked.

Measured is the order of the lane, why targets are passed over, what fits (window, images, schema), parameters, the
request as it would be sent. Once the first target of the lane is asked; once all but the last are passed over, for
three reasons in turn. The cooldown file is a real one; what a desk writes down for a skipped target is not part of it,
as that is the disk's time.

LiteLLM's Router chooses among as many deployments, of which every one could be asked.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from benchmarks.apparatus.routing import routed
from benchmarks.apparatus.turns import nearest_rank, turns
from benchmarks.judging.samples import Sample
from llmdesk.core.lanes import Lane as RoutedLane
from llmdesk.core.policy import ProviderRules, RateLimit
from llmdesk.core.types import AttemptOutcome, Message, ModelRef, Params, Role
from llmdesk.prices import PriceBook
from llmdesk.router import Controls, Route, Router, Targets, Walk
from llmdesk.storage.cooldowns import CooldownFile

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from benchmarks.apparatus.told import Told
    from benchmarks.judging.samples import Failure
    from llmdesk.core.types import Attempt, ChatRequest, Json, ProviderEvent
    from llmdesk.providers.base import Provider

WARM_UP = 200


class Asked(Exception):
    """The first target is being asked; the clock stops here."""


class Finish:
    """A provider that notes when it is asked."""

    def __init__(self) -> None:
        self.at_ns = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        self.at_ns = time.perf_counter_ns()
        raise Asked
        yield


async def check(text: str, schema: Json) -> tuple[object | None, tuple[str, ...]]:
    raise AssertionError("nothing is answered here")


async def keep(attempt: Attempt) -> None:
    """What a desk would write down."""


def conversation() -> tuple[Message, ...]:
    """Forty messages of two hundred characters, as a talk of an hour has them."""
    roles = (Role.USER, Role.ASSISTANT)
    talk = [Message(role=roles[n % 2], content=f"{n} " + "words and words " * 12) for n in range(39)]
    return (Message(role=Role.SYSTEM, content="Be brief."), *talk, Message(role=Role.USER, content="And now?"))


class Lane:
    """A lane of so many targets, whose first ones are passed over; or none is, and the first one is asked."""

    def __init__(self, folder: Path, targets: int, *, passed_over: bool = True) -> None:
        folder.mkdir()
        cooldowns = CooldownFile(folder / "llm_state.json", on_warning=print)
        last = targets - 1 if passed_over else 0
        for at in range(0, last, 3):
            cooldowns.cool(f"p{at}", "rate", f"p{at}: rate limited", 3_600)
        refs = tuple(ModelRef(f"p{at}", f"model-{at}") for at in range(targets))
        rules = {
            ref.provider: ProviderRules(
                name=ref.provider, kind="openai", params=Params(temperature=0.2, top_p=0.9), native_schema=at % 2 == 0,
                rate_limit=RateLimit(requests_per_minute=1_000_000, parallel=1000),
                disabled=f"{ref.provider}: no key." if at % 3 == 2 and at < last else "",
            )
            for at, ref in enumerate(refs)
        }  # fmt: skip
        windows = {str(ref): 8 if at % 3 == 1 and at < last else 128_000 for at, ref in enumerate(refs)}
        self._finish = Finish()
        prices = PriceBook({}, {})
        known = Targets(adapter=self._adapter, rules=rules, cooldowns=cooldowns, prices=prices, windows=windows)
        self._router = Router(known, check=check)
        lane = RoutedLane(name="bench", targets=refs, params=Params(seed=7))
        self._route = Route(lane=lane, messages=conversation())
        self._passed_over = last

    async def _adapter(self, name: str) -> Provider:
        return cast("Provider", self._finish)

    async def choose(self) -> float:
        """Milliseconds until a target is asked."""
        walk = Walk()
        begun = time.perf_counter_ns()
        with suppress(Asked):
            await self._router.run(self._route, walk, sink=lambda event: None, record=keep, controls=Controls())
        skipped = sum(attempt.outcome is AttemptOutcome.SKIPPED for attempt in walk.attempts)
        assert skipped == self._passed_over, walk.attempts
        return (self._finish.at_ns - begun) / 1e6


async def choices(lane: Lane, count: int) -> list[float]:
    """Milliseconds of so many choices, after some that warm up."""
    gc.collect()
    times = [await lane.choose() for _ in range(count + WARM_UP)]
    return times[WARM_UP:]


def measure(told: Told) -> Iterator[Sample | Failure]:
    """Median and p99 of each round, for each length of a lane."""
    sizes = told.sizes(3, 10, 30, quick=(3, 10))
    lanes = {("selection", targets): Lane(told.folder / str(targets), targets) for targets in sizes}
    lanes |= {
        ("selection first", targets): Lane(told.folder / f"first of {targets}", targets, passed_over=False)
        for targets in sizes
    }
    for counts, (figure, targets) in turns(told.rounds, list(lanes)):
        times = asyncio.run(choices(lanes[figure, targets], told.count(5_000, 200)))
        if counts:
            yield Sample(figure=figure, value=statistics.median(times), size=targets)
            yield Sample(figure=f"{figure} p99", value=nearest_rank(times, 0.99), size=targets)
    for targets in sizes:
        yield from routed(told, "selection", targets, "choose", str(targets), str(told.count(1_000, 20)))
