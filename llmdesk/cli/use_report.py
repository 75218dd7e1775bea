"""The rows of budgets, stats and metrics for programs, field by field; scripts depend on every name here.

Names carry their unit. Money is a decimal string, ``None`` = unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.times import iso
from llmdesk.core.errors import ErrorKind
from llmdesk.core.money import to_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.report import Report
    from llmdesk.core.measures import AttemptRow, Grouping, Measures, Percentiles
    from llmdesk.core.views import BudgetView
    from llmdesk.desk.reports import Stats, StatsBy, StatsRow

BUDGET_COLUMNS = (
    "scope", "lane", "provider", "agent", "kind", "limit", "unit", "spent", "reserved", "left", "period", "resets_at",
)  # fmt: skip


def budget_report(view: BudgetView) -> Report:
    """One row of ``budgets``; amounts are decimal strings of dollars, or whole tokens, as ``unit`` says."""
    budget = view.budget

    def amount(value: int) -> str | int | None:
        return to_usd(value) if budget.unit == "usd" else value

    return {
        "scope": budget.scope,
        "lane": budget.lane,
        "provider": budget.provider,
        "agent": budget.agent,
        "kind": "hard" if budget.hard else "soft",
        "limit": amount(budget.limit),
        "unit": budget.unit,
        "spent": amount(view.spent),
        "reserved": amount(view.reserved),
        "left": amount(view.left),
        "period": view.period,
        "resets_at": iso(view.resets_at),
    }


# --- stats ----------------------------------------------------------------------------------------------------------

_STATS_VALUES = (
    "attempts", "answers", "refused", "failed", "cancelled", "skipped", "failovers", "failover_share",
    "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "estimated_attempts",
    "cost_usd", "unknown_price_attempts", "saved_usd",
)  # fmt: skip


def stats_columns(by: StatsBy) -> tuple[str, ...]:
    """The fields of a row of ``stats``."""
    return ("first_day", "last_day", *(("provider", "model") if by == "model" else (by,)), *_STATS_VALUES)


def stats_report(stats: Stats, row: StatsRow) -> Report:
    """One row of ``stats``; the days say what it covers at most, ``first_day`` ``None`` = from the beginning."""
    sums, share = row.sums, row.failover_share
    return {
        "first_day": stats.first_day,
        "last_day": stats.last_day,
        **row.group,
        "attempts": sums.attempts,
        "answers": sums.completed,
        "refused": sums.refused,
        "failed": sums.failed,
        "cancelled": sums.cancelled,
        "skipped": sums.skipped,
        "failovers": sums.failovers,
        "failover_share": None if share is None else round(share, 4),
        "input_tokens": sums.input_tokens,
        "cached_input_tokens": sums.cached_input_tokens,
        "output_tokens": sums.output_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "estimated_attempts": sums.estimated,
        "cost_usd": to_usd(row.cost_nano_usd),
        "unknown_price_attempts": sums.unknown_price,
        "saved_usd": to_usd(row.saved_nano_usd),
    }


# --- metrics --------------------------------------------------------------------------------------------------------

_DISTRIBUTIONS = ("response_s", "first_token_s", "tokens_per_s")
_MEASURE_VALUES = (
    "attempts", "answers", "refused", "failed", "cancelled", "skipped", "success_rate",
    *(f"{name}_{part}" for name in _DISTRIBUTIONS for part in ("p50", "p95", "p99")),
    "failovers", "lost_s", "cooldown_s", "input_tokens", "output_tokens", "estimated_attempts", "cost_usd",
    "unknown_price_attempts", *(f"errors_{kind}" for kind in ErrorKind),
)  # fmt: skip


def measure_columns(by: Sequence[Grouping]) -> tuple[str, ...]:
    """The fields of a row of ``metrics summary``, in CSV."""
    return (*by, *_MEASURE_VALUES)


def measure_report(measured: Measures) -> Report:
    """One row of ``metrics summary``; ``errors`` has every class of failure."""
    unknown = measured.unknown_price and not measured.cost_nano_usd
    rate = measured.success_rate
    return {
        **{name: group_value(name, value) for name, value in measured.group.items()},
        "attempts": measured.attempts,
        "answers": measured.completed,
        "refused": measured.refused,
        "failed": measured.failed,
        "cancelled": measured.cancelled,
        "skipped": measured.skipped,
        "success_rate": None if rate is None else round(rate, 4),
        **_percentiles("response_s", measured.response_s),
        **_percentiles("first_token_s", measured.first_token_s),
        **_percentiles("tokens_per_s", measured.tokens_per_s),
        "failovers": measured.failovers,
        "lost_s": round(measured.lost_s, 3),
        "cooldown_s": round(measured.cooldown_s, 3),
        "input_tokens": measured.input_tokens,
        "output_tokens": measured.output_tokens,
        "estimated_attempts": measured.estimated,
        "cost_usd": None if unknown else to_usd(measured.cost_nano_usd),
        "unknown_price_attempts": measured.unknown_price,
        "errors": {**dict.fromkeys((kind.value for kind in ErrorKind), 0), **measured.errors},
    }


def group_value(name: Grouping, value: str | None) -> str | None:
    """The value of a grouping; an hour or five minutes as a time."""
    return iso(float(value)) if name in ("hour", "five_minutes") and value is not None else value


ATTEMPT_COLUMNS = (
    "id", "at", "day", "request", "number", "lane", "agent", "job", "provider", "model", "served_model", "outcome",
    "error_kind", "reason", "http_status", "first_token_s", "elapsed_s", "input_tokens", "output_tokens",
    "cached_input_tokens", "reasoning_tokens", "estimated", "cost_usd", "failover_to", "lost_s", "cooldown_s",
)  # fmt: skip


def attempt_line_report(row: AttemptRow) -> Report:
    """One row of ``metrics export``: the fields of an attempt as they are, its time as ISO 8601."""
    values = {name: getattr(row, name) for name in ATTEMPT_COLUMNS}
    return {**values, "at": iso(row.at), "reason": row.reason or None, "served_model": row.served_model or None}


def _percentiles(name: str, found: Percentiles | None) -> Report:
    values = (None, None, None) if found is None else (found.p50, found.p95, found.p99)
    parts = zip(("p50", "p95", "p99"), values, strict=True)
    return {f"{name}_{part}": None if value is None else round(value, 3) for part, value in parts}
