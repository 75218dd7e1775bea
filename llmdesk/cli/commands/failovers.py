"""``llmdesk failovers``: what failed over, from where to where, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command
from llmdesk.cli.report import FAILOVER_COLUMNS, failover_report
from llmdesk.cli.rows import chosen_form, format_option, write_rows
from llmdesk.cli.times import since, stamp
from llmdesk.core.errors import ErrorKind, UsageError

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

SKIPS = ("cooling", "no key", "attention", "unfit", "privacy", "busy", "next")
"""Why a target was passed over without a call; the rest are classes of failure."""

REASONS = (*(kind.value for kind in ErrorKind), *SKIPS)


@desk_command("failovers", short_help="What failed over, from where to where, and why.")
@click.option("--since", "span", type=TEXT, metavar="SPAN", help="Only newer than this: 30m, 24h, 7d or a date.")
@click.option("--lane", type=TEXT, metavar="LANE", help="Only this lane.")
@click.option("--provider", type=TEXT, metavar="PROVIDER", help="Only away from, or to, this provider.")
@click.option(
    "--reason", type=click.Choice(REASONS), metavar="REASON", help="Only for this reason: rate, net, cooling …"
)
@click.option("--limit", type=click.IntRange(min=1), default=500, show_default=True, help="At most so many.")
@format_option()
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    span: str | None,
    lane: str | None,
    provider: str | None,
    reason: str | None,
    limit: int,
    form: str | None,
) -> int:
    """Failover history, newest first: when, from, to, why, and the time it cost."""
    wanted = chosen_form(session, form)
    after = since(span, session.now()) if span is not None else None

    async def show(desk: Desk, _signals: Signals) -> int:
        if lane is not None and lane not in (names := [view.name for view in desk.lanes()]):
            raise UsageError(f"There is no lane '{lane}'. Known: {', '.join(names)}.")
        if provider is not None and provider not in (names := [status.provider for status in desk.providers()]):
            raise UsageError(f"There is no provider '{provider}'. Known: {', '.join(names)}.")
        rows = await desk.failovers(since=after, lane=lane, provider=provider, reason=reason, limit=limit)
        if wanted != "table":
            write_rows(session, desk, wanted, FAILOVER_COLUMNS, [failover_report(row) for row in rows])
        elif rows:
            session.out.table(
                ("when", "lane", "from", "to", "why", "lost", "request", "message"),
                [
                    (stamp(r.at), r.lane, r.source, r.target, r.reason, f"{r.lost_s:.1f} s", r.request, r.message)
                    for r in rows
                ],
            )
        else:
            session.nothing(desk, "No failovers.")
        return 0

    return session.run(show)
