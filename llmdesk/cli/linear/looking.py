"""What the panels of the screen show, in sentences: providers, models, budgets, what was used, what failed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from llmdesk.cli import amounts
from llmdesk.cli.times import clock, stamp
from llmdesk.core.errors import UsageError
from llmdesk.core.money import shown_usd
from llmdesk.core.views import Level

if TYPE_CHECKING:
    from llmdesk.cli.linear.conversation import Linear
    from llmdesk.core.views import BudgetView, Finding, ModelRow, ProviderStatus
    from llmdesk.desk.reports import Period, StatsRow

LEAST_GB = 0.05
"""What runs elsewhere has a size of next to nothing, which tells nothing."""

FAILOVERS_TOLD = 10
"""So many are read out; the command line lists them all."""


async def providers(linear: Linear, argument: str) -> None:
    """Say how each provider is; ``check`` calls them first."""
    statuses = await linear.desk.check_providers() if argument == "check" else linear.desk.providers()
    for status in statuses:
        linear.out.say(f"provider: {_provider(status, linear.session.now())}")


def _provider(status: ProviderStatus, now: float) -> str:
    parts = [f"{status.provider} {status.state.value}"]
    if status.cooldown_until is not None:
        parts.append(f"cooling down until {clock(status.cooldown_until, now)}")
    if status.latency_ms is not None:
        parts.append(f"{status.latency_ms} ms")
    if status.models is not None:
        parts.append(f"{status.models} model{'' if status.models == 1 else 's'}")
    parts += [f"{quota.name} plan {amounts.share(quota.used)} used" for quota in status.quotas]
    if status.message:
        parts.append(status.message.rstrip("."))
    return ", ".join(parts)


async def models(linear: Linear, provider: str) -> None:
    """Name the models that can be asked."""
    rows = await linear.desk.models(provider or None)
    for row in rows:
        linear.out.say(f"model: {_model(row)}")
    if not rows:
        linear.session.nothing(linear.desk, "No models.")


def _model(row: ModelRow) -> str:
    gigabytes = (row.model.size_bytes or 0) / 1e9
    size = f", {gigabytes:.1f} GB" if gigabytes >= LEAST_GB else ""
    return f"{row.provider}/{row.model.name}{size}"


async def budget(linear: Linear, _argument: str) -> None:
    """Say what each budget has left."""
    views = await linear.desk.budgets()
    for view in views:
        linear.out.say(f"budget: {_budget(view, linear.session.now())}")
    if not views:
        linear.session.nothing(linear.desk, "No budgets are configured.")


def _budget(view: BudgetView, now: float) -> str:
    own = view.budget
    parts = [f"{own.name}, {'hard' if own.hard else 'soft'}: {own.amount(view.spent)} of {own.amount(own.limit)} spent"]
    parts.append(f"{own.amount(view.left)} left")
    if view.resets_at is not None:
        parts.append(f"begins anew {clock(view.resets_at, now)}")
    return ", ".join(parts)


async def stats(linear: Linear, argument: str) -> None:
    """Say what was used, by model."""
    from llmdesk.desk.reports import Period as Periods

    period = argument or "month"
    if period not in get_args(Periods):
        raise UsageError(f"/stats {period}: it must be one of {', '.join(get_args(Periods))}.")
    found = await linear.desk.stats(cast("Period", period), "model")
    for row in found.rows:
        linear.out.say(f"used: {'/'.join(value or '-' for value in row.group.values())}: {_used(row)}")
    if len(found.rows) > 1:
        linear.out.say(f"used: in all: {_used(found.total)}")
    if not found.rows:
        linear.session.nothing(linear.desk, "Nothing was asked in this time.")


def _used(row: StatsRow) -> str:
    sums = row.sums
    cost = "cost unknown" if row.cost_nano_usd is None else f"{shown_usd(row.cost_nano_usd)} USD"
    parts = [
        f"{amounts.tokens(sums.attempts)} attempt{'' if sums.attempts == 1 else 's'}",
        f"{amounts.tokens(sums.completed)} answered",
        f"{amounts.tokens(sums.failed)} failed" if sums.failed else "",
        f"{amounts.tokens(sums.input_tokens)} tokens in, {amounts.tokens(sums.output_tokens)} out",
        cost if row.cost_nano_usd != 0 else "free",
    ]
    return ", ".join(filter(None, parts))


async def failovers(linear: Linear, _argument: str) -> None:
    """Say what failed over last."""
    rows = await linear.desk.failovers(limit=FAILOVERS_TOLD)
    for row in rows:
        target = f"to {row.target}" if row.target is not None else "to nobody"
        linear.out.say(
            f"failover: {stamp(row.at)}, {row.lane}, from {row.source} {target}: {row.message or row.reason}"
        )
    if not rows:
        linear.session.nothing(linear.desk, "Nothing failed over.")


async def doctor(linear: Linear, _argument: str) -> None:
    """Look at everything once."""
    from llmdesk.cli.commands.doctor import terminal_finding

    for finding in (*await linear.desk.doctor(), terminal_finding(linear.session)):
        linear.out.say(_finding(finding))


def _finding(finding: Finding) -> str:
    word = {Level.OK: "ok", Level.NOTE: "note", Level.PROBLEM: "problem"}[finding.level]
    hint = f" To do: {finding.hint}" if finding.hint else ""
    return f"{word}: {finding.topic}: {finding.text}{hint}"
