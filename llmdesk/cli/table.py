"""Tables of plain text, aligned by what a terminal shows rather than by how many characters there are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from llmdesk.core.text import one_line

Row = Sequence[object]

GAP = 2
NARROWEST = 12
"""The last column is not cut below this, columns."""


def display_width(text: str) -> int:
    """How many columns ``text`` takes: wide characters two, combining and invisible ones none (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Shorten ``text`` to ``width`` columns, with an ellipsis where something is missing."""
    if display_width(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += _char_width(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def pad(text: str, width: int) -> str:
    """Fill ``text`` with spaces up to ``width`` columns."""
    return text + " " * max(width - display_width(text), 0)


def render_table(headers: Sequence[str], rows: Sequence[Row], *, width: int | None) -> list[list[str]]:
    """Return the header and each row as padded cells.

    Every cell is one harmless line; ``None`` shows as a dash. With ``width`` (columns) the last column is cut so that a
    row fits; without it nothing is cut.
    """
    lines = [list(headers), *([_cell(value) for value in row] for row in rows)]
    widths = [max(display_width(line[column]) for line in lines) for column in range(len(headers))]
    if width is not None:
        room = width - sum(widths[:-1]) - GAP * (len(widths) - 1)
        widths[-1] = max(min(widths[-1], room), NARROWEST)
    return [[pad(cut(cell, size), size) for cell, size in zip(line, widths, strict=True)] for line in lines]


def _cell(value: object) -> str:
    return "-" if value is None else one_line(str(value), 500)
