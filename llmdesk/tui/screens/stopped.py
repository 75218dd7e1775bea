"""A request that a budget stopped, explained: which one, how it stands, when it begins anew, and every way on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line
from llmdesk.core.types import AttemptOutcome
from llmdesk.tui.budget_words import CALENDAR, NAME_LIMIT, resets, sentence_name
from llmdesk.tui.spans import coarse, moment
from llmdesk.tui.widgets.wait_line import Offer, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import BudgetView

LANES = Offer(label="other lane", action="pick_lane", does="lane_picker")
BUDGETS = Offer(label="budgets", action="app.open_panel('budgets')", does="budgets")

KEYS = (("f2", "ask in another lane"), ("f4", "see every budget, and what has used it up"))
"""What the keys of the chat offer."""

WAITING = "Wait "
"""How the advice begins that the desk gives only where waiting helps."""

WAY_WIDTH = 20
"""Columns of the keys and commands of the card."""


def stopping_budget(outcome: Outcome, views: Sequence[BudgetView]) -> BudgetView | None:
    """The budget a message of the desk speaks of, the one with the longest name that fits; ``None`` = none of these.

    Of a budget that each conversation has for itself it is that of the outcome's.
    """
    message = outcome.error.message if outcome.error is not None else ""
    fitting = [view for view in views if message.startswith(f"{sentence_name(view.budget)} ")]
    shared = (*CALENDAR, "request")
    mine = [view for view in fitting if view.budget.scope in shared or view.period in (None, outcome.conversation)]
    return max(mine, key=lambda view: (len(view.budget.name), view.period is not None), default=None)


def helps_to_wait(outcome: Outcome) -> bool:
    """Whether the next period lets it through: not what is dearer than a whole one, nor what nobody can price."""
    return any(line.startswith(WAITING) for line in outcome.advice)


def stop_card(outcome: Outcome, *, view: BudgetView | None, returned: bool, now: float) -> str:
    """The card of a request that a hard budget stopped.

    Args:
        outcome: how it ended.
        view: the budget that stopped it, as it stands; ``None`` = not known.
        returned: the prompt is back in the editor.
        now: UTC epoch seconds.
    """
    sent = any(attempt.outcome is not AttemptOutcome.SKIPPED for attempt in outcome.attempts)
    lines = ["Stopped by a budget." if sent else "Stopped by a budget: nothing was sent."]
    if outcome.error is not None:
        lines.append(one_line(outcome.error.message))
    if view is not None and view.period is not None:
        lines.append(_standing(view, resets(view, now) if helps_to_wait(outcome) else ""))
    keys, words = _ways(outcome.advice)
    if view is not None and view.resets_at is not None and helps_to_wait(outcome):
        words = [line for line in words if not line.startswith(WAITING)]
        words.append(f"Wait until {moment(view.resets_at, now)}, in {coarse(view.resets_at - now)}, then /retry.")
    lines += ["", "Ways on:"]
    lines += [f"  {way:<{WAY_WIDTH}} {what}" for way, what in (*keys, *KEYS)]
    lines += [f"  {line}" for line in words]
    back = "Your prompt is back in the editor." if returned else "Your draft was left alone: ↑ recalls the prompt."
    return "\n".join([*lines, "", back])


def stop_line(outcome: Outcome, view: BudgetView | None, now: float) -> Wait:
    """The line that stays until the next prompt; it counts nothing down, and names a time only if that helps."""
    if view is None:
        return Wait(text="stopped by a budget", offers=(LANES, BUDGETS))
    ends_at = view.resets_at if helps_to_wait(outcome) else None
    until = f" until {moment(ends_at, now)}" if ends_at is not None else ""
    return Wait(text=f"stopped by the {one_line(view.budget.name, NAME_LIMIT)}{until}", offers=(LANES, BUDGETS))


def _standing(view: BudgetView, ends: str) -> str:
    amount = view.budget.amount
    parts = [f"{amount(view.spent)} of {amount(view.budget.limit)} spent"]
    if view.reserved:
        parts.append(f"{amount(view.reserved)} set aside for answers under way")
    parts += [f"{amount(view.left)} left", ends]
    return ", ".join(filter(None, parts))


def _ways(advice: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The desk's advice for this screen: what has a command here, with that command first, and the other lines."""
    commands: list[tuple[str, str]] = []
    words: list[str] = []
    for line in advice:
        text, option, value = _OPTION.fullmatch(one_line(line)).groups()  # type: ignore[union-attr] # fits any line
        if option in ("model", "lane"):
            commands.append((f"/{option} {value}", f"{text[:1].lower()}{text[1:]}"))
        else:
            words.append(f"{text}." if option else text)
    return commands, words


_OPTION = re.compile(r"(.*?)(?:: --([a-z-]+)(?: (\S+))?\.?)?")
"""A line of advice, and the option of the command line it ends with, if it does."""
