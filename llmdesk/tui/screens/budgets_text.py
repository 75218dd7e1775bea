"""Every budget as text: a bar, what is spent, set aside and left, where it is heading, when it begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from llmdesk.core.text import one_line
from llmdesk.tui.bars import bar
from llmdesk.tui.budget_words import STYLES, Mark, full_name, kind_words, mark, percent_words, resets, share
from llmdesk.tui.spans import moment
from llmdesk.tui.words import counted, in_rows, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.budget import Budget
    from llmdesk.core.views import BudgetView
    from llmdesk.tui.house import Talked

BAR_WIDTH = 40
"""Columns a bar has at most."""

JOB_BAR = 12
"""Columns of the bar of one job."""

JOBS_SHOWN = 100
"""Jobs that are shown of one budget; the filter finds the others."""

WHAT_TO_WRITE = """\
No budget is set: nothing warns, and nothing stops.

Limits stand in llmdesk.yaml (llmdesk config path says where) and hold as soon as the file is saved.

budgets:
  - {scope: day, limit_usd: 2.00, kind: hard, when_exhausted: free}
  - {scope: month, limit_usd: 30, kind: soft}
  - {scope: job, limit_tokens: 500000, kind: hard}

A soft budget warns from 80 % on (warn_at: 0.8). A hard one stops what would exceed it; with when_exhausted: free it \
goes on with models that cost nothing. lane:, provider: or agent: narrows a budget.
"""


def fits(view: BudgetView, query: str) -> bool:
    """Whether every word of a query fits a budget; ``lane:``, ``provider:``, ``agent:``, ``job:``, ``scope:`` name."""
    budget = view.budget
    facets = {"lane": budget.lane, "provider": budget.provider, "agent": budget.agent, "scope": budget.scope}
    facets["job"] = view.period if budget.scope == "job" else None
    whole = f"{full_name(view)} {kind_words(budget)} {budget.unit}".lower()
    for word in query.lower().split():
        name, colon, value = word.partition(":")
        if colon and name in facets:
            if value not in (facets[name] or "").lower():
                return False
        elif word not in whole:
            return False
    return True


def budgets_text(
    views: Sequence[BudgetView],
    unpriced: Mapping[str, int],
    *,
    width: int,
    now: float,
    query: str = "",
    talk: Talked | None = None,
) -> Content:
    """The whole screen.

    Args:
        views: every budget.
        unpriced: model ref -> how many of its attempts have no known price.
        width: columns.
        now: UTC epoch seconds.
        query: what the budgets shown must fit.
        talk: the conversation that is open, ``None`` = a new one.
    """
    if not views:
        return Content(WHAT_TO_WRITE)
    shown = [view for view in views if fits(view, query)]
    if not shown:
        return Content.styled("No budget fits this filter.", "$muted")
    lines: list[Content] = []
    for budget, group in _by_budget(shown).items():
        match budget.scope:
            case "job":
                lines += _jobs(budget, group, width)
            case "conversation":
                lines += _open_talk(budget, group, talk, width, now)
            case "request" | "day" | "month":
                lines += _block(group[0], width, now)
        lines.append(Content(""))
    return Content("\n").join([*lines, *_unpriced(unpriced)])


def _by_budget(views: Sequence[BudgetView]) -> dict[Budget, list[BudgetView]]:
    """The budgets in their order, those of jobs with all their jobs."""
    groups: dict[Budget, list[BudgetView]] = {}
    for view in views:
        groups.setdefault(view.budget, []).append(view)
    return groups


def _head(name: str, budget: Budget, width: int) -> Content:
    right = kind_words(budget)
    name = shortened(one_line(name), max(width - len(right) - 2, 8))
    gap = " " * max(width - cell_len(name) - len(right), 2)
    return Content.assemble((name, "bold"), gap, (right, "$muted"))


def _block(view: BudgetView, width: int, now: float) -> list[Content]:
    budget = view.budget
    head = _head(budget.name, budget, width)
    if budget.scope == "request":
        return [head, _for_each(budget)]
    return [head, *_standing(view, width, now)]


def _for_each(budget: Budget) -> Content:
    return Content.styled(f"  {budget.amount(budget.limit)} for each {budget.scope}", "$muted")


def _open_talk(
    budget: Budget, views: Sequence[BudgetView], talk: Talked | None, width: int, now: float
) -> list[Content]:
    """A budget of conversations: what the open one has used of it."""
    lines = [_head(budget.name, budget, width), _for_each(budget)]
    own = next((view for view in views if talk is not None and view.period == talk.id), None)
    if talk is None or own is None:  # new, or not among those used last
        return lines
    name = shortened(one_line(talk.title), max(width - len("  this one: "), 8))
    return [*lines, Content.assemble(("  this one: ", "$muted"), name), *_standing(own, width, now)]


def _standing(view: BudgetView, width: int, now: float) -> list[Content]:
    """The bar, and what is to be known beside it."""
    budget, sign = view.budget, mark(view)
    style = STYLES[sign]
    figures = f" {percent_words(view):>3} %  {budget.amount(view.spent)} of {budget.amount(budget.limit)}"
    room = max(min(width - len(figures) - 4, BAR_WIDTH), 4)
    drawn = bar(share(view, view.spent), room, style=style, reserved=share(view, view.reserved))
    lines = [Content.assemble("  ", drawn, figures, (f" {sign}" if sign else "", f"bold {style}"))]
    aside = f"set aside {budget.amount(view.reserved)}" if view.reserved else ""
    parts = (aside, f"left {budget.amount(view.left)}", _forecast(view, now), resets(view, now))
    rows = in_rows([part for part in parts if part], width, indent="  ")
    lines += [Content.styled(row, "$muted") for row in rows]
    if view.forecast is not None and view.forecast > budget.limit and sign is not Mark.OVER:
        lines.append(Content.styled("  ! at this pace the limit is reached before then", "$warning"))
    if view.unknown:
        lines.append(Content.styled(f"  {_attempts(view.unknown)} of unknown price not counted, see below", "$warning"))
    return lines


def _forecast(view: BudgetView, now: float) -> str:
    if view.resets_at is None:
        return ""
    if view.forecast is None:
        return "forecast: too early to say"
    return f"forecast {view.budget.amount(view.forecast)} by {moment(view.resets_at, now)}"


def _jobs(budget: Budget, views: Sequence[BudgetView], width: int) -> list[Content]:
    """A budget of jobs: one line a job, those that have used the most of it first."""
    began = [view for view in views if view.period is not None]
    limit = budget.amount(budget.limit)
    lines = [_head(f"{budget.name}: {limit} each", budget, width)]
    if not began:
        return [*lines, Content.styled("  no job has used any of it yet", "$muted")]
    began.sort(key=lambda view: -view.spent)
    shown = began[:JOBS_SHOWN]
    names = min(max(cell_len(one_line(view.period or "")) for view in shown), max(width // 3, 8))
    for view in shown:
        name, sign = shortened(one_line(view.period or ""), names), mark(view)
        drawn = bar(share(view, view.spent), JOB_BAR, style=STYLES[sign], reserved=share(view, view.reserved))
        pad = " " * (names - cell_len(name) + 1)
        figures = f" {percent_words(view):>3} %  {budget.amount(view.spent)}, left {budget.amount(view.left)}"
        unknown = f", {_attempts(view.unknown)} of unknown price" if view.unknown else ""
        tail = (f" {sign}" if sign else "", f"bold {STYLES[sign]}")
        lines.append(Content.assemble("  ", name, pad, drawn, figures, tail, (unknown, "$warning")))
    if len(began) > len(shown):
        lines.append(Content.styled(f"  and {len(began) - len(shown)} more jobs; / finds one", "$muted"))
    return lines


def _unpriced(unpriced: Mapping[str, int]) -> list[Content]:
    """What to write so that these attempts can be counted."""
    if not unpriced:
        return []
    lines = [
        Content.styled("Prices nobody knows", "bold $warning"),
        Content("  A hard budget refuses them until llmdesk.yaml says what they cost (0 = free):"),
        Content("  models:"),
    ]
    for ref, count in unpriced.items():
        lines.append(Content.assemble(f"    {one_line(ref)}:  ", (f"# {_attempts(count)}", "$muted")))
        lines.append(Content("      price: {input_usd_per_mtok: …, output_usd_per_mtok: …}"))
    return lines


def _attempts(count: int) -> str:
    return counted(count, "attempt")
