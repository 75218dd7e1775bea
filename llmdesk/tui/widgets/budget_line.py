"""The line below the top one that warns of a budget, until it is put away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.tui.budget_words import STYLES, Mark, gravest, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.budget import Budget
    from llmdesk.core.views import BudgetView

HINTS = ("  [f4 budgets]  [alt+w hide]", "  [alt+w hide]", "  [alt+w]")
"""What can be done, the longest first: the first that leaves room for the whole warning, else the last."""


class BudgetLine(Widget):
    """Warnings of day and month budgets. It takes no focus and no key."""

    DEFAULT_CSS = """
    BudgetLine { display: none; height: 1; width: 1fr; padding: 0 1; background: $panel; }
    BudgetLine.-shown { display: block; }
    .-flat BudgetLine { display: none; }
    """

    class Clicked(Message):
        """The user wants to know more."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._warned: list[BudgetView] = []
        self._views: tuple[BudgetView, ...] = ()
        self._away: set[tuple[Budget, str | None, Mark]] = set()

    @property
    def shown(self) -> bool:
        """There is a warning on the screen."""
        return bool(self._warned)

    def show_warnings(self, views: Sequence[BudgetView]) -> None:
        """Show what these budgets warn of, except what was put away; nothing is drawn where nothing changed."""
        self._views = tuple(views)
        warned = [view for view in gravest(views) if _key(view) not in self._away]
        if [(view.warning, mark(view)) for view in warned] != [(view.warning, mark(view)) for view in self._warned]:
            self._warned = warned
            self.set_class(bool(warned), "-shown")
            self.refresh()

    def put_away(self) -> None:
        """Show none of these any more until its next period, or until it goes from nearly to all gone."""
        self._away |= {_key(view) for view in self._warned}
        self.show_warnings(self._views)

    def render(self) -> Content:
        """Draw the gravest warning, and count the others."""
        if not self._warned:
            return Content("")
        view, more = self._warned[0], len(self._warned) - 1
        sign = mark(view) or Mark.NEAR
        text = f"{sign} {one_line(view.warning)}" + (f"  +{more} more" if more else "")
        width = max(self.size.width, 1)
        warning = Content.styled(text, f"bold {STYLES[sign]}")
        hint = next((hint for hint in HINTS if warning.cell_length + len(hint) <= width), HINTS[-1])
        warning = warning.truncate(max(width - len(hint), 1), ellipsis=True)
        return Content.assemble(warning, (hint, "$muted")).truncate(width, ellipsis=True)

    def on_click(self) -> None:
        """Tell that more is wanted."""
        self.post_message(self.Clicked())


def _key(view: BudgetView) -> tuple[Budget, str | None, Mark]:
    return view.budget, view.period, mark(view)
