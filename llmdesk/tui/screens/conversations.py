"""Conversations: the recent ones, ranked full-text search over everything, and a jump to the match."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.widgets import DataTable, Input

from llmdesk.core.text import one_line
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.words import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.core.views import ConversationView


class ConversationsScreen(PanelScreen):
    """Type to search, Enter opens.

    Args:
        below: the screen whose keys help explains.
        query: words to search for at once.
    """

    panel: ClassVar = "conversations"
    heading: ClassVar[str] = "conversations"
    hint: ClassVar[str] = "type to search everything  up down choose  enter open  Esc close"
    DEFAULT_CSS = """
    ConversationsScreen Input { padding: 0 1; }
    ConversationsScreen DataTable { height: 1fr; }
    """

    def __init__(self, *, below: str, query: str = "") -> None:
        super().__init__(below=below)
        self._words = query
        self._found: Sequence[ConversationView] = ()

    def body(self) -> Iterable[Widget]:
        """The search and what it finds."""
        yield Input(self._words, placeholder="search all conversations", id="search", compact=True)
        yield DataTable(cursor_type="row", zebra_stripes=True)

    def begin(self) -> None:
        """Typing searches from the start."""
        for column in ("when", "lane", "title", "messages", "match"):
            self.query_one(DataTable).add_column(Text(column), key=column)
        self.query_one(Input).focus()

    async def read(self) -> None:
        """List, or search for what is typed."""
        desk = await self.desk()
        words = self.query_one(Input).value.strip()
        self._found = await (desk.search(words) if words else desk.conversations())
        table: DataTable[Text] = self.query_one(DataTable)
        table.clear()
        for view in self._found:
            cells = (clock(view.updated_at), view.lane, view.title, str(view.messages), view.snippet)
            table.add_row(*(Text(one_line(cell), no_wrap=True) for cell in cells))

    @on(Input.Changed)
    def _typed(self) -> None:
        self.action_reload()

    @on(Input.Submitted)
    async def _taken(self) -> None:
        await self._open(self.query_one(DataTable).cursor_row)

    @on(DataTable.RowSelected)
    async def _chosen(self, event: DataTable.RowSelected) -> None:
        await self._open(event.cursor_row)

    def on_key(self, event: events.Key) -> None:
        """Up and down choose while the search has the keys."""
        if event.key in ("up", "down") and isinstance(self.focused, Input):
            event.stop()
            table: DataTable[Text] = self.query_one(DataTable)
            (table.action_cursor_up if event.key == "up" else table.action_cursor_down)()

    async def _open(self, row: int) -> None:
        if 0 <= row < len(self._found):
            view = self._found[row]
            self.house.close_panel()
            await self.house.chat.open_conversation(view.id, view.message)
