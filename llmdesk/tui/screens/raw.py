"""What was really sent and received for a request: every attempt, the bytes or the JSON of it, and when it came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.containers import HorizontalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from llmdesk.core.text import one_line
from llmdesk.tui.own_files import write_new
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.screens.raw_text import exchange_lines, received_at
from llmdesk.tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual import events
    from textual.widget import Widget

    from llmdesk.core.exchange import Exchange
    from llmdesk.tui.widgets.text_lines import TextLine

NOTHING = (
    "Nothing is kept of this request. What was sent and received is kept in memory only, "
    "while the desk runs that sent it, and only of its last 50 calls."
)


class CallTab(Static):
    """One call, to be clicked."""

    class Chosen(Message):
        """It was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    DEFAULT_CSS = """
    CallTab { width: auto; height: 1; padding: 0 1; color: $muted; }
    CallTab.-current { color: $foreground; background: $primary 40%; text-style: bold; }
    """

    def __init__(self, exchange: Exchange, number: int) -> None:
        status = "" if exchange.status is None else f" {exchange.status}"
        super().__init__(Content(one_line(f"{exchange.attempt} {exchange.target}{status}", 48)))
        self._number = number

    def on_click(self, event: events.Click) -> None:
        """Show it."""
        event.stop()
        self.post_message(self.Chosen(self._number))


class RawScreen(PanelScreen):
    """The calls of one request.

    Args:
        request: its whole id.
    """

    panel: ClassVar = "raw"
    heading: ClassVar[str] = "sent and received"
    keys: ClassVar = (
        ("raw_previous raw_next", "attempt"), ("raw_pretty", "pretty"), ("raw_timing", "times"),
        ("raw_received", "received"), ("raw_copy", "copy"), ("raw_save", "save"),
    )  # fmt: skip
    DEFAULT_CSS = """
    RawScreen #calls { height: 1; width: 1fr; scrollbar-size: 0 0; background: $surface; }
    RawScreen #nothing { height: auto; padding: 1 2; color: $muted; }
    RawScreen .away { display: none; }
    """

    def __init__(self, request: str) -> None:
        super().__init__()
        self._request = request
        self._exchanges: Sequence[Exchange] = ()
        self._current = 0
        self._pretty = True
        self._timing = True
        self._lines: list[TextLine] = []

    def body(self) -> Iterable[Widget]:
        """The calls in a row, and one of them."""
        yield HorizontalScroll(id="calls", can_focus=False)
        yield Static(Content(NOTHING), id="nothing", classes="away")
        yield TextLines()

    def begin(self) -> None:
        """The text has the keys, for scrolling."""
        self.query_one(TextLines).focus()

    async def read(self) -> None:
        """Fetch the calls, and show the last one: it is the one that answered, or the one that failed in the end."""
        found = await (await self.desk()).exchanges(self._request)
        if len(found) != len(self._exchanges):
            self._current = max(len(found) - 1, 0)
        self._exchanges = found
        calls = self.query_one("#calls")
        await calls.remove_children()
        await calls.mount(*(CallTab(exchange, number) for number, exchange in enumerate(found)))
        self.query_one("#nothing").set_class(bool(found), "away")
        await self._show()

    async def _show(self) -> None:
        if not self._exchanges:
            return
        exchange, pretty, timing = self._exchanges[self._current], self._pretty, self._timing
        self._lines = await asyncio.to_thread(exchange_lines, exchange, pretty=pretty, timing=timing)
        self.query_one(TextLines).show_lines(self._lines)
        for number, tab in enumerate(self.query(CallTab)):
            tab.set_class(number == self._current, "-current")
            if number == self._current:
                tab.scroll_visible(animate=False)

    async def on_call_tab_chosen(self, event: CallTab.Chosen) -> None:
        """Show the call that was clicked."""
        self._current = event.number
        await self._show()

    async def action_step(self, by: int) -> None:
        """Go to the next call or the one before."""
        if self._exchanges:
            self._current = (self._current + by) % len(self._exchanges)
            await self._show()

    async def action_pretty(self) -> None:
        """Readable JSON, or the exact bytes."""
        self._pretty = not self._pretty
        await self._show()
        self.say("JSON made readable." if self._pretty else "The bytes as they were.")

    async def action_timing(self) -> None:
        """Show or hide when each piece came."""
        self._timing = not self._timing
        await self._show()

    def action_received(self) -> None:
        """Go to what was received."""
        lines = self.query_one(TextLines)
        if (line := received_at(self._lines)) is not None:
            lines.scroll_to(y=lines.line_of(line), animate=False)

    def action_copy(self) -> None:
        """Copy what is shown."""
        if self._lines:
            self.house.copy(self._text(), "What is shown")

    async def action_save(self) -> None:
        """Write what is shown to a new file in this folder that only its owner can read."""
        if not self._lines:
            return
        try:
            path = await asyncio.to_thread(write_new, self._text(), stem=f"llmdesk-raw-{self._request[:8]}", form="txt")
        except OSError as error:
            self.say(f"The file could not be written: {error.strerror or error}.", severity="error")
        else:
            self.say(f"Written to {path}.")

    def _text(self) -> str:
        return "\n".join(f"{line.side}{line.text}" for line in self._lines) + "\n"
