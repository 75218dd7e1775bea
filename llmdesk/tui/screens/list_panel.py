"""A panel that is a table: filter it, walk it, open a row."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from llmdesk.core.errors import DeskError
from llmdesk.core.text import sanitise
from llmdesk.core.values import dataclass
from llmdesk.tui.screens.filtering import FilteredPanel
from llmdesk.tui.widgets.chips import Chips
from llmdesk.tui.widgets.filter_line import FilterLine
from llmdesk.tui.widgets.fitted_table import FittedTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.tui.widgets.keys_line import ToldKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its key, its cells, and what ``name:value`` filters look at."""

    key: str
    cells: Sequence[str]
    facets: dict[str, str] = field(default_factory=dict)

    def fits(self, query: str) -> bool:
        """Every word of the query is in some cell, or in the facet it names."""
        whole = " ".join(self.cells).lower()
        for word in query.lower().split():
            name, colon, value = word.partition(":")
            if colon and name in self.facets:
                if value not in self.facets[name].lower():
                    return False
            elif word not in whole:
                return False
        return True


def wanted_of(query: str) -> frozenset[tuple[str, str]]:
    """The ``name:value`` words of a query."""
    return frozenset((name, value) for name, colon, value in (w.partition(":") for w in query.split()) if colon)


class ListPanel(FilteredPanel):
    """A table of the desk; Enter opens a row, Esc closes it again.

    Attributes:
        columns: their titles.
        elastic, last, spare: how they give way where there is no room: shortened at once, shortened at last, left out;
            see FittedTable.
        chips: the facets of the rows that are offered to be clicked; their values are single words.
        nothing: said where there is no row.
    """

    columns: ClassVar[tuple[str, ...]] = ()
    elastic: ClassVar[tuple[str, ...]] = ()
    last: ClassVar[tuple[str, ...]] = ()
    spare: ClassVar[tuple[str, ...]] = ()
    chips: ClassVar[tuple[str, ...]] = ()
    nothing: ClassVar[str] = "Nothing here."
    keys: ClassVar[tuple[ToldKey, ...]] = ("enter open", ("filter", "filter"), ("reload", "read again"))
    DEFAULT_CSS = """
    ListPanel #nothing { height: auto; padding: 1 2; color: $muted; }
    ListPanel #detail { height: 1fr; padding: 0 1; }
    ListPanel #told { height: auto; max-height: 4; padding: 0 1; color: $muted; background: $surface; }
    ListPanel .away { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self.opened: str | None = None
        self._detail = Content("")

    def body(self) -> Iterable[Widget]:
        """The filter, the table, and a row's detail in its place."""
        yield FilterLine()
        if self.chips:
            yield Chips()
        yield Static(Content(self.nothing), id="nothing", classes="away")
        yield FittedTable(self.columns, elastic=self.elastic, last=self.last, spare=self.spare)
        yield Static(id="told", classes="away", markup=False)
        yield VerticalScroll(Static(id="detail-text"), id="detail", classes="away")

    @property
    def reader(self) -> Widget:
        """The table; of an open row, its detail."""
        return self.table if self.opened is None else self.query_one("#detail")

    async def narrow(self) -> None:
        """Show the rows that have the words."""
        self._fill()

    @property
    def table(self) -> FittedTable:
        """The table."""
        return self.query_one(FittedTable)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows, as far as they fit the filter; the cursor stays on its row."""
        self._rows = list(rows)
        self._fill()

    def _fill(self) -> None:
        query = self.filtered_by
        self.table.show_header = bool(self._rows)
        self.table.show_rows({row.key: row.cells for row in self._rows if row.fits(query)})
        self.query_one("#nothing").set_class(bool(self._rows) or self.opened is not None, "away")
        for chips in self.query(Chips):
            chips.show_values(self._offered(), wanted_of(query))
        self._tell()

    def _offered(self) -> dict[str, list[str]]:
        """The values that the rows have, facet by facet."""
        found = {name: dict[str, None]() for name in self.chips}
        for row in self._rows:
            for name in self.chips:
                found[name].update(dict.fromkeys(row.facets.get(name, "").split()))
        return {name: sorted(values) for name, values in found.items()}

    def told(self, key: str) -> str:
        """What is said in full of the marked row, below the table; empty = its cells say it all."""
        return ""

    def _tell(self) -> None:
        marked = self.marked if self.opened is None else None
        text = sanitise(self.told(marked)) if marked is not None else ""
        line = self.query_one("#told", Static)
        line.set_class(not text, "away")
        line.update(Content(text))

    @on(DataTable.RowHighlighted)
    def _row_marked(self) -> None:
        self._tell()

    @on(Chips.Clicked)
    def _chip_clicked(self, event: Chips.Clicked) -> None:
        """Take the word for it into the filter, or out of it."""
        line = self.query_one(FilterLine)
        word = f"{event.facet}:{event.value}"
        words = line.value.split()
        kept = [each for each in words if not each.startswith(f"{event.facet}:")]
        line.value = " ".join(kept if word in words else [*kept, word])
        line.set_class(not line.value, "away")

    @property
    def marked(self) -> str | None:
        """Key of the row under the cursor."""
        return self.table.marked

    @property
    def chosen(self) -> str | None:
        """Key of the row that actions are about: the open one, else the one under the cursor."""
        return self.opened or self.marked

    async def detail(self, key: str) -> Content:
        """What Enter shows of a row.

        Raises:
            DeskError: it could not be read, or is gone.
        """
        raise NotImplementedError

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        """Open it, beside the screen: a server may be asked."""
        if event.row_key.value is not None:
            self.follow(partial(self._open, event.row_key.value), group="open", exclusive=True)

    async def _read(self) -> None:
        await super()._read()
        if self.opened is not None:
            await self._show_again(self.opened)

    async def _show_again(self, key: str) -> None:
        """Show the open row as it is now, if it is another one."""
        try:
            content = await self.detail(key)
        except DeskError:
            return  # it is gone; what was read of it stays until it is closed
        if self.opened == key and content != self._detail:
            self._detail = content
            self.query_one("#detail-text", Static).update(content)

    async def _open(self, key: str) -> None:
        """Show a row's detail in place of the table."""
        content = await self.detail(key)
        self.opened, self._detail = key, content
        self.query_one("#detail-text", Static).update(content)
        self._show_detail(True)
        self.reader.focus()

    def _show_detail(self, shown: bool) -> None:
        self.query_one("#detail").set_class(not shown, "away")
        self.table.set_class(shown, "away")
        self._tell()

    def action_close_panel(self) -> None:
        """Close the row, else as every panel that words narrow."""
        if self.opened is not None:
            self.opened = None
            self._show_detail(False)
            self.reader.focus()
        else:
            super().action_close_panel()
