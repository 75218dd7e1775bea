"""``llmdesk metrics``: how fast and how reliably targets answered, and every attempt as a row."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from llmdesk.cli.measure_tables import show_measures
from llmdesk.cli.options import TEXT, desk_command, desk_group
from llmdesk.cli.rows import chosen_form, format_option, stream_rows, write_rows
from llmdesk.cli.times import since as instant
from llmdesk.cli.use_report import ATTEMPT_COLUMNS, attempt_line_report, measure_columns, measure_report
from llmdesk.core.errors import UsageError
from llmdesk.core.measures import Grouping, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

USUAL_SPAN = "30d"
USUAL_GROUPS = "provider,lane"

EXACT_UP_TO_S = 86_400.0
"""Times up to this long are taken as they are, seconds; longer ones to whole hours, which are added up already."""


@desk_group("metrics", default="summary")
def command() -> None:
    """How fast and how reliably targets answered, from every attempt that was made; without a command: summary."""


def _selecting(usual_since: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the options that say which attempts to look at; they come as one ``wishes``."""
    names = ("provider", "model", "lane", "agent", "job")

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        spans = (
            ("--until", "Only older than this: a span such as 24h, or a date."),
            ("--since", f"Only newer than this: 30m, 24h, 7d or a date. {usual_since}"),
        )
        for option, words in spans:
            function = click.option(option, type=TEXT, metavar="SPAN", help=words)(function)
        for name in reversed(names):
            words = "Only this model: MODEL or PROVIDER/MODEL." if name == "model" else f"Only this {name}."
            function = click.option(f"--{name}", type=TEXT, metavar=name.upper(), help=words)(function)
        return function

    return declare


@desk_command("summary", short_help="Counts, success, times and speed of groups of attempts.")
@_selecting(f"{USUAL_SPAN} unless given.")
@click.option(
    "--by",
    type=TEXT,
    metavar="GROUPS",
    default=USUAL_GROUPS,
    show_default=True,
    help="One row for each of these, separated by commas: provider, model, lane, agent, job, day, hour, five_minutes.",
)
@format_option()
@click.pass_obj
def summary(session: Session, /, by: str, form: str | None, **wishes: str | None) -> int:
    """Count and measure attempts: success, error classes, and p50, p95 and p99 of times and speed."""
    wanted = chosen_form(session, form)
    groups = groupings(by)
    wishes["since"] = wishes["since"] or USUAL_SPAN

    async def show(desk: Desk, _signals: Signals) -> int:
        selection = await _selection(session, desk, wishes)
        measured = await desk.measures(selection, groups)
        rows = [each for each in measured if each.attempts or each.skipped]
        if wanted != "table":
            write_rows(session, desk, wanted, measure_columns(groups), [measure_report(each) for each in rows])
        elif rows:
            show_measures(session.out, groups, rows)
        else:
            session.nothing(desk, "No attempts were made in that time.")
        return 0

    return session.run(show)


@desk_command("export", short_help="Every attempt as a row.")
@_selecting("Everything unless given.")
@format_option(table=False)
@click.pass_obj
def export(session: Session, /, form: str | None, **wishes: str | None) -> int:
    """Print one row an attempt or skip, oldest first: numbers and names, no text of anybody."""
    wanted = chosen_form(session, form, usual="csv")

    async def write(desk: Desk, signals: Signals) -> int:
        selection = await _selection(session, desk, wishes, exact=True)
        async with aclosing(desk.attempts(selection)) as attempts:
            reports = (attempt_line_report(row) async for row in attempts)
            count = await stream_rows(session, signals, wanted, ATTEMPT_COLUMNS, reports)
        if not count:
            session.nothing(desk, "No attempts were made in that time.")
        return 0

    return session.run(write)


def groupings(text: str) -> tuple[Grouping, ...]:
    """Read ``provider,lane``; each once, in their order. An empty text is no grouping: one row for all.

    Raises:
        UsageError: one is unknown.
    """
    known = get_args(Grouping)
    found = dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip())
    for word in found:
        if word not in known:
            raise UsageError(f"--by {text}: there is no grouping '{word}'. Known: {', '.join(known)}.")
    return cast("tuple[Grouping, ...]", tuple(found))


async def _selection(session: Session, desk: Desk, wishes: dict[str, str | None], *, exact: bool = False) -> Selection:
    """What the options select; short times are taken as they are, longer ones to whole hours unless ``exact``.

    Raises:
        UsageError: a name or a time is wrong.
    """
    now = session.now()
    times = {name: instant(text, now) if (text := wishes[name]) is not None else None for name in ("since", "until")}
    if times["since"] is not None and times["until"] is not None and times["since"] >= times["until"]:
        raise UsageError(f"--since {wishes['since']} is not before --until {wishes['until']}, so nothing lies between.")
    names = {name: wishes[name] for name in ("provider", "model", "lane", "agent", "job")}
    short = times["since"] is not None and (times["until"] or now) - times["since"] <= EXACT_UP_TO_S
    selection = _with_provider(desk, Selection(**times, **names, exact=exact or short))  # type: ignore[arg-type]
    await desk.check_names(selection)
    return selection


def _with_provider(desk: Desk, selection: Selection) -> Selection:
    """Take PROVIDER/MODEL apart, where it begins with a provider; names of models may have strokes too."""
    head, stroke, rest = (selection.model or "").partition("/")
    if not (stroke and rest) or head not in [status.provider for status in desk.providers()]:
        return selection
    if selection.provider not in (None, head):
        raise UsageError(f"--provider {selection.provider} and --model {selection.model} exclude each other.")
    return replace(selection, provider=head, model=rest)


for _sub in (summary, export):
    command.add_command(_sub)
