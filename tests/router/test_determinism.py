"""Same conditions, same route: whatever the order of the targets and whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core import errors
from llmdesk.core.lanes import Lane
from llmdesk.core.policy import DECISIONS, Next, ProviderRules, RetryRule
from llmdesk.core.types import ModelRef, Status
from llmdesk.providers.scripted import Scene, ScriptedProvider
from tests.support.router_world import RouterWorld

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from llmdesk.core.types import Attempt, ChatRequest, ProviderEvent

FAILURES: Mapping[str, errors.ProviderError | None] = {
    "well": None,
    "rate": errors.RateLimited("x: rate limited.", http_status=429),
    "hinted": errors.RateLimited("x: rate limited.", http_status=429, hint_s=0.001),
    "quota": errors.QuotaReached("x: weekly limit reached."),
    "server": errors.ServerFailed("x: server error 503.", http_status=503),
    "net": errors.NetworkFailed("x: no route."),
    "silent": errors.NoAnswer("x: no answer."),
    "truncated": errors.AnswerCut("x: cut off."),
    "key": errors.KeyRejected("x: key rejected (401).", http_status=401),
    "plan": errors.KeyRejected("x: not in the plan (403).", http_status=403, scope="model"),
    "gone": errors.ModelGone("x: no such model.", http_status=404),
    "too long": errors.RequestRejected(
        "x: the prompt is longer than this model's context.", target_specific=True, too_long=True
    ),
    "bad request": errors.RequestRejected("x: unknown parameter."),
    "config": errors.SetupBroken("x: certificate not trusted."),
    "captive": errors.WebPageAnswered("x: got a web page."),
    "refused": errors.ModelRefused("The model declined."),
}
REFS = [ModelRef(provider, f"m{n}") for provider in ("alpha", "beta") for n in range(3)]


@dataclass(slots=True)
class ByModel(ScriptedProvider):
    """Fails by the name of the model."""

    failures: dict[str, str] = field(default_factory=dict)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        failure = FAILURES[self.failures[request.model]]
        self.scenes = [Scene(steps=["an answer"] if failure is None else [], error=failure)]
        async for event in ScriptedProvider.stream(self, request):
            yield event


def rules(name: str) -> ProviderRules:
    return ProviderRules(name=name, kind="openai", retry=RetryRule(attempts=2, delay_s=0.0), cooldown_s=60)


def walked(order: list[ModelRef], failures: dict[ModelRef, str]) -> tuple[Status, list[Attempt], list[Attempt]]:
    """The outcome of one request, its attempts, and those of the request after it."""

    async def go() -> tuple[Status, list[Attempt], list[Attempt]]:
        alpha, beta = (
            ByModel(name, failures={ref.model: kind for ref, kind in failures.items() if ref.provider == name})
            for name in ("alpha", "beta")
        )
        world = RouterWorld(rules={name: rules(name) for name in ("alpha", "beta")})
        world.lane = Lane(name="chat", targets=tuple(order))

        async def adapter(name: str) -> ScriptedProvider:
            return {"alpha": alpha, "beta": beta}[name]

        world.router.targets.adapter = adapter
        first = await world.ask()
        second = await world.ask()
        return first.status, first.attempts, second.attempts

    return asyncio.run(go())


def told(attempts: list[Attempt]) -> list[tuple[str, str, str]]:
    return [(str(a.target), a.outcome.value, a.reason) for a in attempts]


@settings(max_examples=150, deadline=None)
@given(st.permutations(REFS), st.lists(st.sampled_from(list(FAILURES)), min_size=6, max_size=6))
def test_the_same_conditions_lead_down_the_same_route(order: list[ModelRef], kinds: list[str]) -> None:
    failures = dict(zip(REFS, kinds, strict=True))
    status, first, second = walked(order, failures)
    again = walked(order, failures)
    assert (status, told(first), told(second)) == (again[0], told(again[1]), told(again[2]))
    places = [order.index(a.target) for a in first]
    assert places == sorted(places), "down the lane, never back"
    assert [a.number for a in first] == list(range(1, len(first) + 1))
    for ref in order[: places[-1]]:
        assert any(a.target == ref for a in first), "nobody is passed over without a record"
    asked = [a for a in first if a.error_kind is not None and a.outcome.value == "failed"]
    for attempt in asked[:-1]:
        assert DECISIONS[attempt.error_kind].next is not Next.NO  # type: ignore[index]
    answers = next((ref for ref in order if failures[ref] in ("well", "refused", "bad request")), None)
    if status is Status.COMPLETED:
        assert failures[first[-1].target] == "well"
    assert answers is not None or status in (Status.PAUSED, Status.FAILED)


@given(st.permutations(REFS))
@settings(max_examples=30, deadline=None)
def test_a_model_that_is_gone_leaves_its_siblings_in_the_lane(order: list[ModelRef]) -> None:
    failures = dict.fromkeys(REFS, "well") | {order[0]: "gone"}
    status, first, second = walked(order, failures)
    assert status is Status.COMPLETED
    assert told(first) == [(str(order[0]), "failed", "gone"), (str(order[1]), "completed", "")]
    assert told(second) == [(str(order[0]), "skipped", "gone"), (str(order[1]), "completed", "")]


@given(st.permutations(REFS))
@settings(max_examples=30, deadline=None)
def test_a_rejected_key_takes_its_siblings_out_and_nobody_else(order: list[ModelRef]) -> None:
    failures = {ref: "key" if ref.provider == order[0].provider else "well" for ref in REFS}
    status, first, _ = walked(order, failures)
    other = next(ref for ref in order if ref.provider != order[0].provider)
    assert status is Status.COMPLETED
    assert told(first) == [
        (str(order[0]), "failed", "auth"),
        *((str(ref), "skipped", "attention") for ref in order[1 : order.index(other)]),
        (str(other), "completed", ""),
    ]
