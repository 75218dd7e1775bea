"""Whether an attempt can be paid for: set aside before it is sent, priced when it has ended."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Claim, Refusal, input_bound
from llmdesk.core.lanes import CHARS_PER_TOKEN
from llmdesk.core.money import to_usd
from llmdesk.router.route import Unfit
from llmdesk.router.words import lowered, over_budget

if TYPE_CHECKING:
    from llmdesk.core.prices import Price
    from llmdesk.core.types import Attempt, ChatRequest, ModelRef
    from llmdesk.router.route import Place, Route, Trip
    from llmdesk.router.targets import Prices, Targets


async def afford(targets: Targets, trip: Trip, place: Place, request: ChatRequest, number: int) -> ChatRequest:
    """Set aside what an attempt may cost; returns the request with the limit that its answer then has.

    Args:
        targets: what is known of them, their prices and the budgets.
        trip: the request on its way.
        place: the target.
        request: what would be sent.
        number: the attempt's.

    Raises:
        Unfit: a budget forbids it.
        StorageError: nobody can tell what is left.
    """
    if targets.purse is None:
        return request
    await targets.prices.ready(place.target)
    claim = claim_of(trip.route, place.target, request, number, targets.prices)
    answer = await targets.purse.reserve(claim)
    if isinstance(answer, Refusal):
        budget = answer.standing.budget
        message = over_budget(answer, place.target, now=targets.clock())
        raise Unfit(message, reason="budget", only_free=budget.free_when_exhausted)
    if answer.lowered_by is not None:
        trip.walk.warnings += targets.first_told([lowered(answer)])
    if answer.output_tokens == request.params.max_output_tokens:
        return request
    return replace(request, params=replace(request.params, max_output_tokens=answer.output_tokens))


def claim_of(route: Route, target: ModelRef, request: ChatRequest, number: int, prices: Prices) -> Claim:
    """What an attempt would have to set aside at most."""
    bound = input_bound(_estimate(route, request), len(request.messages))
    return Claim(
        account=route.account,
        target=target,
        number=number,
        input_tokens=bound,
        output_tokens=request.params.max_output_tokens,
        answers=request.endpoint != "embed",
        price=prices.price(target, input_tokens=bound),
    )


def _estimate(route: Route, request: ChatRequest) -> int:
    """The tokens of everything that is sent: messages, and the schema and tools that go with them."""
    beside = [part for part in (request.format, request.tools) if part]
    letters = sum(len(json.dumps(part, default=str)) for part in beside)
    return route.sizes.tokens(request.messages) + round(letters / CHARS_PER_TOKEN)


async def is_free(targets: Targets, ref: ModelRef) -> bool:
    """Whether a target costs nothing, so that it may be asked when the money is gone."""
    await targets.prices.ready(ref)
    price = targets.prices.price(ref)
    return price is not None and price.free


async def priced(prices: Prices, attempt: Attempt) -> Attempt:
    """An attempt with what it cost at the model that served it; one that used nothing costs nothing."""
    usage = attempt.usage
    if usage is None:
        return replace(attempt, cost_usd="0")
    await prices.ready(attempt.target, served=attempt.served_model)
    price: Price | None = prices.price(
        attempt.target, served=attempt.served_model, input_tokens=usage.input_tokens or 0
    )
    return replace(attempt, cost_usd=to_usd(price.cost_nano_usd(usage)) if price is not None else None)
