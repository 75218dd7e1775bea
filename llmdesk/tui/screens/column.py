"""One column of a comparison: a lane that answers the same prompt as the columns beside it."""

from __future__ import annotations

import asyncio
from dataclasses import field, replace
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from llmdesk.core.text import one_line
from llmdesk.core.types import Accepted, Params, Status
from llmdesk.core.values import dataclass
from llmdesk.tui.screens.talk import Talk
from llmdesk.tui.widgets.lane_pane import LanePane
from llmdesk.tui.widgets.wait_line import WaitLine

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from llmdesk.core.types import DeskEvent, ModelRef, Outcome
    from llmdesk.desk import Desk, Run
    from llmdesk.tui.history import PromptHistory
    from llmdesk.tui.screens.outgoing import Queued
    from llmdesk.tui.screens.talk import Host
    from llmdesk.tui.widgets.wait_line import Wait

KEYS = {
    "retry_now": "compare_again", "next_target": "compare_next", "consent(True)": "compare_yes",
    "consent(False)": "compare_no", "cancel": "compare_stop",
}  # fmt: skip
"""What a wait offers that a column can do, and the action there that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who answers in a column: a lane, or one ``model`` by the rules of that lane."""

    lane: str
    model: ModelRef | None = None
    params: Params = field(default_factory=Params)

    @property
    def name(self) -> str:
        """What the column is called."""
        return str(self.model) if self.model is not None else self.lane


@dataclass(slots=True)
class Round:
    """What the columns share: the conversation they all belong to, and their requests in order.

    Each request takes the place of the first and of all after it, so that at any moment one of them stands and the
    others are earlier versions of it, whatever becomes of the program; and no answer goes along with another column's
    prompt.
    """

    conversation: str | None
    requests: list[str] = field(default_factory=list)
    order: asyncio.Lock = field(default_factory=asyncio.Lock)


class ColumnWait(WaitLine):
    """A wait that offers what a column can do, by its letters."""

    def show_wait(self, wait: Wait | None) -> None:
        """Show this wait, or nothing."""
        if wait is not None:
            offers = [replace(offer, does=KEYS[offer.action]) for offer in wait.offers if offer.action in KEYS]
            wait = replace(wait, offers=tuple(offers))
        super().show_wait(wait)


class ColumnPane(LanePane):
    """A column: who answers, the transcript, what is waited for; its prompt is that of the screen."""

    DEFAULT_CSS = """
    ColumnPane { width: 1fr; height: 1fr; border-left: solid $panel; }
    ColumnPane > #who { height: 1; padding: 0 1; background: $panel; }
    ColumnPane > .unseen { display: none; }
    """

    @dataclass
    class Pressed(Message):
        """Something in the column was clicked; ``action`` = one that a wait offers, empty = the column itself."""

        pane: ColumnPane
        action: str = ""

    def __init__(self, history: PromptHistory, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(history, id=id)
        self.wait_line = ColumnWait()
        self._who = Static(id="who", markup=False)

    def compose(self) -> ComposeResult:
        """Only what belongs to one answer."""
        shown = (self.transcript, self.wait_line)
        yield self._who
        yield from shown
        yield Vertical(*(part for part in super().compose() if part not in shown), classes="unseen")

    def show_who(self, number: int, name: str, badge: str, *, marked: bool) -> None:
        """Say who answers here, and how it goes; a sign shows the column that the keys are for."""
        style = "bold $block-cursor-foreground on $block-cursor-background" if marked else "bold"
        label = f"{'▸' if marked else ' '}{number} {one_line(name, 60)} {badge} "
        self._who.update(Content.styled(label, style))

    @on(WaitLine.Chosen)
    def _offer_clicked(self, event: WaitLine.Chosen) -> None:
        event.stop()
        self.post_message(self.Pressed(self, event.action))

    def on_click(self, event: events.Click) -> None:
        """The keys are for this column now."""
        del event
        self.post_message(self.Pressed(self))


class Column(Talk):
    """The talk of one column.

    Attributes:
        request: the last request that was asked here; ``None`` = none was accepted yet.
        answered: the last request that was answered here; ``None`` = none.
    """

    def __init__(self, contender: Contender, *, pane: LanePane, host: Host, shared: Round) -> None:
        super().__init__(lane=contender.lane, pane=pane, host=host, conversation=shared.conversation)
        self.contender = contender
        self.model, self.params = contender.model, contender.params
        self.request: str | None = None
        self.answered: str | None = None
        self._shared = shared
        self._in_line = False

    def keep(self) -> None:
        """Pause the request under way; one that still stands in line has the same prompt as the first."""
        if self._run is not None:
            self._run.cancel(keep=True)

    async def ask_again(self, item: Queued) -> None:
        """Ask once more; what waited in the outbox is not waited for any more.

        Raises:
            DeskError: the outbox cannot be written.
        """
        if self.busy:
            return
        await self.drop_paused()
        if not self.busy:
            self.send(item)

    async def drop_paused(self) -> None:
        """Take the request out of the outbox, if it waits there."""
        paused, self.paused = self.paused, None
        if paused is None:
            return
        desk = await self.host.desk()
        if any(entry.id == paused for entry in await desk.outbox()):
            await desk.drop(paused)

    async def _run_of(self, desk: Desk, item: Queued) -> Run:
        await self._shared.order.acquire()  # until the request is on disk: the next one takes its place
        self._in_line = True
        ask = replace(
            self._ask(desk, item),
            conversation=self._shared.conversation,
            replaces=self._shared.requests[0] if self._shared.requests else None,
        )
        return desk.send(ask)

    def _take(self, desk: Desk, event: DeskEvent) -> None:
        if isinstance(event, Accepted):
            self._shared.conversation = event.conversation or self._shared.conversation
            if event.request_id not in self._shared.requests:  # what was paused comes once more
                self._shared.requests.append(event.request_id)
            self.request = event.request_id
            self._leave_line()
        super()._take(desk, event)

    def _finish(self, desk: Desk, outcome: Outcome) -> None:
        if outcome.status in (Status.COMPLETED, Status.REFUSED):
            self.answered = outcome.request_id
        super()._finish(desk, outcome)

    def _end(self) -> None:
        self._leave_line()
        super()._end()

    def _leave_line(self) -> None:
        if self._in_line:
            self._in_line = False
            self._shared.order.release()
