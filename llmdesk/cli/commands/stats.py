"""``llmdesk stats``: what was used and what it cost, over days and months."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from llmdesk.cli import amounts
from llmdesk.cli.options import desk_command
from llmdesk.cli.report_table import Column, show_table
from llmdesk.cli.rows import chosen_form, format_option, write_rows
from llmdesk.cli.use_report import stats_columns, stats_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk
    from llmdesk.desk.reports import Period, Stats, StatsBy, StatsRow

_COLUMNS = (
    Column(name="attempts", spare=5),
    Column(name="answers"),
    Column(name="failed", spare=3),
    Column(name="failovers", spare=2),
    Column(name="input", over="tokens"),
    Column(name="cached", over="tokens", spare=4),
    Column(name="output", over="tokens"),
    Column(name="reasoning", over="tokens", spare=6),
    Column(name="cost", over="USD"),
    Column(name="saved", over="USD"),
)


@desk_command("stats", short_help="What was used and what it cost.")
@click.option(
    "--period",
    type=click.Choice(("day", "week", "month", "all")),
    default="month",
    show_default=True,
    help="Today, the last seven days with today, this month, or everything.",
)
@click.option(
    "--by",
    type=click.Choice(("lane", "agent", "job", "provider", "model", "day", "month")),
    default="model",
    show_default=True,
    help="One row for each of these.",
)
@format_option()
@click.pass_obj
def command(session: Session, period: str, by: str, form: str | None) -> int:
    """Answers, tokens, cost and failovers, and what free answers would have cost at their lane's first paid target."""
    wanted = chosen_form(session, form)
    grouping = cast("StatsBy", by)

    async def show(desk: Desk, _signals: Signals) -> int:
        stats = await desk.stats(cast("Period", period), grouping)
        if wanted != "table":
            write_rows(session, desk, wanted, stats_columns(grouping), [stats_report(stats, r) for r in stats.rows])
        elif stats.rows:
            _show(session, stats, grouping)
        else:
            first = f" since {stats.first_day}" if stats.first_day else ""
            session.nothing(desk, f"Nothing was asked{first}.")
        return 0

    return session.run(show)


def _show(session: Session, stats: Stats, by: StatsBy) -> None:
    session.out.say(f"{_span(stats)}, by {by}")
    *rows, total = _cells((*stats.rows, stats.total))
    show_table(
        session.out,
        (Column(name=by, number=False), *_COLUMNS),
        [(_name(row), *cells) for row, cells in zip(stats.rows, rows, strict=True)],
        total=("total", *total) if len(stats.rows) > 1 else (),
    )
    for line in _notes(stats):
        session.out.say(f"note: {line}")
    for lane, why in stats.uncompared.items():
        session.out.detail(f"Nobody can tell what lane {lane} saved: {why}.")


def _span(stats: Stats) -> str:
    if stats.first_day is None:
        return f"until {stats.last_day}"
    return stats.last_day if stats.first_day == stats.last_day else f"{stats.first_day} to {stats.last_day}"


def _name(row: StatsRow) -> str:
    return "/".join(value or "-" for value in row.group.values())


def _cells(rows: Sequence[StatsRow]) -> list[tuple[str, ...]]:
    """The cells of every row behind its name."""
    costs = amounts.dollar_column([row.cost_nano_usd for row in rows])
    savings = amounts.dollar_column([row.saved_nano_usd for row in rows])
    return [
        (
            *_counts(row),
            cost + "+" if row.sums.unknown_price and row.cost_nano_usd is not None else cost,
            "-" if row.saved_nano_usd is None else saving,
        )
        for row, cost, saving in zip(rows, costs, savings, strict=True)
    ]


def _counts(row: StatsRow) -> tuple[str, ...]:
    sums, share = row.sums, row.failover_share
    return (
        amounts.tokens(sums.attempts),
        amounts.tokens(sums.completed),
        amounts.tokens(sums.failed),
        amounts.share(share) if sums.failovers else "-",
        amounts.tokens(sums.input_tokens),
        amounts.tokens(sums.cached_input_tokens),
        amounts.tokens(sums.output_tokens),
        amounts.tokens(sums.reasoning_tokens),
    )


def _notes(stats: Stats) -> list[str]:
    """What the figures do not tell by themselves."""
    sums, notes = stats.total.sums, []
    if count := sums.unknown_price:
        notes.append(f"{_attempts(count)} no known price and cost more than is shown; prices go under 'models'.")
    if count := sums.estimated:
        notes.append(f"{_attempts(count)} estimated tokens, because the provider told none.")
    return notes


def _attempts(count: int) -> str:
    return "1 attempt has" if count == 1 else f"{count} attempts have"
