"""A table that fits its screen: long columns are shortened, with an ellipsis, instead of leaving it."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import DataTable

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_WIDTH = 5
"""Columns a shortened column has at least; a table that needs more scrolls."""

READABLE_WIDTH = 12
"""Columns that every shortened column should have, at the price of those that can be spared."""


def fitted(widths: Sequence[int], elastic: Sequence[bool], room: int) -> list[int]:
    """Shorten the longest of the elastic columns until all fit into ``room``, none below ``LEAST_WIDTH``."""
    fixed = sum(width for width, bends in zip(widths, elastic, strict=True) if not bends)
    cap = max(widths, default=0)
    while cap > LEAST_WIDTH:
        bent = sum(min(width, cap) for width, bends in zip(widths, elastic, strict=True) if bends)
        if fixed + bent <= room:
            break
        cap -= 1
    return [min(width, cap) if bends else width for width, bends in zip(widths, elastic, strict=True)]


class FittedTable(DataTable[Text]):
    """Rows of plain text, chosen as a whole.

    Args:
        titles: the columns.
        elastic: those of them that may be shortened.
        last: more of them, shortened only where shortening the others is not enough.
        spare: those left out before that, and where little of them would be left to read; the first goes first, after
            those that nothing is in.
    """

    DEFAULT_CSS = """
    FittedTable { height: 1fr; background: $background; scrollbar-size-horizontal: 1; }
    FittedTable:focus { background-tint: $background 0%; }
    """

    def __init__(
        self, titles: Sequence[str], *, elastic: Sequence[str], last: Sequence[str] = (), spare: Sequence[str] = ()
    ) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True)
        self._titles = tuple(titles)
        self._elastic, self._last, self._spare = tuple(elastic), tuple(last), tuple(spare)
        self._cells: dict[str, tuple[str, ...]] = {}
        self._widths: dict[str, int] = {}

    @property
    def marked(self) -> str | None:
        """Key of the row under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show_rows(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Show these rows by their keys; the cursor stays on its row."""
        marked = self.marked
        self._cells = {key: tuple(one_line(cell) for cell in cells) for key, cells in rows.items()}
        self._fill(marked)

    def on_resize(self) -> None:
        """Fit again, where that changes anything."""
        if self._fitted() != self._widths:
            self._fill(self.marked)

    def _fitted(self) -> dict[str, int]:
        """The columns that are shown, and how wide."""
        columns = zip(self._titles, *self._cells.values(), strict=True)
        wanted = {cells[0]: max(map(cell_len, cells)) for cells in columns}
        nothing_in = {
            title for at, title in enumerate(self._titles) if not any(row[at] for row in self._cells.values())
        }
        fewer = [nothing_in | set(self._spare[:count]) for count in range(len(self._spare) + 1)]
        for without in (set[str](), *(fewer if self._spare else ())):
            kept = {title: width for title, width in wanted.items() if title not in without}
            room = self.size.width - 2 * self.cell_padding * len(kept) - self.scrollbar_size_vertical
            found = self._shortened(kept, self._elastic, room)
            legible = all(found[title] >= min(wanted[title], READABLE_WIDTH) for title in found)
            if legible and sum(found.values()) <= room:
                return found
        return self._shortened(found, self._last, room)

    def _shortened(self, widths: Mapping[str, int], bending: Sequence[str], room: int) -> dict[str, int]:
        bends = [title in bending for title in widths]
        return dict(zip(widths, fitted(list(widths.values()), bends, room), strict=True))

    def _fill(self, marked: str | None) -> None:
        self._widths = self._fitted()
        self.clear(columns=True)
        for title, width in self._widths.items():
            self.add_column(Text(title), key=title or "sign", width=width)
        shown = [title in self._widths for title in self._titles]
        for key, cells in self._cells.items():
            self.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in compress(cells, shown)), key=key)
        if marked in self._cells:
            self.move_cursor(row=list(self._cells).index(marked))
