"""A request that a budget stopped, explained: which one, how it stands, when it begins anew, and every way on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.addresses import is_loopback
from llmdesk.core.text import one_line
from llmdesk.core.types import AttemptOutcome
from llmdesk.core.views import ProviderState
from llmdesk.tui.budget_words import full_name, resets, sentence_name
from llmdesk.tui.spans import coarse, moment
from llmdesk.tui.widgets.wait_line import Offer, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import BudgetView, ProviderStatus

LANES = Offer(label="f2 other lane", action="pick_lane")
BUDGETS = Offer(label="f4 budgets", action="app.open_panel('budgets')")

WAY_WIDTH = 20
"""Columns of the keys and commands of the card."""


def stopping_budget(message: str, views: Sequence[BudgetView]) -> BudgetView | None:
    """The budget a message of the desk speaks of, the one with the longest name that fits; ``None`` = none of these."""
    fitting = [view for view in views if message.startswith(f"{sentence_name(view.budget)} ")]
    return max(fitting, key=lambda view: len(view.budget.name), default=None)


def stop_card(
    outcome: Outcome,
    *,
    view: BudgetView | None,
    providers: Sequence[ProviderStatus],
    returned: bool,
    now: float,
) -> str:
    """The card of a request that a hard budget stopped.

    Args:
        outcome: how it ended.
        view: the budget that stopped it, as it stands; ``None`` = not known.
        providers: who is there, as some cost nothing.
        returned: the prompt is back in the editor.
        now: UTC epoch seconds.
    """
    sent = any(attempt.outcome is not AttemptOutcome.SKIPPED for attempt in outcome.attempts)
    lines = ["Stopped by a budget." if sent else "Stopped by a budget: nothing was sent."]
    if outcome.error is not None:
        lines.append(one_line(outcome.error.message))
    if view is not None:
        lines.append(_standing(view, now))
    lines += [one_line(line) for line in outcome.advice]
    lines += ["", "Ways on:"]
    lines += [f"  {way:<{WAY_WIDTH}} {what}" for way, what in _ways(view, providers, now)]
    back = "Your prompt is back in the editor." if returned else "Your draft was left alone: ↑ recalls the prompt."
    return "\n".join([*lines, "", back])


def stop_line(view: BudgetView | None, now: float) -> Wait:
    """The line that stays until the next prompt; it counts nothing down."""
    if view is None:
        return Wait(text="stopped by a budget", offers=(LANES, BUDGETS))
    until = f" until {moment(view.resets_at, now)}" if view.resets_at is not None else ""
    return Wait(text=f"stopped by the {full_name(view)}{until}", offers=(LANES, BUDGETS))


def _standing(view: BudgetView, now: float) -> str:
    amount = view.budget.amount
    parts = [f"{amount(view.spent)} of {amount(view.budget.limit)} spent"]
    if view.reserved:
        parts.append(f"{amount(view.reserved)} set aside for answers under way")
    parts += [f"{amount(view.left)} left", resets(view, now)]
    return ", ".join(filter(None, parts))


def _ways(view: BudgetView | None, providers: Sequence[ProviderStatus], now: float) -> list[tuple[str, str]]:
    ways = [("f2", "ask in another lane")]
    counts_all = view is not None and view.budget.unit == "tokens"
    if (free := _free_target(providers)) and not counts_all:
        ways.append((f"/model {free}", "ask a model that costs nothing; then send again"))
    ways.append(("f4", "see every budget, and who has spent it"))
    ways.append(("llmdesk.yaml", "raise the limit under budgets: and start again"))
    if view is not None and view.resets_at is not None:
        ways.append(("or wait", f"until {moment(view.resets_at, now)}, in {coarse(view.resets_at - now)}, then /retry"))
    return ways


def _free_target(providers: Sequence[ProviderStatus]) -> str:
    """A model that runs on this machine; empty = none is known. The one called local comes first."""
    for status in sorted(providers, key=lambda status: status.provider != "local"):
        here = status.kind == "ollama" and is_loopback(status.base_url)
        if (here or status.provider == "local") and status.state is not ProviderState.DOWN:
            return f"{one_line(status.provider)}/largest"
    return ""
