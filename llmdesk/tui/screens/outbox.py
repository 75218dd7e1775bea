"""The outbox: requests that wait on disk; look at them, ask them again, or drop them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from llmdesk.core.errors import DeskError
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.reasons import reason_words
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.screens.request_detail import request_text
from llmdesk.tui.words import clock

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.content import Content

    from llmdesk.core.views import OutboxEntry


class OutboxScreen(ListPanel):
    """Paused requests, oldest first."""

    panel: ClassVar = "outbox"
    heading: ClassVar[str] = "outbox: paused requests"
    columns: ClassVar[tuple[str, ...]] = ("since", "lane", "why", "next try", "tries", "prompt")
    elastic: ClassVar[tuple[str, ...]] = ("why", "prompt")
    nothing: ClassVar[str] = "The outbox is empty: every prompt has its answer."
    keys: ClassVar[tuple[str, ...]] = ("enter show", "t ask again", "x drop", "n now, cooldowns ignored", "/ filter")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("outbox")]

    def __init__(self, *, below: str) -> None:
        super().__init__(below=below)
        self._entries: dict[str, OutboxEntry] = {}
        self._dropping: str | None = None

    async def read(self) -> None:
        """Read what waits."""
        desk = await self.desk()
        self._entries = {entry.id: entry for entry in await desk.outbox()}
        self.show_rows([_row(entry) for entry in self._entries.values()])

    async def detail(self, key: str) -> Content:
        """The request with every attempt."""
        desk = await self.desk()
        return request_text(await desk.request(key), discarded=True)

    @property
    def _chosen(self) -> OutboxEntry | None:
        key = self.opened or self.marked
        return self._entries.get(key) if key is not None else None

    async def action_retry(self, probe: bool) -> None:
        """Ask again, in the lane and conversation it came from."""
        entry = self._chosen
        if entry is not None:
            self.house.close_panel()
            await self.house.chat.resume_request(entry, probe=probe)

    async def action_drop(self) -> None:
        """Remove for good, when asked twice."""
        entry = self._chosen
        if entry is None:
            return
        if self._dropping != entry.id:
            self._dropping = entry.id
            self.say("The prompt and its attempts will be gone. Press x again to drop it.", severity="warning")
            return
        desk = await self.desk()
        try:
            await desk.drop(entry.id)
        except DeskError as error:
            self.say(str(error), severity="error")
        if self.opened is not None:
            self.action_close_panel()
        self.action_reload()


def _row(entry: OutboxEntry) -> Row:
    reason = reason_words(entry.error_kind.value) if entry.error_kind is not None else entry.reason
    when = clock(entry.next_try_at) if entry.next_try_at is not None else "when you say so"
    files = f" (+{len(entry.attachments)} files)" if entry.attachments else ""
    return Row(
        key=entry.id,
        cells=(clock(entry.created_at), entry.lane, reason, when, str(entry.attempts), entry.prompt + files),
        facets={"lane": entry.lane, "reason": f"{entry.reason} {reason}", "agent": entry.agent or ""},
    )
