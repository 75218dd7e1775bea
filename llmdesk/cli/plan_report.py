"""What ``exec --dry-run --json`` prints, field by field; scripts depend on every name here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.amounts import whole
from llmdesk.cli.report import target_report
from llmdesk.cli.use_report import budget_report
from llmdesk.core.types import PARAM_NAMES

if TYPE_CHECKING:
    from llmdesk.cli.report import Report
    from llmdesk.core.types import Params
    from llmdesk.core.views import Plan, TargetStatus


def plan_report(plan: Plan) -> Report:
    """What ``exec --dry-run --json`` prints."""
    return {
        "lane": plan.lane,
        "failover": plan.failover,
        "input_tokens": plan.input_tokens,
        "system": plan.system,
        "params": params_report(plan.params),
        "targets": [_planned_report(target) for target in plan.targets],
        "why": plan.why,
        "agent": plan.agent,
        "resume": plan.resume,
        "max_wait_s": plan.max_wait_s,
        "schema": {"name": plan.schema_name, "repairs": plan.schema_repairs} if plan.schema_name is not None else None,
        "small_prompt": _small_prompt(plan),
        "budget": [budget_report(view) for view in plan.budgets],
    }


def _planned_report(status: TargetStatus) -> Report:
    """A target of a certain request: what is known beyond how it stands."""
    return {
        **target_report(status),
        "resolved_model": status.model or None,
        "kind": status.kind,
        "window_tokens": status.window_tokens,
        "input_tokens": status.input_tokens,
        "left_out_turns": status.left_out_turns,
        "params": params_report(status.params) if status.params is not None else {},
        "schema": status.schema or None,
        "wait_s": round(status.wait_s, 3),
        "full": status.full,
        "consent": status.consent or None,
        "preferred": status.preferred,
        "input_bound_tokens": status.input_bound_tokens,
        "output_tokens": status.output_tokens,
        "cost_bound_usd": status.cost_bound_usd,
    }


def _small_prompt(plan: Plan) -> Report | None:
    rule = plan.small_prompt
    if rule is None:
        return None
    applied = any(target.preferred for target in plan.targets)
    return {"below_tokens": rule.below_tokens, "prefer": [str(ref) for ref in rule.prefer], "applied": applied}


def small_prompt_words(plan: Plan) -> str:
    """Whether the rule for small prompts applies, and why."""
    rule = plan.small_prompt
    if rule is None:
        return "no rule"
    refs = ", ".join(str(ref) for ref in rule.prefer)
    if any(target.preferred for target in plan.targets):
        return f"{whole(plan.input_tokens)} tokens are below {whole(rule.below_tokens)}, so {refs} goes first"
    if plan.input_tokens < rule.below_tokens:
        return "not applied, because the target was named"
    return f"not applied, because {whole(plan.input_tokens)} tokens are not below {whole(rule.below_tokens)}"


def params_report(params: Params) -> Report:
    """The parameters that are set."""
    named = {name: value for name in PARAM_NAMES if (value := getattr(params, name)) is not None}
    return {**named, **({"extra": dict(params.extra)} if params.extra else {})}
