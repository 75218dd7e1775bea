"""Every budget as text for people: a bar, what is spent and left, where it is heading, when it begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli import amounts
from llmdesk.cli.table import cut, display_width, pad
from llmdesk.cli.times import clock
from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.cli.output import Output, Paint
    from llmdesk.core.budget import Budget
    from llmdesk.core.views import BudgetView

BAR = 20
"""Columns of a bar."""

EACH = ("request", "conversation", "job")
"""Scopes of which each has a budget of its own."""

CONVERSATIONS_SHOWN = 5
"""Conversations that are shown of one budget."""

NAME_WIDTH = 24
"""Columns of the name of a job or a conversation at most."""


class BudgetText:
    """Writes budgets to ``out``.

    ``now`` is UTC epoch seconds, ``bars`` says whether bars are drawn, ``titles`` names conversations by their ids.
    """

    def __init__(self, out: Output, *, now: float, bars: bool = True, titles: Mapping[str, str] | None = None) -> None:
        self._out = out
        self._now = now
        self._bars = bars
        self._titles = titles or {}
        self._full = out.stdout.encoding.lower().startswith("utf")

    def show(self, views: Sequence[BudgetView]) -> None:
        """Each budget in its order, with all its jobs or conversations."""
        groups: dict[Budget, list[BudgetView]] = {}
        for view in views:
            groups.setdefault(view.budget, []).append(view)
        for budget, group in groups.items():
            if budget.scope in EACH:
                self._show_each(budget, shown(group))
            else:
                self._show_span(group[0])

    def _show_span(self, view: BudgetView) -> None:
        """A day or a month: its name and how it stands, the bar with what is spent, the rest a line each."""
        budget = view.budget
        self._head(budget, _standing(view), _paint(view))
        spent = f"{_number(budget, view.spent)} of {budget.amount(budget.limit)}, {_number(budget, view.left)} left"
        self._out.stdout.write(f"  {self._gauge(view, BAR)}  {spent}\n")
        if times := _times(view, self._now):
            self._out.line(f"  {times}")
        if view.reserved:
            self._out.line(f"  {budget.amount(view.reserved)} set aside for answers under way")
        if unknown := _unknown(view):
            self._out.line(f"  {unknown} not counted")

    def _show_each(self, budget: Budget, views: Sequence[BudgetView]) -> None:
        """A budget that each of something has for itself: one line for each that used it."""
        self._head(budget, "", "green")
        self._out.line(f"  {budget.amount(budget.limit)} for each {budget.scope}")
        names = [cut(self._name(view), NAME_WIDTH) for view in views]
        width = max(map(display_width, names), default=0)
        spent = _column(budget, [view.spent for view in views])
        left = _column(budget, [view.left for view in views])
        unit = "USD" if budget.unit == "usd" else "tokens"
        for view, name, gone, rest in zip(views, names, spent, left, strict=True):
            figures = f"{gone} {unit}, {rest} left"
            told = [f"{budget.amount(view.reserved)} set aside" if view.reserved else "", _unknown(view)]
            more = "".join(f", {each}" for each in told if each)
            state = _standing(view)
            mark = self._out.paint(f", {state}", _paint(view)) if state else ""
            self._out.stdout.write(f"  {pad(name, width)}  {self._gauge(view, BAR // 2)}  {figures}{more}{mark}\n")

    def _head(self, budget: Budget, state: str, paint: Paint) -> None:
        head = self._out.paint(one_line(f"{budget.name}, {_kind(budget)}"), "bold")
        self._out.stdout.write(head + (f": {self._out.paint(state, paint)}" if state else "") + "\n")

    def _name(self, view: BudgetView) -> str:
        """A job by its name, a conversation by its title; by the beginning of its id where it has none."""
        period = view.period or ""
        if view.budget.scope != "conversation":
            return one_line(period)
        title = one_line(self._titles.get(period, ""))
        return f'"{cut(title, NAME_WIDTH - 2)}"' if title else f"untitled {period[:8]}"

    def _gauge(self, view: BudgetView, columns: int) -> str:
        share = _share(view)
        bar = ""
        if self._bars:
            filled = min(columns, round(max(0.0, share) * columns))
            spent, left = ("▓", "░") if self._full else ("#", ".")
            bar = spent * filled + left * (columns - filled) + "  "
        return self._out.paint(f"{bar}{int(100 * share):>3} %", _paint(view))


def shown(views: Sequence[BudgetView]) -> list[BudgetView]:
    """Those of one budget that are shown: jobs and conversations that used it, of the latter the newest few."""
    used = [view for view in views if view.period is not None]
    return used[:CONVERSATIONS_SHOWN] if used and used[0].budget.scope == "conversation" else used


def _kind(budget: Budget) -> str:
    """What happens at the limit."""
    if not budget.hard:
        return "soft"
    return "hard, then only what is free" if budget.free_when_exhausted else "hard"


def _standing(view: BudgetView) -> str:
    """The warning in a few words; empty = none. The numbers stand beside it."""
    if not view.warning:
        return ""
    return "limit reached" if view.spent >= view.budget.limit else "near its limit"


def _share(view: BudgetView) -> float:
    return (view.spent + view.reserved) / view.budget.limit if view.budget.limit else 1.0


def _paint(view: BudgetView) -> Paint:
    share = _share(view)
    return "red" if share >= 1 else "yellow" if share >= view.budget.warn_at else "green"


def _times(view: BudgetView, now: float) -> str:
    """Where it is heading and when it begins anew."""
    if view.resets_at is None:
        return ""
    end = clock(view.resets_at, now)
    ahead = f"forecast {view.budget.amount(view.forecast)} by {end}; " if view.forecast is not None else ""
    return f"{ahead}resets {end}, in {amounts.lasting(max(0.0, view.resets_at - now))}"


def _unknown(view: BudgetView) -> str:
    return f"{view.unknown} attempt{'' if view.unknown == 1 else 's'} of unknown price" if view.unknown else ""


def _number(budget: Budget, value: int) -> str:
    """An amount without its unit."""
    return budget.amount(value).rpartition(" ")[0]


def _column(budget: Budget, values: Sequence[int]) -> list[str]:
    """Amounts that stand below each other, without their unit and of one width."""
    texts = amounts.dollar_column(values) if budget.unit == "usd" else [amounts.whole(value) for value in values]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]
