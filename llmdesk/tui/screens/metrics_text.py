"""The measures as text: one line of sums, four plots, and a table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from llmdesk.core.money import NANO, shown_usd
from llmdesk.core.text import one_line
from llmdesk.tui.plots import Axis, Point, bars, beside, columns
from llmdesk.tui.reasons import reason_words
from llmdesk.tui.screens.measured import WORDS
from llmdesk.tui.words import clock, counted, in_rows, latency, rate, seconds, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmdesk.core.measures import Measures, Percentiles
    from llmdesk.tui.screens.measured import Measured

LOW, HIGH = 4, 7
"""Lines of a plot between its title and its times, on a screen of ordinary height and on a tall one."""

TALL_FROM = 34
"""Lines from which a screen is tall."""

PAIR_FROM = 70
"""Columns from which two plots stand side by side."""

GROUPS_SHOWN = 40
"""Rows of the table."""

UNPRICED = "*"
"""Marks a sum that leaves out attempts whose price nobody knows."""


def metrics_text(found: Measured, *, width: int, height: int) -> Content:
    """Everything, in lines of ``width`` columns, for a screen of ``height`` lines."""
    whole = found.whole
    where = "all lanes" if found.view.lane is None else f"lane {one_line(found.view.lane, 24)}"
    head = Content.assemble(
        (f"{where} · {WORDS[found.view.span]}", "bold"), (f" · since {clock(found.since)}", "$muted")
    )
    if not whole.attempts and not whole.skipped:
        return Content("\n").join([head, Content(""), *_nothing(found)])
    lines = [head, *_sums(whole, width), Content("")]
    lines += _plots(found, width, HIGH if height >= TALL_FROM else LOW)
    lines += [Content(""), *_table(found, width)]
    if whole.unknown_price:
        lines += [
            Content(""),
            Content.styled(
                f"{UNPRICED} without {counted(whole.unknown_price, 'attempt')} of unknown price: f4", "$muted"
            ),
        ]
    return Content("\n").join(lines)


def _nothing(found: Measured) -> list[Content]:
    farther = "Keys: w the last 7 days, m the last 30" + (", l all lanes." if found.view.lane is not None else ".")
    return [Content(f"Nothing was asked in {WORDS[found.view.span]}."), Content.styled(farther, "$muted")]


def _sums(whole: Measures, width: int) -> list[Content]:
    parts = [counted(whole.attempts, "attempt")]
    if whole.success_rate is not None:
        parts.append(f"ok {_percent(whole)}")
    parts.append(f"{_count(whole.input_tokens)} tok in, {_count(whole.output_tokens)} out" + _about(whole))
    parts.append(_cost(whole) + (" USD" if whole.cost_nano_usd else ""))
    if whole.failovers:
        parts.append(f"{counted(whole.failovers, 'failover')}, {seconds(whole.lost_s)} lost")
    if whole.cooldown_s:
        parts.append(f"cooldowns {seconds(whole.cooldown_s)}")
    if whole.skipped:
        parts.append(f"{whole.skipped} skipped")
    return [Content(row) for row in in_rows(parts, width)]


def _about(whole: Measures) -> str:
    return f" (~{whole.estimated} estimated)" if whole.estimated else ""


def _plots(found: Measured, width: int, rows: int) -> list[Content]:
    paired = width >= PAIR_FROM
    each = (width - 2) // 2 if paired else width
    first, last = found.times[0][0], "now" if found.view.hourly else found.times[-1][0]

    def over_time(title: str, points: Sequence[Point], figure: Callable[[float], str]) -> list[Content]:
        axis = Axis(title=title, figure=figure, first=first, last=last)
        return columns(axis, points, width=each, rows=rows, style="$primary")

    speeds = over_time("tokens/s (median)", [_middle(row.tokens_per_s) for _, row in found.times], rate)
    starts = over_time("first token: median █, p95 ░", [_both(row.first_token_s) for _, row in found.times], latency)
    cost = columns(
        Axis(title="cost by day, USD", figure=_usd, first=found.days[0][0], last=found.days[-1][0]),
        [Point(value=float(row.cost_nano_usd)) for _, row in found.days],
        width=each, rows=rows, style="$success",
    )  # fmt: skip
    errors = bars(
        "errors", _errors(found.whole), width=each, rows=rows, style="$error", none="none: every attempt was answered"
    )
    if paired:
        apart = [Content("")] if rows == HIGH else []
        return [*beside(speeds, starts, gap=2), *apart, *beside(cost, errors, gap=2)]
    return [*speeds, *starts, *cost, *errors]


def _errors(whole: Measures) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for kind, count in whole.errors.items():
        words = one_line(reason_words(kind), 40)
        counts[words] = counts.get(words, 0) + count
    return counts


def _middle(found: Percentiles | None) -> Point:
    return Point(value=found.p50 if found is not None else None)


def _both(found: Percentiles | None) -> Point:
    return Point(value=found.p50, top=found.p95) if found is not None else Point()


# --- the table ----------------------------------------------------------------------------------------------------

_TITLES = ("attempts", "ok", "tok/s", "first", "p50", "p95", "p99", "USD")


def _table(found: Measured, width: int) -> list[Content]:
    """One row a group: how many, how many well, how fast, and how long (response times of answers)."""
    by = found.view.by
    shown = found.groups[:GROUPS_SHOWN]
    cells = [(*_row(row), cost) for row, cost in zip(shown, _costs(shown), strict=True)]
    widths = [max([len(title), *(len(row[at]) for row in cells)]) for at, title in enumerate(_TITLES)]
    kept = list(range(len(_TITLES)))
    for spare in (3, 2, 6):  # first token, speed, p99: what the plots and the sums tell as well
        if sum(widths[at] + 2 for at in kept) + 10 > width:
            kept.remove(spare)
    names = max(width - sum(widths[at] + 2 for at in kept), 6)
    longest = max([cell_len(f"by {by}"), *(cell_len(_name(row)) for row in shown)])
    names = min(names, longest)
    title = f"by {by}" + " " * max(names - len(f"by {by}"), 0)
    head = title + "".join(f"  {_TITLES[at]:>{widths[at]}}" for at in kept)
    lines = [Content.styled(head, "bold $accent")]
    for row, texts in zip(shown, cells, strict=True):
        name = shortened(_name(row), names)
        figures = "".join(f"  {texts[at]:>{widths[at]}}" for at in kept)
        lines.append(Content.assemble(name, " " * (names - cell_len(name)), figures))
    if len(found.groups) > len(shown):
        lines.append(Content.styled(f"and {len(found.groups) - len(shown)} more: llmdesk stats --by {by}", "$muted"))
    return [line.truncate(width, ellipsis=True) for line in lines]


def _name(row: Measures) -> str:
    return one_line("/".join(value for value in row.group.values() if value), 80) or "(none)"


def _row(row: Measures) -> tuple[str, ...]:
    response = row.response_s
    return (
        str(row.attempts),
        _percent(row),
        rate(row.tokens_per_s.p50) if row.tokens_per_s is not None else "",
        latency(row.first_token_s.p50) if row.first_token_s is not None else "",
        *((latency(value) for value in (response.p50, response.p95, response.p99)) if response else ("", "", "")),
    )


def _percent(row: Measures) -> str:
    """Never rounded up to all of them."""
    if row.success_rate is None:
        return ""
    whole = round(100 * row.success_rate)
    return f"{min(whole, 99) if row.success_rate < 1 else whole} %"


def _cost(row: Measures) -> str:
    mark = UNPRICED if row.unknown_price else ""
    if not row.cost_nano_usd:
        return f"unknown{mark}" if mark else "free" if row.completed else ""  # what never answered has no price to show
    return f"{shown_usd(row.cost_nano_usd)}{mark}"


def _costs(rows: Sequence[Measures]) -> list[str]:
    """A column of costs, as many decimals each as the finest needs, so that their points stand in one line."""
    known = [shown_usd(row.cost_nano_usd) for row in rows if row.cost_nano_usd]
    digits = max((len(text.partition(".")[2]) for text in known), default=0)
    marked = any(row.unknown_price for row in rows)
    column = []
    for row in rows:
        mark = UNPRICED if row.unknown_price else " " if marked else ""
        known_usd = f"{Decimal(row.cost_nano_usd) / NANO:.{digits}f}{mark}"
        column.append(known_usd if row.cost_nano_usd else _cost(row))
    return column


def _usd(nano_usd: float) -> str:
    """An amount that fits beside a plot: ``0.0032``, ``12.30``, ``1230``."""
    amount = nano_usd / float(NANO)
    if amount >= 1:
        return f"{amount:.2f}" if amount < 1000 else f"{amount:.0f}"
    return next((text for digits in (3, 2) if len(text := _plain(amount, digits)) <= 6), _plain(amount, 1))


def _plain(amount: float, digits: int) -> str:
    """So many significant digits, never with an exponent."""
    return f"{Decimal(f'{amount:.{digits}g}'):f}"


def _count(tokens: int) -> str:
    return f"{tokens:,}".replace(",", " ")
