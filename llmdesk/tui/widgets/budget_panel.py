"""The budgets at a glance: a bar for each of a day or a month, and how many more there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.content import Content

from llmdesk.tui.bars import bar
from llmdesk.tui.budget_words import CALENDAR, STYLES, label, mark, pair, share
from llmdesk.tui.widgets.rule import rule
from llmdesk.tui.widgets.sidebar import SidePanel
from llmdesk.tui.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import BudgetView

SHOWN = 4
"""How many bars there are; the rest is counted."""

LEAST_BAR = 5
"""Columns a bar has before the figures beside it are written in full."""

SHORT_BAR = 3
"""Columns a bar has before a name is written in full."""

LABEL_WIDTH = 9
"""Columns a budget's name may take."""

LEAST_LABEL = 3
"""Columns of it that stay."""


class BudgetPanel(SidePanel):
    """The budgets of the sidebar; hidden while there are none."""

    opens: ClassVar = "budgets"
    rank: ClassVar = 2

    DEFAULT_CSS = "BudgetPanel { height: auto; width: 1fr; margin-top: 1; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._views: tuple[BudgetView, ...] = ()

    def show_budgets(self, views: Sequence[BudgetView]) -> None:
        """Show how they stand; nothing is drawn where that is known already."""
        if tuple(views) == self._views:
            return
        self._views = tuple(views)
        self.known = bool(views)
        self.changed()

    def render(self) -> Content:
        """Draw the panel."""
        width = max(self.size.width, 8)
        barred = [view for view in self._views if view.budget.scope in CALENDAR]
        shown = barred[:SHOWN]
        lines = [rule("budgets", width), *_bars(shown, width)]
        more = len({view.budget for view in self._views} - {view.budget for view in shown})
        if more:
            lines.append(Content.styled(f"+{more} more (f4)" if shown else f"{more} without a period (f4)", "$muted"))
        if unknown := sum(view.unknown for view in shown):
            lines.append(Content.styled(f"{unknown} of unknown price (f4)", "$warning"))
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _bars(views: Sequence[BudgetView], width: int) -> list[Content]:
    """One line each, all bars of one length: name, bar, spent and limit, and a sign where it is nearly or all gone."""
    if not views:
        return []
    sign_width = 2 if any(mark(view) for view in views) else 0
    pairs = [pair(view, width - sign_width - LEAST_LABEL - LEAST_BAR - 2) for view in views]
    right = max(map(len, pairs))
    left = min(max(cell_len(label(view.budget)) for view in views), LABEL_WIDTH)
    left = max(min(left, width - right - sign_width - SHORT_BAR - 2), LEAST_LABEL)
    room = max(width - left - right - sign_width - 2, 0)
    lines = []
    for view, figures in zip(views, pairs, strict=True):
        name, sign = shortened(label(view.budget), left), mark(view)
        drawn = bar(share(view, view.spent), room, style=STYLES[sign], reserved=share(view, view.reserved))
        padded = name + " " * (left - cell_len(name))
        tail = (f" {sign}" if sign else "", f"bold {STYLES[sign]}")
        lines.append(Content.assemble(f"{padded} ", drawn, (f" {figures:>{right}}", "$foreground"), tail))
    return lines
