"""How a budget stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """A budget as it stands in one period, in nano-dollars or tokens as its ``unit`` says.

    ``period`` is a local date, a month, a job or a conversation; ``None`` = nothing was booked in any yet, or each
    request has its own. ``begins_at`` and ``resets_at`` are UTC epoch seconds, ``None`` = it never begins anew.
    ``forecast`` is what will be spent at the end of the period at the pace so far, ``None`` = too early to say.
    ``warning`` is the line to show now, empty = none; ``unknown`` counts attempts whose price nobody knows.
    """

    budget: Budget
    period: str | None = None
    spent: int = 0
    reserved: int = 0
    begins_at: float | None = None
    resets_at: float | None = None
    forecast: int | None = None
    warning: str = ""
    unknown: int = 0

    @property
    def left(self) -> int:
        """What may still be spent; never below zero."""
        return max(0, self.budget.limit - self.spent - self.reserved)
