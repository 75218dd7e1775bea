"""What an attempt may cost, and what the budgets would say to it now, without setting anything aside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Refusal, Standing, decide
from llmdesk.core.values import dataclass
from llmdesk.router.afford import binding, claim_of, refuse_several
from llmdesk.router.route import Unfit
from llmdesk.router.words import over_budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.budget import Claim
    from llmdesk.core.types import ChatRequest
    from llmdesk.core.views import BudgetView
    from llmdesk.router.route import Place, Route
    from llmdesk.router.targets import Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The most an attempt can take: tokens of its prompt, the limit of its answer, nano-dollars.

    ``output_tokens`` ``None`` = no limit is sent, or none is needed; ``nano_usd`` ``None`` = nobody knows the price, or
    no limit bounds it. ``message`` says why it would not be made, empty = it would; ``refusal``: because of a budget.
    """

    input_tokens: int
    output_tokens: int | None = None
    nano_usd: int | None = None
    free: bool = False
    refusal: Refusal | None = None
    message: str = ""


def look_ahead(
    targets: Targets, route: Route, place: Place, request: ChatRequest, budgets: Sequence[BudgetView]
) -> Outlook:
    """What would be sent to the target at ``place``, as far as it costs anything.

    Args:
        targets: what is known of them.
        route: the request.
        place: the target.
        request: what would be sent there.
        budgets: how those stand that it counts to.
    """
    claim = claim_of(route, place.target, request, route.first_number, targets.prices)
    if not binding([view.budget for view in budgets], claim):
        return _bounded(claim, claim.output_tokens)
    try:
        refuse_several(request, place.target)
    except Unfit as unfit:
        return replace(_bounded(claim, None), nano_usd=None, message=str(unfit))
    answer = decide(claim, [_standing(view) for view in budgets])
    if isinstance(answer, Refusal):
        resets = {view.budget: view.resets_at for view in budgets}
        answer = replace(answer, resets_at=resets.get(answer.standing.budget))
        message = over_budget(answer, place.target, now=targets.clock())
        return replace(_bounded(claim, claim.output_tokens), refusal=answer, message=message)
    return _bounded(claim, answer.output_tokens)


def _bounded(claim: Claim, output_tokens: int | None) -> Outlook:
    price = claim.price
    nano_usd: int | None = None
    if price is not None and price.free:
        nano_usd = 0
    elif price is not None and (output_tokens is not None or not claim.answers):
        nano_usd = price.bound_nano_usd(claim.input_tokens, output_tokens or 0)
    return Outlook(
        input_tokens=claim.input_tokens,
        output_tokens=output_tokens if claim.answers else None,
        nano_usd=nano_usd,
        free=price is not None and price.free,
    )


def _standing(view: BudgetView) -> Standing:
    return Standing(
        budget=view.budget, period=view.period or "", spent=view.spent, reserved=view.reserved, unknown=view.unknown
    )
