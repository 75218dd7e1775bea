"""The warnings of budgets over a whole conversation: each when it is new, not after every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError

if TYPE_CHECKING:
    from llmdesk.core.budget import Budget
    from llmdesk.desk import Desk

TOLD = ("day", "month", "conversation")
"""Scopes that go beyond one request; lines have no jobs."""


class BudgetNotes:
    """Which warnings of the budgets of ``desk`` were told already."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._names: set[str] = set()
        self._told: set[tuple[Budget, str | None, bool]] = set()

    async def fresh(self, conversation: str | None) -> tuple[str, ...]:
        """The warnings that are new: a budget has come near its limit, or reached it, since the last call.

        Args:
            conversation: the one that is open; ``None`` = it has not begun.
        """
        try:
            views = await self._desk.budgets()
        except StorageError:
            self._names.clear()  # until they can be read again, answers tell it themselves
            return ()
        lines: list[str] = []
        for view in views:
            if view.budget.scope not in TOLD:
                continue
            self._names.add(f"{view.budget.name[:1].upper()}{view.budget.name[1:]}: ")
            if view.budget.scope == "conversation" and view.period != conversation:
                continue
            stage = (view.budget, view.period, view.spent >= view.budget.limit)
            if view.warning and stage not in self._told:
                self._told.add(stage)
                lines.append(view.warning)
        return tuple(lines)

    def tells(self, line: str) -> bool:
        """Whether a warning is one of those that ``fresh`` tells."""
        return line.startswith(tuple(self._names))
