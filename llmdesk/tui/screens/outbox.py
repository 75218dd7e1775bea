"""The outbox: requests that wait on disk; look at them, ask them again, or drop them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import Topic
from llmdesk.tui.hints import press_again
from llmdesk.tui.reasons import reason_words
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.screens.request_detail import request_text
from llmdesk.tui.words import clock, countdown, counted

if TYPE_CHECKING:
    from textual.content import Content
    from textual.timer import Timer

    from llmdesk.core.views import OutboxEntry


class OutboxScreen(ListPanel):
    """Paused requests, oldest first."""

    panel: ClassVar = "outbox"
    heading: ClassVar[str] = "outbox: paused requests"
    columns: ClassVar[tuple[str, ...]] = ("since", "lane", "why", "next try", "tries", "prompt")
    elastic: ClassVar[tuple[str, ...]] = ("why", "prompt")
    nothing: ClassVar[str] = "The outbox is empty: every prompt has its answer."
    keys: ClassVar = (
        ("outbox_retry", "again"), ("outbox_retry_now", "now"), ("outbox_edit", "edit"), ("outbox_elsewhere", "lane"),
        ("outbox_raw", "raw"), ("outbox_drop", "drop"), ("filter", "filter"),
    )  # fmt: skip
    chips: ClassVar[tuple[str, ...]] = ("lane", "reason")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.OUTBOX, Topic.REQUESTS})

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, OutboxEntry] = {}
        self._dropping: str | None = None
        self._timer: Timer | None = None

    async def read(self) -> None:
        """Read what waits."""
        desk = await self.desk()
        self._entries = {entry.id: entry for entry in await desk.outbox()}
        self._show()

    def _show(self) -> None:
        """Draw, and tick while there is something to count down, and never otherwise."""
        self._draw()
        needed = any((entry.next_try_at or 0.0) > time.time() for entry in self._entries.values())
        if needed and self._timer is None:
            self._timer = self.set_interval(1, self._show)
        elif not needed and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _draw(self) -> None:
        self.show_rows([_row(entry, time.time()) for entry in self._entries.values()])

    def told(self, key: str) -> str:
        """The beginning of the prompt."""
        return one_line(self._entries[key].prompt, 400) if key in self._entries else ""

    async def detail(self, key: str) -> Content:
        """The request with every attempt."""
        desk = await self.desk()
        return request_text(await desk.request(key), discarded=True)

    @property
    def _chosen(self) -> OutboxEntry | None:
        key = self.chosen
        return self._entries.get(key) if key is not None else None

    async def action_retry(self, probe: bool) -> None:
        """Ask again, in the lane and conversation it came from."""
        entry = self._chosen
        if entry is not None:
            self.house.close_panel()
            await self.house.chat.resume_request(entry, probe=probe)

    async def action_edit(self) -> None:
        """Put it back into the editor of its lane; it waits no longer."""
        entry = self._chosen
        if entry is not None:
            self.house.close_panel()
            await self.house.chat.edit_request(entry)

    def action_elsewhere(self) -> None:
        """Send it in another lane, which is picked."""
        entry = self._chosen
        if entry is not None:
            self.house.close_panel()
            self.house.chat.send_elsewhere(entry)

    def action_raw(self) -> None:
        """What was sent and received for it."""
        if (entry := self._chosen) is not None:
            self.house.show_raw(entry.id)

    async def action_drop(self) -> None:
        """Remove for good, when asked twice."""
        entry = self._chosen
        if entry is None:
            return
        if self._dropping != entry.id:
            self._dropping = entry.id
            again = press_again(self.house.keymap, "outbox_drop")
            self.say(f"The prompt and its attempts will be gone. {again} to drop it.", severity="warning")
            return
        desk = await self.desk()
        try:
            await desk.drop(entry.id)
        except DeskError as error:
            self.say(str(error), severity="error")
        if self.opened is not None:
            self.action_close_panel()
        self.action_reload()


def _row(entry: OutboxEntry, now: float) -> Row:
    reason = reason_words(entry.error_kind.value) if entry.error_kind is not None else entry.reason
    when = "when you say so"
    if entry.next_try_at is not None:
        left_s = entry.next_try_at - now
        when = f"{clock(entry.next_try_at)}, in {countdown(left_s)}" if left_s > 0 else "now"
    files = f" (+{counted(len(entry.attachments), 'file')})" if entry.attachments else ""
    return Row(
        key=entry.id,
        cells=(clock(entry.created_at), entry.lane, reason, when, str(entry.attempts), entry.prompt + files),
        facets={
            "lane": entry.lane,
            "reason": (entry.error_kind.value if entry.error_kind is not None else entry.reason).replace(" ", "-"),
            "agent": entry.agent or "",
        },
    )
