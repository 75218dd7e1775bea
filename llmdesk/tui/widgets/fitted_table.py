"""A table that fits its screen: long columns are shortened, with an ellipsis, instead of leaving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.geometry import Size
from textual.widgets import DataTable

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_WIDTH = 5
"""Columns a shortened column has at least; a table that needs more scrolls."""

FEW = 40
"""Up to so many rows come or go one by one; beyond that everything is drawn anew."""

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
        legible: columns that every shortened one should have, at the price of those that can be spared.
    """

    DEFAULT_CSS = """
    FittedTable { height: 1fr; background: $background; scrollbar-size-horizontal: 1; }
    FittedTable:focus { background-tint: $background 0%; }
    """

    def __init__(
        self, titles: Sequence[str], *, elastic: Sequence[str], last: Sequence[str] = (), spare: Sequence[str] = (),
        legible: int = READABLE_WIDTH,
    ) -> None:  # fmt: skip
        super().__init__(cursor_type="row", zebra_stripes=True)
        self._titles = tuple(titles)
        self._elastic, self._last, self._spare = tuple(elastic), tuple(last), tuple(spare)
        self._legible = legible
        self._cells: dict[str, tuple[str, ...]] = {}
        self._widths: dict[str, int] = {}

    @property
    def marked(self) -> str | None:
        """Key of the row under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show_rows(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Show these rows by their keys; the cursor and what is in sight stay, and only what changed is drawn."""
        cells = {key: tuple(one_line(cell) for cell in row) for key, row in rows.items()}
        if cells == self._cells and self._widths:
            return
        before, self._cells = self._cells, cells
        widths = self._fitted()
        if widths != self._widths or len(cells.keys() ^ before.keys()) > FEW:
            self._fill(self.marked)
        else:
            self._change(before)

    def on_resize(self) -> None:
        """Fit again, where that changes anything."""
        if self._fitted() != self._widths:
            self._fill(self.marked)

    def _fitted(self) -> dict[str, int]:
        """The columns that are shown, and how wide."""
        columns = zip(self._titles, *self._cells.values(), strict=True)
        wanted = {cells[0]: max(map(cell_len, cells)) for cells in columns}
        nothing_in = {
            title for at, title in enumerate(self._titles)
            if title and self._cells and not any(row[at] for row in self._cells.values())
        }  # fmt: skip
        # Its own size is another one while a scrollbar shows, which comes and goes as the layout settles.
        inside = self.outer_size.width - self.gutter.width - self.scrollbar_size_vertical
        fewer = [nothing_in | set(self._spare[:count]) for count in range(len(self._spare) + 1)]
        for without in (nothing_in, *(fewer if self._spare else ())):
            kept = {title: width for title, width in wanted.items() if title not in without}
            room = inside - 2 * self.cell_padding * len(kept)
            found = self._shortened(kept, self._elastic, room)
            legible = all(found[title] >= min(wanted[title], self._legible) for title in found)
            if legible and sum(found.values()) <= room:
                return found
        return self._shortened(kept, (*self._elastic, *self._last), room)

    def _shortened(self, widths: Mapping[str, int], bending: Sequence[str], room: int) -> dict[str, int]:
        bends = [title in bending for title in widths]
        return dict(zip(widths, fitted(list(widths.values()), bends, room), strict=True))

    def _fill(self, marked: str | None) -> None:
        """Draw everything anew."""
        top, at = self._top, self.cursor_row
        self._widths = self._fitted()
        self.clear(columns=True)
        for title, width in self._widths.items():
            self.add_column(Text(title), key=title or "sign", width=width)
        for key in self._cells:
            self._add(key)
        self._go_back(marked, at, top)

    def _change(self, before: Mapping[str, tuple[str, ...]]) -> None:
        """Take the rows away that are gone, draw those that are other ones now, and put the new ones in their place."""
        marked, top, at = self.marked, self._top, self.cursor_row
        shown = [title for title in self._titles if title in self._widths]
        for key in before.keys() - self._cells.keys():
            self.remove_row(key)
        for key, cells in self._cells.items():
            if key not in before:
                self._add(key)
            elif cells != before[key]:
                for title in shown:
                    place = self._titles.index(title)
                    if cells[place] != before[key][place]:
                        self.update_cell(key, title or "sign", self._cell(key, title))
        if list(self._cells) != [row.key.value for row in self.ordered_rows]:
            places = {key: place for place, key in enumerate(self._cells)}
            self.sort(shown[0] or "sign", key=lambda cell: places[cell.row])
        if self._cells.keys() != before.keys():
            self._go_back(marked, at, top)

    def _add(self, key: str) -> None:
        self.add_row(*(self._cell(key, title) for title in self._titles if title in self._widths), key=key)

    def _cell(self, key: str, title: str) -> _Cell:
        cell = _Cell(key, self._cells[key][self._titles.index(title)])
        for start, end in self.highlights(key, title):
            cell.stylize("bold underline", start, end)
        return cell

    def highlights(self, key: str, title: str) -> Sequence[tuple[int, int]]:
        """The characters of a cell that stand out, for a table that shows why its rows are there."""
        del key, title
        return ()

    @property
    def _top(self) -> str | None:
        """Key of the first row in sight; ``None`` = the table begins there, or has none."""
        at = int(self.scroll_y)
        rows = self.ordered_rows
        return rows[at].key.value if 0 < at < len(rows) else None

    def _go_back(self, marked: str | None, at: int, top: str | None) -> None:
        """Put the cursor on its row, or where that was, and the row on top that was there."""
        # Textual measures later, when it has nothing else to do; a picture drawn before that would be empty.
        width = sum(column.get_render_width(self) for column in self.ordered_columns)
        self.virtual_size = Size(width, len(self._cells) + self.header_height)
        keys = list(self._cells)
        if marked in self._cells:
            self.move_cursor(row=keys.index(marked), scroll=False)
        elif keys:
            self.move_cursor(row=min(at, len(keys) - 1), scroll=False)
        if top in self._cells:
            self.scroll_to(y=keys.index(top), animate=False)


class _Cell(Text):
    """A cell that knows the key of its row, by which the table is sorted."""

    __slots__ = ("row",)

    def __init__(self, row: str, text: str) -> None:
        super().__init__(text, no_wrap=True, overflow="ellipsis")
        self.row = row
