"""Tables of numbers for people: right-aligned, a total below, and only as many columns as the terminal has room for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from llmdesk.cli.table import GAP, cut, display_width, pad
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.output import Output

SHORTEST = 8
"""A column of names is not cut below this, columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    ``over`` is the heading that it shares with its neighbours of the same one, empty = none. ``number`` aligns to the
    right; otherwise it holds names, which are cut where room is short. ``spare`` is the order in which columns are left
    out where it is shorter still, the highest first; 0 = it stays.
    """

    name: str
    over: str = ""
    number: bool = True
    spare: int = 0


def show_table(
    out: Output, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, total: Sequence[str] = ()
) -> None:
    """Write rows under their headings, and ``total`` below a line.

    Args:
        out: where to.
        columns: what they are.
        rows: a text for each column; empty = nothing to tell.
        total: one more row, for sums; empty = none.
    """
    width = shutil.get_terminal_size().columns if out.stdout.is_terminal else None
    lines = [[one_line(cell, 500) for cell in row] for row in (*rows, *([total] if total else []))]
    _make_room_for_marks(columns, lines)
    kept, widths = _fitting(columns, lines, width)
    shown = [columns[index] for index in kept]
    if any(column.over for column in shown):
        out.stdout.write(out.paint(_heading_line(shown, widths), "bold") + "\n")
    out.stdout.write(out.paint(_line(shown, [column.name for column in shown], widths), "bold") + "\n")
    texts = [_line(shown, [line[index] for index in kept], widths) for line in lines]
    if total:
        rule = "─" if out.stdout.encoding.lower().startswith("utf") else "-"
        texts[-1:] = ["  ".join(rule * size for size in widths), out.paint(texts[-1], "bold")]
    for text in texts:
        out.stdout.write(text + "\n")


def _make_room_for_marks(columns: Sequence[Column], lines: Sequence[list[str]]) -> None:
    """Where a number carries a ``+``, move the others of its column, so that their points stay below each other."""
    for index, column in enumerate(columns):
        if column.number and any(line[index].endswith("+") for line in lines):
            for line in lines:
                line[index] += "" if line[index].endswith("+") else " "


def _fitting(
    columns: Sequence[Column], lines: Sequence[Sequence[str]], width: int | None
) -> tuple[list[int], list[int]]:
    """The columns there is room for, and how wide each is."""
    natural = [
        max(display_width(column.name), *(display_width(line[index]) for line in lines), 1)
        for index, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    sizes = _with_headings(columns, natural, kept)
    if width is None:
        return kept, [sizes[index] for index in kept]
    for index in sorted(kept, key=lambda each: -columns[each].spare):
        if columns[index].spare == 0 or _needed(kept, sizes) <= width:
            break
        kept.remove(index)
        sizes = _with_headings(columns, natural, kept)
    names = [index for index in kept if not columns[index].number]
    while names and _needed(kept, sizes) > width:  # the widest names give way first
        widest = max(names, key=sizes.__getitem__)
        if sizes[widest] <= SHORTEST:
            break
        sizes[widest] -= 1
    return kept, [sizes[index] for index in kept]


def _with_headings(columns: Sequence[Column], natural: Sequence[int], kept: Sequence[int]) -> list[int]:
    """How wide each column is, so that shared headings have room above those that are kept."""
    sizes = list(natural)
    for over in dict.fromkeys(columns[index].over for index in kept if columns[index].over):
        below = [index for index in kept if columns[index].over == over]
        sizes[below[0]] += max(0, display_width(over) - _needed(below, sizes))
    return sizes


def _needed(kept: Sequence[int], sizes: Sequence[int]) -> int:
    return sum(sizes[index] for index in kept) + GAP * (len(kept) - 1)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        (_pad_left if column.number else pad)(cut(cell, size), size)
        for column, cell, size in zip(columns, cells, widths, strict=True)
    ]
    return (" " * GAP).join(parts).rstrip()


def _heading_line(columns: Sequence[Column], widths: Sequence[int]) -> str:
    """The headings that several columns share, each ending where its last column does."""
    line, start = "", 0
    for index, column in enumerate(columns):
        end = start + widths[index]
        last = index + 1 == len(columns) or columns[index + 1].over != column.over
        if column.over and last:
            line += _pad_left(column.over, end - display_width(line))
        start = end + GAP
    return line


def _pad_left(text: str, width: int) -> str:
    return " " * max(width - display_width(text), 0) + text
