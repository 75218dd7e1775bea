"""``llmdesk budgets``: every limit, what of it is spent, reserved and left, and when it begins anew."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from llmdesk.cli.budget_text import BudgetText
from llmdesk.cli.options import desk_command
from llmdesk.cli.rows import chosen_form, format_option, write_rows
from llmdesk.cli.use_report import BUDGET_COLUMNS, budget_report
from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk

NONE_YET = (
    "No budgets are configured. One that holds: budgets: [{scope: day, limit_usd: 2.00, kind: hard}] "
    "Where to write it: llmdesk config path"
)


@desk_command("budgets", short_help="Each budget: spent, reserved, left, when it resets.")
@format_option()
@click.pass_obj
def command(session: Session, form: str | None) -> int:
    """Every budget as it stands now, with the jobs and conversations that used it last."""
    wanted = chosen_form(session, form)

    async def show(desk: Desk, _signals: Signals) -> int:
        views = await desk.budgets()
        if wanted != "table":
            write_rows(session, desk, wanted, BUDGET_COLUMNS, [budget_report(view) for view in views])
        elif views:
            titles = await _titles(desk, views)
            text = BudgetText(session.out, now=session.now(), bars=not session.plain_terminal, titles=titles)
            text.show(views)
        else:
            session.nothing(desk, NONE_YET)
        return 0

    return session.run(show)


async def _titles(desk: Desk, views: Sequence[BudgetView]) -> dict[str, str]:
    """Conversation -> title, of those that are shown."""
    wanted = {view.period for view in views if view.budget.scope == "conversation" and view.period is not None}
    if not wanted:
        return {}
    titles = {view.id: view.title for view in await desk.conversations() if view.id in wanted}
    for conversation in wanted - titles.keys():
        with suppress(UsageError):  # removed since, or never kept
            titles[conversation] = (await desk.conversation(conversation)).title
    return titles
