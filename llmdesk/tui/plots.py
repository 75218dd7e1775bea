"""Plots made of letters: columns over time with their scale beside and their times below, and bars with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from llmdesk.core.values import dataclass
from llmdesk.tui.bars import COLUMNS, SPENT, cells
from llmdesk.tui.words import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SCALE_WIDTH = 7
"""Columns of the scale beside a plot, its line included."""

WIDEST = 5
"""Columns a point has at most, its gap included."""

SHADE = "░"
"""What shows a second, higher value of a point."""

NAME_PART = 0.45
"""How much of the width of a list of bars their names may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of time: ``value``, and ``top`` where a second value lies above it; ``None`` = there was nothing."""

    value: float | None = None
    top: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """How a plot is labelled: what it shows with its unit, a figure on its scale, the first and the last time."""

    title: str
    figure: Callable[[float], str]
    first: str
    last: str


def columns(axis: Axis, points: Sequence[Point], *, width: int, rows: int, style: str) -> list[Content]:
    """A plot of ``rows`` lines between its title and its times, each line ``width`` columns wide."""
    room = max(width - SCALE_WIDTH, 1)
    points = _folded(points, room)
    peak = max((max(point.value or 0.0, point.top or 0.0) for point in points), default=0.0)
    each = max(1, min(room // max(len(points), 1), WIDEST))
    lines = [_filled(Content.styled(axis.title, "bold $accent"), width)]
    for row in reversed(range(rows)):
        label = axis.figure(peak) if row == rows - 1 and peak else ""
        scale = f"{shortened(label, SCALE_WIDTH - 1):>{SCALE_WIDTH - 1}}│"
        drawn = [
            _cell(_eighths(point.value, peak, rows) - 8 * row, _eighths(point.top, peak, rows) - 8 * row, each, style)
            for point in points
        ]
        lines.append(_filled(Content.assemble((scale, "$muted"), *drawn), width))
    return [*lines, _filled(_times(axis, max(each * len(points), 1), room), width)]


def bars(title: str, counts: Mapping[str, int], *, width: int, rows: int, style: str, none: str) -> list[Content]:
    """A list of bars, the longest first, of ``rows`` lines below its title and one that counts the rest."""
    lines = [Content.styled(title, "bold $accent")]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = ordered[:rows], ordered[rows:]
    if not shown:
        lines.append(Content.styled(none, "$muted"))
    names = min(max((cell_len(name) for name, _ in shown), default=0), max(int(width * NAME_PART), 8))
    figures = max((len(str(count)) for _, count in shown), default=0)
    room = max(width - names - figures - 2, 1)
    for name, count in shown:
        short = shortened(name, names)
        drawn = SPENT * cells(count / shown[0][1], room)
        gap = " " * (names - cell_len(short) + 1)
        lines.append(Content.assemble(short, gap, (drawn, style), f" {count}"))
    if rest:
        lines.append(Content.styled(f"and {len(rest)} more kinds: {sum(count for _, count in rest)}", "$muted"))
    lines += [Content("")] * (rows + 2 - len(lines))
    return [_filled(line, width) for line in lines]


def beside(left: Sequence[Content], right: Sequence[Content], *, gap: int) -> list[Content]:
    """Two blocks of lines next to one another; those of the left one are all equally wide."""
    return [Content.assemble(one, " " * gap, other) for one, other in zip(left, right, strict=True)]


def _folded(points: Sequence[Point], room: int) -> Sequence[Point]:
    """As many points as there is room for: neighbours become one, as high as the highest of them."""
    step = -(-len(points) // room)
    if step <= 1:
        return points
    return [
        Point(
            value=max((p.value for p in points[at : at + step] if p.value is not None), default=None),
            top=max((p.top for p in points[at : at + step] if p.top is not None), default=None),
        )
        for at in range(0, len(points), step)
    ]


def _cell(level: int, top: int, each: int, style: str) -> Content:
    """One point's letters in one line: how many eighths of it the value fills, and whether the higher one does."""
    gap = " " if each >= 3 else ""
    wide = each - len(gap)
    if level > 0:
        return Content.assemble((COLUMNS[min(level, 8)] * wide, style), gap)
    return Content.assemble((SHADE * wide, "$muted"), gap) if top > 0 else Content(" " * each)


def _eighths(value: float | None, peak: float, rows: int) -> int:
    """How high a value is; one of any height is an eighth at least."""
    return max(round(8 * rows * value / peak), 1) if value and peak else 0


def _times(axis: Axis, length: int, room: int) -> Content:
    """The line below: the first time at its beginning, the last one at its end, where there is room for both."""
    base = f"{'0':>{SCALE_WIDTH - 1}}└"
    first = shortened(axis.first, room)
    between = length - cell_len(first) - cell_len(axis.last)
    if axis.last != axis.first and between < 3 and cell_len(first) + cell_len(axis.last) + 3 <= room:
        between = 3
    if axis.last == axis.first or between < 3:
        return Content.styled(f"{base}{first}{'─' * max(length - cell_len(first), 0)}", "$muted")
    return Content.styled(f"{base}{first} {'─' * (between - 2)} {axis.last}", "$muted")


def _filled(line: Content, width: int) -> Content:
    """A line cut or filled to a width."""
    line = line.truncate(width, ellipsis=True)
    return Content.assemble(line, " " * max(width - line.cell_length, 0))
