"""The log: its last lines as people read them, live, with a filter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from llmdesk.core.views import Topic
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.log_text import LogFilter, log_text
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import BindingType
    from textual.widget import Widget

    from llmdesk.core.log_lines import LogLine


class LogScreen(PanelScreen):
    """What the program did; the end is followed while it is in sight."""

    panel: ClassVar = "log"
    heading: ClassVar[str] = "log"
    keys: ClassVar[tuple[str, ...]] = ("/ filter (level: event: lane: provider:)", "g top", "e end")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.LOG})
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("log")]
    DEFAULT_CSS = """
    LogScreen #filter { margin: 0 1; }
    LogScreen #nothing { height: auto; padding: 1 2; color: $muted; }
    LogScreen .away { display: none; }
    """

    def __init__(self, *, below: str) -> None:
        super().__init__(below=below)
        self._lines: Sequence[LogLine] = ()
        self._shown: Sequence[LogLine] | None = None
        self._query = ""

    def body(self) -> Iterable[Widget]:
        """The filter and the lines."""
        yield Input(placeholder="filter: words, level:error, event:…", id="filter", classes="away", compact=True)
        yield Static(Content("Nothing was logged yet."), id="nothing", classes="away")
        yield TextLines()

    def begin(self) -> None:
        """The lines have the keys, for scrolling."""
        self.query_one(TextLines).focus()

    async def read(self) -> None:
        """Read the end of the log."""
        self._lines = await (await self.desk()).log_lines()
        await self._show()

    async def _show(self) -> None:
        lines, query = self._lines, self.query_one("#filter", Input).value
        if lines == self._shown and query == self._query:
            return
        text = await asyncio.to_thread(log_text, lines, LogFilter.read(query))
        self.query_one("#nothing", Static).update(Content("No line fits." if lines else "Nothing was logged yet."))
        self.query_one("#nothing").set_class(bool(text), "away")
        view = self.query_one(TextLines)
        first = self._shown is None
        self._shown, self._query = lines, query
        view.follow_lines(text, to_end=first or view.at_end)

    @on(Input.Changed, "#filter")
    async def _filter_changed(self) -> None:
        await self._show()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self) -> None:
        self.query_one(TextLines).focus()

    def action_filter(self) -> None:
        """Type words that lines must have."""
        field = self.query_one("#filter", Input)
        field.remove_class("away")
        field.focus()

    def action_ends(self, end: bool) -> None:
        """Go to the newest line, and follow it; or to the oldest."""
        view = self.query_one(TextLines)
        (view.scroll_end if end else view.scroll_home)(animate=False)

    def action_close_panel(self) -> None:
        """Close the filter, else the panel."""
        field = self.query_one("#filter", Input)
        if field.has_class("away"):
            super().action_close_panel()
            return
        field.value = ""
        field.add_class("away")
        self.query_one(TextLines).focus()
