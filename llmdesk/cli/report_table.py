"""Tables of numbers for people: right-aligned, a total below, and only as many columns as the terminal has room for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmdesk.cli.table import GAP, cut, display_width, pad
from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    kept, widths = _fitting(columns, lines, width)
    shown = [columns[index] for index in kept]
    heads = [[column.name for column in shown]]
    if any(column.over for column in shown):
        out.stdout.write(out.paint(_group_line(shown, widths), "bold") + "\n")
    body = [[line[index] for index in kept] for line in lines]
    for number, cells in enumerate(heads + body):
        text = _line(shown, cells, widths)
        if total and number == len(body):
            out.stdout.write("  ".join("─" * size for size in widths) + "\n" if _draws(out) else "")
        out.stdout.write((out.paint(text, "bold") if number == 0 or (total and number == len(body)) else text) + "\n")


def _fitting(
    columns: Sequence[Column], lines: Sequence[Sequence[str]], width: int | None
) -> tuple[list[int], list[int]]:
    """The columns there is room for, and how wide each is."""
    sizes = [
        max(display_width(column.name), *(display_width(line[index]) for line in lines), 1)
        for index, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    if width is None:
        return kept, sizes
    least = [size if column.number else min(size, SHORTEST) for column, size in zip(columns, sizes, strict=True)]
    for index in sorted(kept, key=lambda each: -columns[each].spare):
        if columns[index].spare == 0 or _needed(kept, sizes) <= width:
            break
        kept.remove(index)
    spare = _needed(kept, sizes) - width
    while spare > 0:  # the widest names give way first
        widest = max((index for index in kept if sizes[index] > least[index]), key=sizes.__getitem__, default=None)
        if widest is None:
            break
        sizes[widest] -= 1
        spare -= 1
    return kept, [sizes[index] for index in kept]


def _needed(kept: Sequence[int], sizes: Sequence[int]) -> int:
    return sum(sizes[index] for index in kept) + GAP * (len(kept) - 1)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    fill: Callable[[str, int], str]
    parts = []
    for column, cell, size in zip(columns, cells, widths, strict=True):
        fill = _pad_left if column.number else pad
        parts.append(fill(cut(cell, size), size))
    return (" " * GAP).join(parts).rstrip()


def _group_line(columns: Sequence[Column], widths: Sequence[int]) -> str:
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


def _draws(out: Output) -> bool:
    return out.stdout.encoding.lower().replace("-", "").startswith("utf")
