"""What would happen to a request, target by target, without asking anybody: the whole decision as it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.lanes import LARGEST
from llmdesk.core.views import TargetStatus
from llmdesk.router.fit import in_order, preferred
from llmdesk.router.journey import QUIET_SKIPS
from llmdesk.router.prepare import Prepared, chain_of, fitted_to
from llmdesk.router.route import Place, Unfit
from llmdesk.router.schema import takes_schema
from llmdesk.router.words import busy

if TYPE_CHECKING:
    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import Consent, SchemaWay
    from llmdesk.router.route import Route
    from llmdesk.router.targets import Resting, Targets


def decide(targets: Targets, route: Route) -> tuple[TargetStatus, ...]:
    """Every target in the order in which it would be asked, and why it would not be; nothing is sent, not even a look.

    Args:
        targets: what is known of them.
        route: the request.
    """
    first = preferred(targets, route)
    told: list[TargetStatus] = []
    behind, resting = False, targets.cooldowns.resting()
    for ref in in_order(route.lane, first).targets:
        status = _target(
            targets, route, ref, resting, preferred=ref in first, consent=_consent(route) if behind else ""
        )
        behind = behind or status.skip not in QUIET_SKIPS
        told.append(status)
    return tuple(told)


def _target(
    targets: Targets, route: Route, ref: ModelRef, resting: Resting, *, preferred: bool, consent: Consent
) -> TargetStatus:
    rules = targets.rules(ref)
    place = Place(ref, rules)
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
    return TargetStatus(
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


def _consent(route: Route) -> Consent:
    """What a target needs that follows another one (policy R16)."""
    if route.lane.failover == "never":
        return "never"
    return "needed" if route.lane.failover == "ask" and not route.consent else ""
