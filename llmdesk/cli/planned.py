"""``exec --dry-run``: what a request would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.report import params_report, plan_report
from llmdesk.cli.times import clock

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.core.views import Plan, TargetStatus


def show_plan(session: Session, plan: Plan) -> None:
    """Print the route, the estimate and the parameters; one JSON object with ``--json``."""
    out = session.out
    if session.json:
        out.record(plan_report(plan))
        return
    out.line(f"lane: {plan.lane} (failover: {plan.failover})")
    for number, target in enumerate(plan.targets, start=1):
        out.line(f"target {number}: {target.target} {target_note(target, session.now())}".rstrip())
    out.line(f"estimate: {plan.input_tokens} input tokens")
    params = ", ".join(f"{name}={value}" for name, value in params_report(plan.params).items())
    out.line(f"params: {params or 'the defaults of each model'}")
    if plan.system:
        out.line(f"system: {len(plan.system)} characters")
    out.line("Nothing was sent.")


def target_note(target: TargetStatus, now: float) -> str:
    """Why a target would not be asked, or what is known of it."""
    if target.skip:
        reason, until = target.message.rstrip(".") or target.skip, ""
        if target.cooldown_until is not None:
            when = clock(target.cooldown_until, now)
            until = "" if when[:5] in reason else f" until {when}"  # most messages tell it themselves
        return f"(skipped: {reason}{until})"
    return f"({target.message})" if target.message else ""
