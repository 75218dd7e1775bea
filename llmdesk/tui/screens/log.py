"""The log: its last lines as people read them, live, with a filter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widgets import Static

from llmdesk.core.views import Topic
from llmdesk.tui.screens.filtering import FilteredPanel
from llmdesk.tui.screens.log_text import LogFilter, log_text
from llmdesk.tui.widgets.filter_line import FilterLine
from llmdesk.tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.core.log_lines import LogLine


class LogScreen(FilteredPanel):
    """What the program did; the end is followed while it is in sight."""

    panel: ClassVar = "log"
    heading: ClassVar[str] = "log"
    keys: ClassVar = (("filter", "filter (level: event: lane: provider:)"), ("log_top", "top"), ("log_end", "end"))
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.LOG})
    DEFAULT_CSS = """
    LogScreen #nothing { height: auto; padding: 1 2; color: $muted; }
    LogScreen .away { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[LogLine] = ()
        self._shown: Sequence[LogLine] | None = None
        self._query = ""

    def body(self) -> Iterable[Widget]:
        """The filter and the lines."""
        yield FilterLine("filter: words, level:error, event:…")
        yield Static(Content("Nothing was logged yet."), id="nothing", classes="away")
        yield TextLines()

    @property
    def reader(self) -> TextLines:
        """The lines, for scrolling."""
        return self.query_one(TextLines)

    async def read(self) -> None:
        """Read the end of the log."""
        self._lines = await (await self.desk()).log_lines()
        await self.narrow()

    async def narrow(self) -> None:
        """Show the lines that have the words."""
        lines, query = self._lines, self.filtered_by
        if lines == self._shown and query == self._query:
            return
        text = await asyncio.to_thread(log_text, lines, LogFilter.read(query))
        self.query_one("#nothing", Static).update(Content("No line fits." if lines else "Nothing was logged yet."))
        self.query_one("#nothing").set_class(bool(text), "away")
        view = self.reader
        first = self._shown is None
        self._shown, self._query = lines, query
        view.follow_lines(text, to_end=first or view.at_end)

    def action_ends(self, end: bool) -> None:
        """Go to the newest line, and follow it; or to the oldest."""
        view = self.reader
        (view.scroll_end if end else view.scroll_home)(animate=False)
