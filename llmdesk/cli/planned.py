"""``exec --dry-run``: what a request would do, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.amounts import whole
from llmdesk.cli.plan_report import params_report, plan_report, small_prompt_words
from llmdesk.cli.times import clock
from llmdesk.core.money import shown_usd, to_nano_usd

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.core.types import Params
    from llmdesk.core.views import BudgetView, Plan, TargetStatus


def show_plan(session: Session, plan: Plan) -> None:
    """Print the whole decision; one JSON object with ``--json``."""
    out = session.out
    if session.json:
        out.record(plan_report(plan))
        return
    why = f", {plan.why}" if plan.why else ""
    out.line(f"lane: {plan.lane} (failover: {plan.failover}, resume: {plan.resume}{why})")
    out.line(f"small prompts: {small_prompt_words(plan)}")
    for number, target in enumerate(plan.targets, start=1):
        out.line(f"target {number}: {target.target} {target_note(target, session.now())}".rstrip())
        for line in _target_lines(plan, target):
            out.line(f"  {line}")
    out.line(f"estimate: {whole(plan.input_tokens)} input tokens")
    out.line(f"params: {_params(plan.params) or 'the defaults of each model'}")
    if plan.schema_name is not None:
        repairs = "1 repair" if plan.schema_repairs == 1 else f"{plan.schema_repairs} repairs"
        out.line(f"schema: {plan.schema_name}, checked here in any case, {repairs} a target")
    if plan.system:
        out.line(f"system: {whole(len(plan.system))} characters")
    for line in [_budget(view, session.now()) for view in plan.budgets] or ["none"]:
        out.line(f"budget: {line}")
    out.line("Nothing was sent.")


def target_note(target: TargetStatus, now: float) -> str:
    """Why a target would not be asked, or what is known of it."""
    if target.skip:
        told = target.message.removeprefix(f"{target.target.provider}: ").removeprefix(f"{target.target}: ").rstrip(".")
        reason, until = told or target.skip, ""
        if target.cooldown_until is not None:
            when = clock(target.cooldown_until, now)
            until = "" if when[:5] in reason else f" until {when}"  # most messages tell it themselves
        return f"(skipped: {reason}{until})"
    return f"({target.message})" if target.message else ""


def _target_lines(plan: Plan, target: TargetStatus) -> list[str]:
    """What is known of a target for this request, one thing a line."""
    if not target.kind:
        return []
    window = f"{whole(target.window_tokens)} tokens" if target.window_tokens is not None else "unknown"
    need = f"{whole(target.input_tokens)} tokens" if target.input_tokens is not None else "does not fit"
    model = f", answers with {target.model}" if target.model else ""
    lines = [f"kind {target.kind}{model}", f"window: {window}, estimate: {need}"]
    if target.left_out_turns:
        lines.append(f"left out: the {target.left_out_turns} oldest turns")
    if target.preferred:
        lines.append("goes first, because the prompt is small")
    if target.schema:
        lines.append("schema: sent with the request" if target.schema == "native" else "schema: told in words")
    if target.full:
        lines.append("rate_limit: waits until a request to this provider has ended")
    elif target.wait_s > 0:
        lines.append(f"rate_limit: waits {target.wait_s:.1f} s (at most {plan.max_wait_s:g} s in this lane)")
    if target.consent == "needed":
        lines.append("consent: asked for before it is used (failover: ask)")
    elif target.consent == "never":
        lines.append("consent: never used after another target (failover: never)")
    lines.append(_cost(target))
    if target.params is not None and (params := _params(target.params)):
        lines.append(f"params: {params}")
    return [line for line in lines if line]


def _cost(target: TargetStatus) -> str:
    """The most it can take: prompt, answer, money."""
    if target.input_bound_tokens is None or (target.skip == "budget" and target.cost_bound_usd is None):
        return ""  # why a budget forbids it tells the least it would take
    limit = f"{whole(target.output_tokens)} tokens out" if target.output_tokens is not None else "no limit out"
    match to_nano_usd(target.cost_bound_usd):
        case None:
            cost = "price unknown" if target.output_tokens is not None else "cost not bounded"
        case 0:
            cost = "free"
        case nano_usd:
            cost = f"{shown_usd(nano_usd)} USD"
    return f"at most: {whole(target.input_bound_tokens)} tokens in, {limit}, {cost}"


def _budget(view: BudgetView, now: float) -> str:
    """A budget that counts this request: how much of it is gone, what it does at its end, when it begins anew."""
    budget = view.budget
    spent = f"{budget.amount(view.spent)} of {budget.amount(budget.limit)} spent"
    reserved = f", {budget.amount(view.reserved)} set aside" if view.reserved else ""
    resets = f", resets {clock(view.resets_at, now)}" if view.resets_at is not None else ""
    end = "warns" if not budget.hard else "then only what is free" if budget.free_when_exhausted else "blocks"
    kind = "hard" if budget.hard else "soft"
    return f"{budget.name} ({kind}, {end}): {spent}{reserved}, {budget.amount(view.left)} left{resets}"


def _params(params: Params) -> str:
    return ", ".join(f"{name}={value}" for name, value in params_report(params).items())
