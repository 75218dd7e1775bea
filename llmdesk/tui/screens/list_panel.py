"""A panel that is a table: filter it, walk it, open a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from llmdesk.core.errors import DeskError
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.fitted_table import FittedTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget


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


class ListPanel(PanelScreen):
    """A table of the desk; Enter opens a row, Esc closes it again.

    Attributes:
        columns: their titles.
        elastic, last, spare: how they give way where there is no room, see FittedTable.
    """

    columns: ClassVar[tuple[str, ...]] = ()
    elastic: ClassVar[tuple[str, ...]] = ()
    last: ClassVar[tuple[str, ...]] = ()
    spare: ClassVar[tuple[str, ...]] = ()
    nothing: ClassVar[str] = "Nothing here."
    keys: ClassVar[tuple[str, ...]] = ("enter open", "/ filter", "ctrl+r read again")
    DEFAULT_CSS = """
    ListPanel #nothing { height: auto; padding: 1 2; color: $muted; }
    ListPanel #detail { height: 1fr; padding: 0 1; }
    ListPanel #filter { margin: 0 1; }
    ListPanel .away { display: none; }
    """

    def __init__(self, *, below: str) -> None:
        super().__init__(below=below)
        self._rows: list[Row] = []
        self.opened: str | None = None

    def body(self) -> Iterable[Widget]:
        """The filter, the table, and a row's detail in its place."""
        yield Input(placeholder="filter", id="filter", classes="away", compact=True)
        yield Static(Content(self.nothing), id="nothing", classes="away")
        yield FittedTable(self.columns, elastic=self.elastic, last=self.last, spare=self.spare)
        yield VerticalScroll(Static(id="detail-text"), id="detail", classes="away")

    def begin(self) -> None:
        """The table has the keys."""
        self.table.focus()

    @property
    def table(self) -> FittedTable:
        """The table."""
        return self.query_one(FittedTable)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows, as far as they fit the filter; the cursor stays on its row."""
        self._rows = list(rows)
        self._fill()

    def _fill(self) -> None:
        query = self.query_one("#filter", Input).value
        self.table.show_rows({row.key: row.cells for row in self._rows if row.fits(query)})
        self.query_one("#nothing").set_class(bool(self._rows) or self.opened is not None, "away")

    @property
    def marked(self) -> str | None:
        """Key of the row under the cursor."""
        return self.table.marked

    async def detail(self, key: str) -> Content:
        """What Enter shows of a row.

        Raises:
            DeskError: it could not be read.
        """
        raise NotImplementedError

    @on(DataTable.RowSelected)
    async def _row_selected(self, event: DataTable.RowSelected) -> None:
        if event.row_key.value is not None:
            await self.open(event.row_key.value)

    async def open(self, key: str) -> None:
        """Show a row's detail in place of the table."""
        try:
            content = await self.detail(key)
        except DeskError as error:
            self.say(str(error), severity="error")
            return
        self.opened = key
        self.query_one("#detail-text", Static).update(content)
        self._show_detail(True)
        self.query_one("#detail").focus()

    def _show_detail(self, shown: bool) -> None:
        self.query_one("#detail").set_class(not shown, "away")
        self.table.set_class(shown, "away")

    def action_filter(self) -> None:
        """Type words that rows must have."""
        field_ = self.query_one("#filter", Input)
        field_.remove_class("away")
        field_.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self) -> None:
        self.table.focus()

    def action_close_panel(self) -> None:
        """Close the row, else the filter, else the panel."""
        field_ = self.query_one("#filter", Input)
        if self.opened is not None:
            self.opened = None
            self._show_detail(False)
            self.table.focus()
        elif not field_.has_class("away"):
            field_.value = ""
            field_.add_class("away")
            self.table.focus()
        else:
            super().action_close_panel()
