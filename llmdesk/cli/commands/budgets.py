"""``llmdesk budgets``: every limit, what of it is spent, reserved and left, and when it begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli import amounts
from llmdesk.cli.options import desk_command
from llmdesk.cli.rows import chosen_form, format_option, write_rows
from llmdesk.cli.times import clock
from llmdesk.cli.use_report import BUDGET_COLUMNS, budget_report

if TYPE_CHECKING:
    from llmdesk.cli.output import Paint
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk

BAR = 20
"""Columns of a bar."""

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
    """A line with the bar, one with the rest, and the warning, if there is one."""
    out, budget = session.out, view.budget
    share = (view.spent + view.reserved) / budget.limit if budget.limit else 1.0
    paint: Paint = "red" if share >= 1 else "yellow" if share >= budget.warn_at else "green"
    per_cent = f"{int(100 * share)} %"
    kind = "hard" if budget.hard else "soft"
    out.line(f"{_name(view)}, {kind}: {budget.amount(view.spent)} of {budget.amount(budget.limit)}")
    bar = "" if session.plain_terminal else _bar(share, full=out.stdout.encoding.lower().startswith("utf")) + "  "
    out.stdout.write(f"  {out.paint(bar + per_cent, paint)}  ")
    out.line("; ".join(_facts(view, session.now())))
    if view.warning:
        out.stdout.write(f"  {out.paint(out.safe(view.warning), paint)}\n")


def _name(view: BudgetView) -> str:
    """``day budget of lane chat``; of those there are several of, which one it is."""
    each = view.budget.scope in ("job", "conversation") and view.period
    return f"{view.budget.name} {view.period}" if each else view.budget.name


def _facts(view: BudgetView, now: float) -> list[str]:
    budget, facts = view.budget, [f"{view.budget.amount(view.left)} left"]
    if view.reserved:
        facts.append(f"{budget.amount(view.reserved)} reserved")
    if view.resets_at is not None:
        facts.append(f"resets {clock(view.resets_at, now)}, in {amounts.lasting(max(0.0, view.resets_at - now))}")
    elif budget.scope == "request":
        facts.append("for each request")
    if view.forecast is not None:
        facts.append(f"{budget.amount(view.forecast)} by then at this pace")
    if view.unknown:
        facts.append(f"{view.unknown} without a known price")
    return facts


def _bar(share: float, *, full: bool) -> str:
    filled = min(BAR, round(max(0.0, share) * BAR))
    spent, left = ("▓", "░") if full else ("#", ".")
    return spent * filled + left * (BAR - filled)
