"""``llmdesk budgets``: every limit, what of it is spent, reserved and left, and when it begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli import amounts
from llmdesk.cli.options import desk_command
from llmdesk.cli.rows import chosen_form, format_option, write_rows
from llmdesk.cli.times import clock
from llmdesk.cli.use_report import BUDGET_COLUMNS, budget_report
from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from llmdesk.cli.output import Paint
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk

BAR = 20
"""Columns of a bar."""

EACH = ("request", "conversation", "job")
"""Scopes of which each has a budget of its own."""

NONE_YET = (
    "No budgets are configured. One that holds: budgets: [{scope: day, limit_usd: 2.00, kind: hard}] "
    "Where to write it: llmdesk config path"
)


@desk_command("budgets", short_help="Each budget: spent, reserved, left, when it resets.")
@format_option()
@click.pass_obj
def command(session: Session, form: str | None) -> int:
    """Every budget as it stands now, those of jobs once for each job."""
    wanted = chosen_form(session, form)

    async def show(desk: Desk, _signals: Signals) -> int:
        views = await desk.budgets()
        if wanted != "table":
            write_rows(session, desk, wanted, BUDGET_COLUMNS, [budget_report(view) for view in views])
        elif views:
            for view in views:
                _show(session, view)
        else:
            session.nothing(desk, NONE_YET)
        return 0

    return session.run(show)


def _show(session: Session, view: BudgetView) -> None:
    """Its name, the bar with what is spent, the rest a line each, and the warning, if there is one."""
    out, budget = session.out, view.budget
    share = (view.spent + view.reserved) / budget.limit if budget.limit else 1.0
    paint: Paint = "red" if share >= 1 else "yellow" if share >= budget.warn_at else "green"
    out.stdout.write(out.paint(one_line(f"{_name(view)}, {'hard' if budget.hard else 'soft'}"), "bold") + "\n")
    if budget.scope in EACH and view.period is None:
        out.line(f"  {budget.amount(budget.limit)} for each {budget.scope}")
    else:
        bar = "" if session.plain_terminal else _bar(share, full=out.stdout.encoding.lower().startswith("utf")) + "  "
        out.stdout.write(f"  {out.paint(f'{bar}{int(100 * share):>3} %', paint)}  ")
        out.line(f"{_number(view, view.spent)} of {budget.amount(budget.limit)}, {_number(view, view.left)} left")
    for fact in _facts(view, session.now()):
        out.line(f"  {fact}")
    if view.warning:
        out.stdout.write(f"  {out.paint(one_line(view.warning), paint)}\n")


def _name(view: BudgetView) -> str:
    """``day budget of lane chat``; where each of something has its own, of which one."""
    return f"{view.budget.name} {view.period}" if view.budget.scope in EACH and view.period else view.budget.name


def _facts(view: BudgetView, now: float) -> list[str]:
    budget, facts = view.budget, []
    if view.resets_at is not None:
        end = f"resets {clock(view.resets_at, now)}, in {amounts.lasting(max(0.0, view.resets_at - now))}"
        pace = f"; at this pace {budget.amount(view.forecast)} by then" if view.forecast is not None else ""
        facts.append(end + pace)
    if view.reserved:
        facts.append(f"{budget.amount(view.reserved)} set aside for answers under way")
    if view.unknown:
        several = view.unknown > 1
        facts.append(f"{view.unknown} {'attempts' if several else 'attempt'} of unknown price not counted")
    return facts


def _number(view: BudgetView, value: int) -> str:
    """An amount without its unit."""
    return view.budget.amount(value).rpartition(" ")[0]


def _bar(share: float, *, full: bool) -> str:
    filled = min(BAR, round(max(0.0, share) * BAR))
    spent, left = ("▓", "░") if full else ("#", ".")
    return spent * filled + left * (BAR - filled)
