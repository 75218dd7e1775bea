"""Whatever is asked, by how many, with what luck: a hard limit is never passed by answers that keep to theirs."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmdesk.core import errors
from llmdesk.core.budget import Budget, input_bound
from llmdesk.core.lanes import Lane, estimate_tokens
from llmdesk.core.prices import Price
from llmdesk.core.types import Completed, FinishReason, Message, ModelRef, Params, Role, Usage
from llmdesk.providers.scripted import Scene
from tests.support.budget_world import metered, reserved
from tests.support.desk_world import CLOUD, LARGE, LOCAL, ask

if TYPE_CHECKING:
    from llmdesk.core.types import ChatRequest
    from tests.support.desk_world import DeskWorld, ObservedProvider

PROVIDERS = ("cloud", "local")

scopes = st.sampled_from(["request", "conversation", "job", "day", "month"])
budgets = st.lists(
    st.one_of(
        st.builds(
            Budget, scope=scopes, unit=st.just("usd"), limit=st.integers(0, 40_000_000),
            lane=st.sampled_from([None, "chat", "codegen"]), provider=st.sampled_from([None, *PROVIDERS]),
            free_when_exhausted=st.booleans(),
        ),
        st.builds(
            Budget, scope=scopes, unit=st.just("tokens"), limit=st.integers(0, 30_000),
            lane=st.sampled_from([None, "chat"]), provider=st.sampled_from([None, *PROVIDERS]),
        ),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
rates = st.decimals(Decimal("0.000001"), Decimal(20), places=6)
prices = st.builds(
    Price,
    input_usd_per_mtok=rates,
    output_usd_per_mtok=rates,
    cached_input_usd_per_mtok=st.one_of(st.none(), rates),
    per_request_usd=st.sampled_from([Decimal(0), Decimal("0.0003")]),
)
answers = st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["whole", "whole", "cut", "silent", "busy"]))
asks = st.tuples(
    st.sampled_from(["chat", "codegen"]),
    st.sampled_from([None, 100, 3_000]),
    st.text(st.sampled_from("ab 漢"), min_size=1, max_size=200).filter(str.strip),
)


def play(provider: ObservedProvider, luck: list[tuple[float, float, str]]) -> None:
    """Answer each request with a share of what it may use at most."""
    turn = iter(luck * 50)

    def scene(request: ChatRequest) -> None:
        read, said, fate = next(turn)
        bound = input_bound(estimate_tokens(request.messages), len(request.messages))
        limit = request.params.max_output_tokens
        usage = Usage(input_tokens=round(read * bound), output_tokens=round(said * (5_000 if limit is None else limit)))
        match fate:
            case "whole":
                done = Completed(finish_reason=FinishReason.STOP, usage=usage)
                provider.script([Scene(steps=["an answer", done])])
            case "cut":
                provider.script([Scene(error=errors.AnswerCut("cut.", usage=usage))])
            case "silent":
                provider.script([Scene(error=errors.NoAnswer("nothing."))])
            case _:
                provider.script([Scene(error=errors.ServerFailed("busy.", http_status=503))])

    provider.on_request = scene


async def campaign(world: DeskWorld, requests: list[tuple[str, int | None, str]]) -> None:
    async with world.desk() as one, world.desk() as other:
        conversation = (await ask(one, requests[0][2], lane="chat")).conversation
        await asyncio.gather(*(
            ask(
                desk, prompt, lane=lane, params=Params(max_output_tokens=limit), job="j" if limit else None,
                conversation=conversation if limit is None else None,
            )
            for (lane, limit, prompt), desk in zip(requests, [one, other] * len(requests), strict=False)
        ))  # fmt: skip


TOKENS = "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"
KEYS = {"request": "request", "conversation": "conversation", "job": "job", "day": "day", "month": "substr(day, 1, 7)"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    limits=budgets, price=prices, other=prices, free=st.booleans(), turned=st.booleans(),
    luck=st.lists(answers, min_size=1, max_size=8), requests=st.lists(asks, min_size=2, max_size=6),
)  # fmt: skip
def test_no_hard_limit_is_ever_passed(
    limits: list[Budget],
    price: Price,
    other: Price,
    free: bool,
    turned: bool,
    luck: list[tuple[float, float, str]],
    requests: list[tuple[str, int | None, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = metered(Path(folder), *limits, price=price)
        world.rules["local"] = replace(world.rules["local"], free=free)
        if not free:
            world.prices |= {str(LARGE): other, str(ModelRef("local", "small:4b")): other, str(LOCAL): other}
        order = (LOCAL, CLOUD) if turned else (CLOUD, LOCAL)
        world.lanes = {name: Lane(name=name, targets=order) for name in ("chat", "codegen")}
        for provider in (world.cloud, world.local):
            play(provider, luck)
        asyncio.run(campaign(world, requests))
        assert reserved(world) == []
        for limit in limits:
            amount = (
                "cost_nano_usd" if limit.unit == "usd" else "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"
            )
            key = KEYS[limit.scope]
            rows = world.rows(
                f"SELECT {key}, sum({amount}) FROM attempts WHERE {key} IS NOT NULL "
                "AND lane LIKE ? AND provider LIKE ? GROUP BY 1",
                limit.lane or "%",
                limit.provider or "%",
            )
            assert all((used or 0) <= limit.limit for _, used in rows), (limit, rows)


def test_the_bound_of_a_prompt_is_above_its_estimate() -> None:
    messages = [Message(role=Role.USER, content="word " * 100)]
    assert input_bound(estimate_tokens(messages), 1) >= 1.5 * estimate_tokens(messages)
