"""The line below the top one that warns of a budget, until it is put away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.tui.budget_words import STYLES, Mark, gravest, mark
from llmdesk.tui.hints import key_name, keymap_of, with_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.budget import Budget
    from llmdesk.core.views import BudgetView


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
        others = f"  +{more} more" if more else ""
        width = max(self.size.width, 1)
        short, hints = _in_short(view), self._hints()
        ways = [f"{sign} {words}" for words in (f"{one_line(view.warning)}{others}", f"{short}{others}", short)]
        fitting = (way for way in ways if cell_len(way) + len(hints[-1]) <= width)
        warning = Content.styled(next(fitting, ways[0]), f"bold {STYLES[sign]}")
        hint = next((hint for hint in hints if warning.cell_length + len(hint) <= width), hints[-1])
        warning = warning.truncate(max(width - len(hint), 1), ellipsis=True)
        return Content.assemble(warning, (hint, "$muted")).truncate(width, ellipsis=True)

    def _hints(self) -> tuple[str, ...]:
        """What can be done, the longest first: the first that leaves room for the whole warning, else the last."""
        keymap = keymap_of(self.app)
        hide = with_key(keymap, "hide_warning", "hide") if key_name(keymap, "hide_warning") else ""
        both = f"  [{with_key(keymap, 'budgets', 'budgets')}]" + (f"  [{hide}]" if hide else "")
        return (both, f"  [{hide}]", f"  [{hide.removesuffix(' hide')}]") if hide else (both, "")

    def on_click(self) -> None:
        """Tell that more is wanted."""
        self.post_message(self.Clicked())


def _in_short(view: BudgetView) -> str:
    budget = view.budget
    spent, limit = budget.amount(view.spent), budget.amount(budget.limit)
    return f"{budget.name[0].upper()}{budget.name[1:]}: {spent} spent of {limit}"


def _key(view: BudgetView) -> tuple[Budget, str | None, Mark]:
    return view.budget, view.period, mark(view)
