"""Whether an attempt can be paid for: set aside before it is sent, priced when it has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Claim, Refusal, binds, covers, input_bound
from llmdesk.core.errors import StorageError
from llmdesk.core.money import to_usd
from llmdesk.core.text import one_line
from llmdesk.router.limits import limited, wanted_answers, wanted_output
from llmdesk.router.route import Unfit
from llmdesk.router.weight import prompt_tokens, texts_of
from llmdesk.router.words import lowered, over_budget, several_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.budget import Budget
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
        Unfit: a budget forbids it, or nobody can tell what is left of one.
    """
    if targets.purse is None:
        return request
    await targets.prices.ready(place.target)
    claim = claim_of(trip.route, place.target, request, number, targets.prices)
    if not binding(targets.purse.budgets, claim):
        return request
    refuse_several(request, place.target)
    try:
        answer = await targets.purse.reserve(claim)
    except StorageError as error:
        raise Unfit(one_line(str(error)), reason="budget") from error
    if isinstance(answer, Refusal):
        message = over_budget(answer, place.target, now=targets.clock())
        raise Unfit(message, reason="budget", refusal=answer)
    if answer.lowered_by is not None and targets.first_told([f"lowered by the {answer.lowered_by.name}"]):
        trip.walk.warnings.append(lowered(answer))
    return limited(request, answer.output_tokens)


def binding(budgets: Sequence[Budget], claim: Claim) -> tuple[Budget, ...]:
    """The hard budgets out of which an attempt is paid; where there is none, it is sent as it is."""
    covering = (each for each in budgets if covers(each, claim.account, claim.target.provider))
    return tuple(each for each in covering if each.hard and binds(each, claim.price))


def refuse_several(request: ChatRequest, target: ModelRef) -> None:
    """Refuse a request for several answers: each is billed, and llmdesk reads the first one.

    Raises:
        Unfit: it is one.
    """
    name, count = wanted_answers(request)
    if count > 1:
        raise Unfit(several_answers(target, name, count))


def claim_of(route: Route, target: ModelRef, request: ChatRequest, number: int, prices: Prices) -> Claim:
    """What an attempt would have to set aside at most."""
    embeds = request.endpoint == "embed"
    estimate = prompt_tokens(request, route.sizes)
    bound = input_bound(estimate, len(texts_of(request)) if embeds else len(request.messages))
    return Claim(
        account=route.account,
        target=target,
        number=number,
        input_tokens=bound,
        output_tokens=wanted_output(request),
        answers=not embeds,
        price=prices.price(target, input_tokens=bound),
        prompt_tokens=estimate,
    )


async def free_ones(targets: Targets, refs: Sequence[ModelRef]) -> frozenset[ModelRef]:
    """Those targets that cost nothing, so that they may be asked when the money is gone."""
    for ref in refs:
        await targets.prices.ready(ref)
    return frozenset(ref for ref in refs if (price := targets.prices.price(ref)) is not None and price.free)


def unpriced(attempt: Attempt) -> Attempt:
    """An attempt whose price nobody has asked for yet; one that used nothing costs nothing."""
    return replace(attempt, cost_usd="0" if attempt.usage is None else None)


async def priced(prices: Prices, attempt: Attempt) -> Attempt:
    """An attempt with what it cost at the model that served it; it stays ``None`` where nobody knows the price."""
    usage = attempt.usage
    if usage is None or attempt.cost_usd is not None:
        return attempt
    served = attempt.served_model
    await prices.ready(attempt.target, served=served)
    price = prices.price(attempt.target, served=served, input_tokens=usage.input_tokens or 0)
    return attempt if price is None else replace(attempt, cost_usd=to_usd(price.cost_nano_usd(usage)))
