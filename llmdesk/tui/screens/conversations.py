"""Conversations: the recent ones, ranked full-text search over everything, and a jump to the match."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.widgets import DataTable, Input

from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.fitted_table import FittedTable
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
    keys: ClassVar[tuple[str, ...]] = ("type to search everything", "enter open", "↑ ↓ choose")
    DEFAULT_CSS = """
    ConversationsScreen Input { margin: 0 1; }
    """

    def __init__(self, *, below: str, query: str = "") -> None:
        super().__init__(below=below)
        self._words = query
        self._found: Sequence[ConversationView] = ()

    def body(self) -> Iterable[Widget]:
        """The search and what it finds."""
        yield Input(self._words, placeholder="search all conversations", id="search", compact=True)
        yield FittedTable(("when", "lane", "title", "messages", "match"), elastic=("title", "match"))

    def begin(self) -> None:
        """Typing searches from the start."""
        self.query_one(Input).focus()

    async def read(self) -> None:
        """List, or search for what is typed."""
        desk = await self.desk()
        words = self.query_one(Input).value.strip()
        self._found = await (desk.search(words) if words else desk.conversations())
        self.query_one(FittedTable).show_rows(
            {
                str(at): (clock(view.updated_at), view.lane, view.title, str(view.messages), view.snippet)
                for at, view in enumerate(self._found)
            }
        )

    @on(Input.Changed)
    def _typed(self) -> None:
        self.action_reload()

    @on(Input.Submitted)
    async def _taken(self) -> None:
        await self._open(self.query_one(FittedTable).cursor_row)

    @on(DataTable.RowSelected)
    async def _chosen(self, event: DataTable.RowSelected) -> None:
        await self._open(event.cursor_row)

    def on_key(self, event: events.Key) -> None:
        """Up and down choose while the search has the keys."""
        if event.key in ("up", "down") and isinstance(self.focused, Input):
            event.stop()
            table = self.query_one(FittedTable)
            (table.action_cursor_up if event.key == "up" else table.action_cursor_down)()

    async def _open(self, row: int) -> None:
        if 0 <= row < len(self._found):
            view = self._found[row]
            self.house.close_panel()
            await self.house.chat.open_conversation(view.id, view.message)
