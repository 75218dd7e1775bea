"""What would happen to a request, target by target, without asking anybody: the whole decision as it stands now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.lanes import LARGEST
from llmdesk.core.money import to_usd
from llmdesk.core.views import TargetStatus
from llmdesk.router.fit import in_order, preferred
from llmdesk.router.journey import QUIET_SKIPS
from llmdesk.router.outlook import look_ahead
from llmdesk.router.prepare import chain_of, fitted_to
from llmdesk.router.route import Place, Unfit
from llmdesk.router.schema import takes_schema
from llmdesk.router.words import busy, over_budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.budget import Refusal
    from llmdesk.core.views import BudgetView, Consent, SchemaWay
    from llmdesk.router.outlook import Outlook
    from llmdesk.router.prepare import Prepared
    from llmdesk.router.route import Route
    from llmdesk.router.targets import Resting, Targets


def decide(
    targets: Targets, route: Route, *, budgets: Mapping[str, Sequence[BudgetView]] | None = None
) -> tuple[TargetStatus, ...]:
    """Every target in the order in which it would be asked, and why it would not be; nothing is sent, not even a look.

    Args:
        targets: what is known of them; what can be known of their prices is known.
        route: the request.
        budgets: how those stand that it counts to, by provider.
    """
    first = preferred(targets, route)
    told: list[TargetStatus] = []
    behind, resting = False, targets.cooldowns.resting()
    spent: Refusal | None = None
    for ref in in_order(route.lane, first).targets:
        place = Place(ref, targets.rules(ref))
        status, prepared = _target(
            targets, route, place, resting, preferred=ref in first, consent=_consent(route) if behind else ""
        )
        if prepared is not None:
            outlook = look_ahead(targets, route, place, prepared.request, (budgets or {}).get(ref.provider, ()))
            status = _with_outlook(status, outlook)
            if not status.skip and spent is not None and not (outlook.free and _goes_free(spent)):
                status = replace(status, skip="budget", message=over_budget(spent, place.target, now=targets.clock()))
            elif not status.skip and outlook.message:
                spent = outlook.refusal or spent
                status = replace(status, skip="budget" if outlook.refusal else "unfit", message=outlook.message)
        behind = behind or status.skip not in QUIET_SKIPS
        told.append(status)
    return tuple(told)


def _goes_free(spent: Refusal) -> bool:
    return spent.standing.budget.free_when_exhausted


def _with_outlook(status: TargetStatus, outlook: Outlook) -> TargetStatus:
    return replace(
        status,
        input_bound_tokens=outlook.input_tokens,
        output_tokens=outlook.output_tokens,
        cost_bound_usd=to_usd(outlook.nano_usd),
    )


def _target(
    targets: Targets, route: Route, place: Place, resting: Resting, *, preferred: bool, consent: Consent
) -> tuple[TargetStatus, Prepared | None]:
    ref, rules = place.ref, place.rules
    skip, message = targets.skip_reason(ref, probe=route.probe, resting=resting)
    model = targets.listed(ref)
    if ref.model == LARGEST and (listed := targets.listed_models(ref.provider)):
        place.chain = chain_of(targets, rules, listed)
        model = place.chain[0] if place.chain else None
    prepared: Prepared | None = None
    try:
        prepared = fitted_to(targets, route, place, model)
    except Unfit as unfit:
        skip, message = (skip, message) if skip else (unfit.reason, str(unfit))
    wait_s, full = 0.0, False
    if (pacer := targets.pacer(ref)) is not None and not route.probe:
        wait_s, full = pacer.wait_s(), pacer.full
        if not skip and wait_s > route.lane.max_wait_s:
            now = targets.clock()
            skip, message = "busy", busy(place, until=now + wait_s, now=now)
    schema: SchemaWay = ""
    if route.lane.schema is not None:
        schema = "native" if takes_schema(rules, place.target.model, model) else "in words"
    status = TargetStatus(
        target=ref,
        skip=skip,
        message=message,
        cooldown_until=targets.clock() + resting[ref.provider][1] if ref.provider in resting else None,
        model=place.target.model if place.chain else "",
        kind=rules.kind,
        window_tokens=prepared.window_tokens if prepared else None,
        input_tokens=route.sizes.tokens(prepared.request.messages) if prepared else None,
        left_out_turns=prepared.left_out_turns if prepared else 0,
        params=route.lane.params.over(rules.params),
        schema=schema,
        wait_s=wait_s,
        full=full,
        consent=consent,
        preferred=preferred,
    )
    return status, prepared


def _consent(route: Route) -> Consent:
    """What a target needs that follows another one (policy R16)."""
    if route.lane.failover == "never":
        return "never"
    return "needed" if route.lane.failover == "ask" and not route.consent else ""
