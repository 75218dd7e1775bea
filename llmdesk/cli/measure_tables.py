"""What was measured, as tables for people: how fast, and below it what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli import amounts
from llmdesk.cli.report_table import Column, show_table
from llmdesk.cli.times import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.output import Output
    from llmdesk.core.measures import Grouping, Measures, Percentiles

_SPEED = (
    Column(name="attempts"),
    Column(name="ok"),
    Column(name="p50", over="response, s"),
    Column(name="p95", over="response, s"),
    Column(name="p99", over="response, s", spare=3),
    Column(name="p50", over="first token, s"),
    Column(name="p95", over="first token, s"),
    Column(name="p99", over="first token, s", spare=4),
    Column(name="p50", over="tok/s"),
    Column(name="p95", over="tok/s", spare=5),
    Column(name="p99", over="tok/s", spare=6),
)
_TROUBLE = (
    Column(name="failed"),
    Column(name="skipped", spare=1),
    Column(name="failovers"),
    Column(name="lost"),
    Column(name="cooldown"),
    Column(name="errors", number=False),
)


def show_measures(out: Output, by: Sequence[Grouping], rows: Sequence[Measures]) -> None:
    """Show each group's speed, then those that had any trouble."""
    names = tuple(Column(name=name, number=False) for name in by)
    show_table(out, (*names, *_SPEED), [(*_group(row), *_speed(row)) for row in rows])
    troubled = [row for row in rows if row.failed or row.failovers or row.errors or row.cooldown_s]
    if troubled:
        out.line()
        show_table(out, (*names, *_TROUBLE), [(*_group(row), *_trouble(row)) for row in troubled])


def _group(row: Measures) -> tuple[str, ...]:
    return tuple(
        "-" if value is None else stamp(float(value))[:-3] if name == "hour" else value
        for name, value in row.group.items()
    )


def _speed(row: Measures) -> tuple[str, ...]:
    found = (row.response_s, row.first_token_s, row.tokens_per_s)
    times = [text for each in found for text in _percentiles(each)]
    return amounts.tokens(row.attempts), amounts.share(row.success_rate), *times


def _percentiles(found: Percentiles | None) -> tuple[str, ...]:
    values = (None, None, None) if found is None else (found.p50, found.p95, found.p99)
    return tuple(amounts.seconds(value) for value in values)


def _trouble(row: Measures) -> tuple[str, ...]:
    worst = sorted(row.errors.items(), key=lambda item: (-item[1], item[0]))
    return (
        amounts.tokens(row.failed),
        amounts.tokens(row.skipped),
        amounts.tokens(row.failovers),
        amounts.lasting(row.lost_s) if row.lost_s else "-",
        amounts.lasting(row.cooldown_s) if row.cooldown_s else "-",
        ", ".join(f"{kind} {count}" for kind, count in worst) or "-",
    )
