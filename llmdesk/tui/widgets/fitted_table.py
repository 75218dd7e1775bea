"""A table that fits its screen: long columns are shortened, with an ellipsis, instead of leaving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import DataTable

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_WIDTH = 5
"""Columns a shortened column has at least; a table that needs more scrolls."""


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
    """

    DEFAULT_CSS = """
    FittedTable { height: 1fr; background: $background; scrollbar-size-horizontal: 1; }
    FittedTable:focus { background-tint: $background 0%; }
    """

    def __init__(self, titles: Sequence[str], *, elastic: Sequence[str]) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True)
        self._titles = tuple(titles)
        self._bends = [title in elastic for title in titles]
        self._cells: dict[str, tuple[str, ...]] = {}
        self._widths: list[int] = []

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

    def _fitted(self) -> list[int]:
        columns = zip(self._titles, *self._cells.values(), strict=True)
        widths = [max(map(cell_len, cells)) for cells in columns]
        room = self.size.width - 2 * self.cell_padding * len(widths) - self.scrollbar_size_vertical
        return fitted(widths, self._bends, room)

    def _fill(self, marked: str | None) -> None:
        self._widths = self._fitted()
        self.clear(columns=True)
        for title, width in zip(self._titles, self._widths, strict=True):
            self.add_column(Text(title), key=title or "sign", width=width)
        for key, cells in self._cells.items():
            self.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells), key=key)
        if marked in self._cells:
            self.move_cursor(row=list(self._cells).index(marked))
