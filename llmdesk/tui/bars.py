"""Shares and courses drawn with letters: bars, and lines of small columns. They read without colours too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

SPENT, RESERVED, LEFT = "▓", "▒", "░"
"""What a bar is made of."""

COLUMNS = " ▁▂▃▄▅▆▇█"
"""A column of nought to eight eighths."""


def cells(share: float, width: int) -> int:
    """How many of ``width`` columns a share from 0 to 1 fills; only nothing fills none, only all of it fills all."""
    if share <= 0 or width <= 0:
        return 0
    if share >= 1:
        return width
    return min(max(round(share * width), 1), max(width - 1, 1))


def bar(share: float, width: int, *, style: str, reserved: float = 0.0) -> Content:
    """A bar of ``width`` columns; ``share`` and, behind it, ``reserved`` are parts of the whole."""
    spent = cells(share, width)
    held = max(cells(share + reserved, width), spent) - spent if reserved > 0 else 0
    return Content.assemble(
        (SPENT * spent, style), (RESERVED * held, "$muted"), (LEFT * (width - spent - held), "$muted")
    )


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as columns, from the lowest of them to the highest; of one height where they agree."""
    shown = values[-width:] if width > 0 else ()
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high - low <= 1e-9 * abs(high):
        return COLUMNS[4] * len(shown)
    return "".join(COLUMNS[1 + round(7 * (value - low) / (high - low))] for value in shown)
