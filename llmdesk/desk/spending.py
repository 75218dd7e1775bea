"""What requests have cost so far, as its budgets see it: warnings after an answer, and how each budget stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.budget import Account, covers, warning
from llmdesk.core.errors import StorageError
from llmdesk.core.text import one_line
from llmdesk.core.views import BudgetView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmdesk.core.budget import Budget, Standing
    from llmdesk.core.types import Attempt, Outcome
    from llmdesk.desk.job import Job
    from llmdesk.desk.parts import Parts


def account_of(job: Job) -> Account:
    """To whom the attempts of a request are booked."""
    return Account(
        request=job.id, lane=job.lane.name, agent=job.ask.agent, job=job.ask.job, conversation=job.conversation
    )


async def budget_warnings(parts: Parts, job: Job, outcome: Outcome) -> tuple[str, ...]:
    """A line for each budget that this request has brought to its warning mark, found beyond it, or cannot count to.

    Where no budget is configured, nothing is looked up.
    """
    used = [attempt for attempt in outcome.attempts if attempt.usage is not None]
    if not parts.spend.budgets or not used:
        return ()
    account = account_of(job)
    lines = list(_uncounted(parts.spend.budgets, account, used))
    told: set[Budget] = set()
    paid = {attempt.target.provider for attempt in used if attempt.cost_usd != "0"}
    for provider in dict.fromkeys(attempt.target.provider for attempt in used):
        try:
            standings = await parts.spend.standings(account, provider)
        except StorageError:
            break
        for each in standings:
            counts = each.budget.unit == "tokens" or provider in paid  # what was free has nothing to do with money
            if counts and each.budget not in told and (line := warning(each)):
                lines.append(line)
                told.add(each.budget)
    return tuple(dict.fromkeys(lines))


def _uncounted(budgets: Iterable[Budget], account: Account, used: Iterable[Attempt]) -> Iterator[str]:
    """A line for each model whose price nobody knows, where a budget in money should count it."""
    for target in dict.fromkeys(attempt.target for attempt in used if attempt.cost_usd is None):
        covering = [each for each in budgets if each.unit == "usd" and covers(each, account, target.provider)]
        how = f"Write models: {{{target}: {{price: 0}}}} or what it costs."
        if any(each.hard for each in covering):
            yield one_line(f"{target}: its price is unknown, so all that was set aside for it counts. {how}")
        elif names := dict.fromkeys(each.name for each in covering):
            which = "budgets do" if len(names) > 1 else f"{next(iter(names))} does"
            yield one_line(f"{target}: its price is unknown, so the {which} not count it. {how}")


async def budget_views(parts: Parts, account: Account, providers: Iterable[str]) -> dict[str, tuple[BudgetView, ...]]:
    """How the budgets stand that an attempt of ``account`` counts to, by provider; nothing is set aside.

    Raises:
        StorageError: the database cannot be read.
    """
    found: dict[str, tuple[BudgetView, ...]] = {}
    for provider in dict.fromkeys(providers):
        standings = await parts.spend.standings(account, provider)
        found[provider] = tuple(_view(parts, standing) for standing in standings)
    return found


def _view(parts: Parts, standing: Standing) -> BudgetView:
    return BudgetView(
        budget=standing.budget,
        period=standing.period or None,
        spent=standing.spent,
        reserved=standing.reserved,
        resets_at=parts.spend.resets_at(standing.budget),
        warning=warning(standing),
        unknown=standing.unknown,
    )
