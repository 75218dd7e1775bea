"""A budget in the words of the screen: what it is called, how much of it is gone, how bad that is, when it ends."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.money import NANO, shown_usd, to_usd
from llmdesk.core.text import one_line
from llmdesk.tui.spans import coarse, moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.core.budget import Budget
    from llmdesk.core.views import BudgetView

NAME_LIMIT = 80
"""Letters of a name that are shown at most."""


CALENDAR = ("day", "month")
"""The scopes that begin anew by themselves, so that they concern every request from now on."""


class Mark(StrEnum):
    """How far a budget is used up; the value is the sign that says so without a colour."""

    CALM = ""
    NEAR = "!"
    OVER = "✗"


STYLES = {Mark.CALM: "$success", Mark.NEAR: "$warning", Mark.OVER: "$error"}
"""The colour of each."""


def mark(view: BudgetView) -> Mark:
    """Where a budget stands: below its warning mark, beyond it, or at its limit."""
    budget = view.budget
    if view.spent >= budget.limit:
        return Mark.OVER
    return Mark.NEAR if view.spent and view.spent >= budget.limit * budget.warn_at else Mark.CALM


def share(view: BudgetView, amount: int) -> float:
    """Which part of the limit an amount is."""
    return amount / view.budget.limit if view.budget.limit else 1.0


def percent(view: BudgetView) -> int:
    """How much is spent, in whole percent, never rounded up to all of it."""
    limit = view.budget.limit
    return 100 * view.spent // limit if limit else 100


def percent_words(view: BudgetView) -> str:
    """The same as text; a little is not nothing: ``<1``."""
    return str(percent(view)) if percent(view) or not view.spent else "<1"


def label(budget: Budget) -> str:
    """The shortest name there is: ``day``, ``month backend-dev``."""
    narrow = [name for name in (budget.lane, budget.provider, budget.agent) if name]
    return one_line(" ".join([budget.scope, *narrow]), NAME_LIMIT)


def full_name(view: BudgetView) -> str:
    """What people call it, with the job or conversation it belongs to."""
    own = f" {view.period}" if view.budget.scope in ("job", "conversation") and view.period else ""
    return one_line(f"{view.budget.name}{own}", NAME_LIMIT)


def sentence_name(budget: Budget) -> str:
    """Its name as lines about it begin: ``Day budget``."""
    return f"{budget.name[:1].upper()}{budget.name[1:]}"


def kind_words(budget: Budget) -> str:
    """What happens at the limit."""
    if not budget.hard:
        return f"soft, warns at {budget.warn_at:.0%}".replace("%", " %")
    return "hard, then only what is free" if budget.free_when_exhausted else "hard, then blocked"


def pair(view: BudgetView, room: int) -> str:
    """Spent and limit in ``room`` columns: ``1.42/2.00``, ``9.10/30``, ``312k/500k``, else how much it is: ``71 %``."""
    spent, limit = view.spent, view.budget.limit
    if view.budget.unit == "tokens":
        forms = [f"{_tokens(spent)}/{_tokens(limit)}"]
    else:
        short = f"{shown_usd(spent)}/{to_usd(limit)}"
        forms = [f"{shown_usd(spent)}/{shown_usd(limit)}", short] if limit < 10 * NANO else [short]
    share_alone = f"{percent_words(view)} %"
    return next((form for form in forms if len(form) <= room), share_alone)


def resets(view: BudgetView, now: float) -> str:
    """When it begins anew: ``resets 00:00, in 9 h 12 min``; empty = it does not."""
    if view.resets_at is None:
        return ""
    return f"resets {moment(view.resets_at, now)}, in {coarse(view.resets_at - now)}"


def gravest(views: Iterable[BudgetView]) -> list[BudgetView]:
    """The day and month budgets that have a warning to show, the most used up first."""
    told = [view for view in views if view.warning and view.budget.scope in CALENDAR]
    return sorted(told, key=lambda view: -share(view, view.spent))


def has_banner(line: str, views: Iterable[BudgetView]) -> bool:
    """Whether a line warns of a budget whose warnings stand above the chat."""
    return any(view.budget.scope in CALENDAR and line.startswith(f"{sentence_name(view.budget)}: ") for view in views)


def _tokens(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count // 1000}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"
