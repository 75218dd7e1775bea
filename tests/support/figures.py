"""Budgets and measures to be looked at: made up, but such as a desk tells them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Budget, Standing, warning
from llmdesk.core.measures import Measures, Percentiles
from llmdesk.core.views import BudgetView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.measures import Grouping, Selection

USD = 10**9
NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC."""

DAY_END = NOON + 12 * 3600
MONTH_END = NOON + 9.5 * 86_400


def day_budget(limit: int = 2 * USD, **changes: object) -> Budget:
    return Budget(**{"scope": "day", "limit": limit, "unit": "usd", **changes})  # type: ignore[arg-type]


def standing(budget: Budget, spent: int = 0, **changes: object) -> BudgetView:
    """How a budget stands, with the warning the desk would give."""
    ends = {"day": DAY_END, "month": MONTH_END}.get(budget.scope)
    period = {"day": "2026-11-21", "month": "2026-11"}.get(budget.scope)
    view = BudgetView(
        budget=budget, spent=spent, period=period, resets_at=ends,
        warning=warning(Standing(budget=budget, spent=spent)),
    )  # fmt: skip
    return replace(view, **changes)


def everything() -> tuple[BudgetView, ...]:
    """One of each kind: near its end, calm with unknown prices, exceeded, of requests, of jobs, of an agent."""
    jobs = Budget(scope="job", limit=500_000, unit="tokens")
    return (
        standing(day_budget(free_when_exhausted=True), 1_710_000_000, reserved=USD // 10, forecast=3_250_000_000),
        standing(day_budget(30 * USD, scope="month", hard=False), 9_100_000_000, unknown=3, begins_at=NOON - 86_400),
        standing(day_budget(500_000, unit="tokens", lane="codegen"), 512_345, forecast=900_000),
        standing(Budget(scope="request", limit=32_000, unit="tokens")),
        *(standing(jobs, at * 90_000, period=f"nightly-{at}", reserved=8_000 * at) for at in (1, 5)),
        standing(day_budget(USD, agent="backend-dev"), 0),
        standing(day_budget(USD // 20, scope="month", provider="cloud"), 4_000_000, forecast=9_000_000),
    )


def percentiles(p50: float) -> Percentiles:
    return Percentiles(count=30, p50=p50, p95=2 * p50, p99=3 * p50)


def measures(count: int = 30, **group: str | None) -> Measures:
    """What came of ``count`` attempts and two more that failed."""
    return Measures(
        group=group, attempts=count + 2, completed=count, failed=2, skipped=1,  # type: ignore[arg-type]
        errors={"rate": 5, "server": 2, "net": 1}, response_s=percentiles(1.05), first_token_s=percentiles(0.41),
        tokens_per_s=percentiles(20.0 + count), input_tokens=12_000, output_tokens=3_300, estimated=1,
        cost_nano_usd=count * 1_230_000, failovers=3, lost_s=12.5, cooldown_s=600.0,
    )  # fmt: skip


def plenty(selection: Selection, by: Sequence[Grouping]) -> tuple[Measures, ...]:
    """Measures of a busy desk: every other hour, day or five minutes, four models of three providers."""
    since, now = selection.since or 0.0, time.time()
    match tuple(by):
        case ("hour",):
            hours = range(int(since // 3600) * 3600, int(now), 7200)
            return tuple(measures(1 + at // 3600 % 20, hour=str(at)) for at in hours)
        case ("five_minutes",):
            steps = range(int(since // 300) * 300, int(now), 600)
            return tuple(measures(1 + at // 300 % 20, five_minutes=str(at)) for at in steps)
        case ("day",):
            days = [since + 86_400 * at for at in range(0, int((now - since) / 86_400) + 1, 2)]
            return tuple(
                measures(1 + number, day=time.strftime("%Y-%m-%d", time.localtime(at)))
                for number, at in enumerate(days)
            )
        case ("provider", "model"):
            models = (("cloud", "gpt-oss:120b", 80), ("local", "gemma3:27b", 40), ("openai", "gpt-5-mini", 9))
            return tuple(
                replace(measures(count, provider=provider, model=model), unknown_price=3 * (provider == "openai"))
                for provider, model, count in models
            )
        case ():
            return (measures(132),)
        case (grouping,):
            return tuple(measures(count, **{grouping: name}) for name, count in (("cloud", 80), ("local", 40)))
        case _:
            raise AssertionError(by)


def nothing(selection: Selection, by: Sequence[Grouping]) -> tuple[Measures, ...]:
    """Measures of a desk that was never asked."""
    del selection
    return () if by else (Measures(group={}),)
