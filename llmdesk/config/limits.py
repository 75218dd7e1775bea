"""Budgets and prices as the rules count them: whole nano-dollars, tokens, exact rates."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from llmdesk.core.budget import Budget
from llmdesk.core.money import whole_nano
from llmdesk.core.prices import Price

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded
    from llmdesk.config.settings import PriceSettings


def budgets(loaded: Loaded) -> tuple[Budget, ...]:
    """Every limit of a configuration, in its order."""
    return tuple(
        Budget(
            scope=budget.scope,
            limit=whole_nano(budget.limit_usd) if budget.limit_usd is not None else budget.limit_tokens or 0,
            unit="usd" if budget.limit_usd is not None else "tokens",
            hard=budget.kind == "hard",
            warn_at=float(budget.warn_at),
            free_when_exhausted=budget.when_exhausted == "free",
            lane=budget.lane,
            provider=budget.provider,
            agent=budget.agent,
        )
        for budget in loaded.settings.budgets
    )


def price_of(price: PriceSettings) -> Price:
    """What the user says a model costs."""
    return Price(
        input_usd_per_mtok=price.input_usd_per_mtok,
        output_usd_per_mtok=price.output_usd_per_mtok,
        cached_input_usd_per_mtok=price.cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=price.cache_write_usd_per_mtok,
        per_request_usd=price.per_request_usd or Decimal(0),
    )
