"""Compare: one prompt to several lanes side by side; the better answer is kept, the others as earlier versions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.types import Status
from llmdesk.tui.actions import BY_ID
from llmdesk.tui.hints import keymap_of
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.screens.column import Column, ColumnPane, Contender, Round
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.keys_line import KeysLine
from llmdesk.tui.widgets.lanes_bar import LanesBar, LaneTab
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.wait_line import Offer, WaitLine

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk
    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.screens.lanes import LanedScreen
    from llmdesk.tui.screens.outgoing import Queued
    from llmdesk.tui.screens.talk import Talk
    from llmdesk.tui.widgets.keys_line import ToldKey

FEWEST, MOST = 2, 4
"""How many are compared."""

SIDE_BY_SIDE_FROM = 100
"""Columns of the terminal from which all are shown beside one another; below, one at a time."""


def _numbered(keymap: Keymap, action_id: str, last: int, words: str) -> ToldKey:
    """The keys of actions that go by a number, from the first to the last, as long as they are the usual ones."""
    usual = BY_ID[action_id].keys
    return f"{usual}…{last} {words}" if keymap.keys_of(BY_ID[action_id]) == usual else (action_id, words)


class CompareScreen(DeskScreen):
    """Asks several for the same and lets the user choose.

    Args:
        chat: below it; its lane's conversation gets the turn.
        contenders: who is asked; more can be chosen as long as nothing was sent.
        text: what stands in the prompt.
        send: send it at once.
        closed: told when the screen goes.
    """

    AUTO_FOCUS = ""
    scope: ClassVar[str] = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("compare")]
    DEFAULT_CSS = """
    CompareScreen #compare-title { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    CompareScreen #who-is-asked, CompareScreen #choices { padding: 0 1; }
    CompareScreen #columns { height: 1fr; }
    CompareScreen LanesBar { display: none; }
    CompareScreen.-narrow.-sent LanesBar { display: block; }
    CompareScreen.-narrow ColumnPane { display: none; border-left: none; }
    CompareScreen.-narrow ColumnPane.-marked { display: block; }
    CompareScreen.-narrow ColumnPane > #who { display: none; }
    CompareScreen #hint { height: auto; padding: 1 2; color: $muted; }
    CompareScreen.-sent Prompt, CompareScreen.-sent #who-is-asked, CompareScreen.-sent #hint { display: none; }
    """

    def __init__(
        self,
        chat: LanedScreen,
        contenders: Sequence[Contender],
        *,
        text: str,
        send: bool,
        closed: Callable[[], None],
    ) -> None:
        super().__init__()
        self._chat = chat
        self._talk = chat.talk
        self._contenders = list(contenders)
        self._text = text
        self._send_at_once = send
        self._told_closed = closed
        self._item: Queued | None = None
        self._shared = Round(conversation=chat.talk.conversation)
        self._marked = 0
        self._kept: Column | None = None
        self._leaving = False
        self._gone = False
        self._over = False
        self._first: Column | None = None
        self.columns: list[Column] = []

    def compose(self) -> ComposeResult:
        """Who is asked, then the columns, then what can be done."""
        demo = " DEMO" if self._chat.demo else ""
        title = one_line(self._talk.title) or "new conversation"
        yield Static(Content(f"llmdesk{demo} ─ compare ─ {title}"), id="compare-title")
        yield ActionLine(id="who-is-asked")
        yield LanesBar()
        yield Static(id="hint", markup=False)
        yield Horizontal(id="columns")
        yield ActionLine(id="choices")
        yield Prompt(self._chat.history, placeholder="One prompt for all of them. Enter sends")
        who = _numbered(keymap_of(self.app), "compare_lane_1", 9, "who is asked")
        yield KeysLine([("send", "send"), who], leave=("compare_leave", "close"))

    async def on_mount(self) -> None:
        """The prompt has the keys until it is sent."""
        self._prompt.put(self._text)
        self._show_who_is_asked()
        if self._send_at_once:
            await self._send(self._text)
        if not self.columns:
            self.set_focus(self._prompt)

    def on_unmount(self) -> None:
        """Tell who opened it."""
        self._told_closed()

    def on_resize(self, event: events.Resize) -> None:
        """Side by side where there is room."""
        self.set_class(event.size.width < SIDE_BY_SIDE_FROM, "-narrow")

    @property
    def _prompt(self) -> Prompt:
        return self.query(Prompt).last()

    # --- who is asked -------------------------------------------------------------------------------------------

    def action_choose(self, number: int) -> None:
        """Ask a lane too, or not."""
        lanes = self._chat.lanes
        if self.columns or not 1 <= number <= len(lanes):
            return
        name = lanes[number - 1].name
        chosen = next((each for each in self._contenders if each.name == name), None)
        if chosen is not None:
            self._contenders.remove(chosen)
        elif len(self._contenders) < MOST:
            self._contenders.append(contender_for(self._chat, name))
        else:
            self.say(f"At most {MOST} are compared.", severity="warning")
        self._show_who_is_asked()

    def _show_who_is_asked(self) -> None:
        chosen = [each.name for each in self._contenders]
        lanes = [lane.name for lane in self._chat.lanes]
        offers = [
            Offer(label=f"{'●' if name in chosen else '○'} {number} {name}", action=f"choose({number})")
            for number, name in enumerate(lanes, 1)
        ]
        offers += [Offer(label=f"● {name}", action="none") for name in chosen if name not in lanes]
        self.query_one("#who-is-asked", ActionLine).show_offers(offers)
        missing = FEWEST - len(chosen)
        text = f"Compared are {', '.join(chosen)}." if chosen else "Nobody is compared yet."
        if missing > 0:
            text += f" Choose {missing} more: alt+1…9, or a click."
        self.query_one("#hint", Static).update(Content(f"{text}\nThe better answer is kept in this conversation."))

    # --- sending ------------------------------------------------------------------------------------------------

    @on(Prompt.Edited)
    def _edited(self, event: Prompt.Edited) -> None:
        """What is written here is a draft of the lane, as if it stood in its own prompt."""
        event.stop()
        if not self.columns:
            self._talk.pane.prompt.recall(event.text)

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        event.stop()
        await self._send(event.text)
        event.prompt.let_stand()

    async def _send(self, text: str) -> None:
        if self.columns or not text.strip():
            return
        if len(self._contenders) < FEWEST:
            self.say(f"Choose at least {FEWEST} to compare: alt+1…9.", severity="warning")
            return
        if self._talk.busy:
            self.say("This lane is answering: compare when that is done.", severity="warning")
            return
        from llmdesk.tui.commands import mentioned_files

        for path in await asyncio.to_thread(mentioned_files, text):
            await self._chat.attach(self._talk, path)
        self._talk.pane.prompt.put("")
        taken = self._talk.outgoing.take(text)
        self._talk.outgoing.once = taken.model  # that choice is the lane's; each column has its own
        self._item = replace(taken, model=None)
        for number, contender in enumerate(self._contenders):
            pane = ColumnPane(self._chat.history, id=f"column-{number}")
            self.columns.append(Column(contender, pane=pane, host=self, shared=self._shared))
        self.add_class("-sent")
        self.set_focus(None)  # digits choose from here on
        await self.query_one("#columns").mount(*(column.pane for column in self.columns))
        for column in self.columns:
            column.send(self._item)
        self._show()

    # --- what a column needs of its host ------------------------------------------------------------------------

    @property
    def budgets(self) -> tuple[BudgetView, ...]:
        """How they stand, as far as it is known without asking."""
        return self._chat.budgets

    async def ready(self) -> Desk:
        """The desk, as soon as it is known which conversation prompts go to."""
        return await self._chat.ready()

    def follow(
        self, work: Callable[[], Coroutine[None, None, None]], *, group: str = "default", exclusive: bool = False
    ) -> None:
        """Run something beside the chat until it ends: it goes on when this screen is closed."""
        self._chat.follow(work, group=group, exclusive=exclusive)

    def talk_changed(self, talk: Talk) -> None:
        """A column has another badge, or a question."""
        if talk.asks_consent and not self._column.asks_consent and talk in self.columns:
            self._marked = self.columns.index(talk)
        self._show()

    def settled(self, talk: Talk, outcome: Outcome) -> None:
        """A column has ended."""
        if outcome.status is Status.COMPLETED and self._first is None and isinstance(talk, Column):
            self._first = talk
        self._show()
        self._leave_when_done()

    def left_behind(self, talk: Talk, outcome: Outcome) -> None:
        """A column shows every request to its end."""

    def _show(self) -> None:
        """Who is how, and what can be done now."""
        if not self.is_mounted or not self.columns or self._gone:
            return
        bar = self.query_one(LanesBar)
        names = [column.contender.name for column in self.columns]
        bar.tabs = tuple(
            LaneTab(name=name, badge=column.badge) for name, column in zip(names, self.columns, strict=True)
        )
        bar.current = names[self._marked]
        for number, column in enumerate(self.columns):
            marked = number == self._marked
            column.pane.set_class(marked, "-marked")
            if isinstance(column.pane, ColumnPane):
                column.pane.show_who(number + 1, names[number], column.badge.value, marked=marked)
        self.query_one("#choices", ActionLine).show_offers(self._offers(names))
        self.query_one(KeysLine).show_keys(self._keys(), leave=("compare_leave", self._leave_words))

    def _offers(self, names: Sequence[str]) -> list[Offer]:
        keep = [
            Offer(label=f"keep {name}", action=f"keep({number})", does=f"compare_keep_{number}")
            for number, (name, column) in enumerate(zip(names, self.columns, strict=True), 1)
            if column.answered is not None
        ]
        again = [] if self._column.busy else [Offer(label="ask again", action="again", does="compare_again")]
        stop = [Offer(label="cancel", action="stop", does="compare_stop")] if self._column.busy else []
        return [*keep, *again, *stop, Offer(label=self._leave_words, action="leave", does="compare_leave")]

    @property
    def _leave_words(self) -> str:
        """What leaving does now, wherever it is told."""
        return "cancel all" if self._busy else "keep the first" if self._first is not None else "close"

    def _keys(self) -> tuple[ToldKey, ...]:
        """The keys worth knowing once the letters are the columns'."""
        answered = any(column.answered is not None for column in self.columns)
        keep = _numbered(keymap_of(self.app), "compare_keep_1", len(self.columns), "keep")
        now: ToldKey = ("compare_stop", "cancel") if self._column.busy else ("compare_again", "again")
        return (*([keep] if answered else []), ("compare_left compare_right", "column"), now)

    # --- steering a column --------------------------------------------------------------------------------------

    @property
    def _column(self) -> Column:
        return self.columns[self._marked]

    @property
    def _busy(self) -> bool:
        return any(column.busy for column in self.columns)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """As long as nothing was sent the letters are the prompt's, and there is nothing to steer."""
        if action in ("mark", "keep", "again", "next_target", "consent", "stop", "scroll_column"):
            return bool(self.columns)
        return not self.columns if action == "choose" else True

    def action_mark(self, by: int) -> None:
        """Let the keys be for another column."""
        self._marked = (self._marked + by) % len(self.columns)
        self._show()

    def action_again(self) -> None:
        """Cut the wait of the marked column short, or ask it once more."""
        column, item = self._column, self._item
        if column.busy:
            column.retry_now()
        elif item is not None and not self._leaving:
            self.follow(lambda: column.ask_again(item))

    def action_next_target(self) -> None:
        """Let the marked column go to its next target."""
        self._column.next_target()

    def action_consent(self, go: bool) -> None:
        """Say yes or no to the next target of the marked column."""
        self._column.consent(go=go)

    def action_stop(self) -> None:
        """Cancel the marked column; what came of it stays."""
        self._column.cancel()

    def action_scroll_column(self, by: int) -> None:
        """Scroll the marked column by a page."""
        transcript = self._column.pane.transcript
        (transcript.scroll_page_up if by < 0 else transcript.scroll_page_down)(animate=False)

    @on(ColumnPane.Pressed)
    async def _column_pressed(self, event: ColumnPane.Pressed) -> None:
        self._marked = next(at for at, column in enumerate(self.columns) if column.pane is event.pane)
        self._show()
        if event.action:
            offered = {"retry_now": "again", "cancel": "stop"}
            await self.run_action(offered.get(event.action, event.action))

    @on(LanesBar.Chosen)
    def _tab_clicked(self, event: LanesBar.Chosen) -> None:
        event.stop()
        self._marked = next(at for at, column in enumerate(self.columns) if column.contender.name == event.lane)
        self._show()

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        if event.action != "none":
            await self.run_action(event.action)

    @on(WaitLine.Elapsed)
    def _wait_elapsed(self) -> None:
        for column in self.columns:
            if column.pane.wait_line.elapsed:
                column.wait_elapsed("ask")

    # --- the end ------------------------------------------------------------------------------------------------

    def action_keep(self, number: int) -> None:
        """Keep the answer of a column; the others become earlier versions, and what still runs is cancelled."""
        if not 1 <= number <= len(self.columns):
            return
        column = self.columns[number - 1]
        if column.answered is None:
            self.say(f"{column.contender.name} has not answered.", severity="warning")
            return
        self._kept, self._leaving = column, True
        for each in self.columns:
            each.cancel()
        self._leave_when_done()

    def action_leave(self) -> None:
        """Cancel what runs; again, or when nothing does: keep the first answer, or nothing where none came."""
        if not self.columns:
            self._talk.pane.prompt.put(self._prompt.text)
            self.house.close_panel()
        elif self._busy:
            for column in self.columns:
                column.cancel()
        else:
            self._kept, self._leaving = self._first, True
            self._leave_when_done()

    def _leave_when_done(self) -> None:
        if self._leaving and not self._gone and not self._busy:
            self._gone = True
            self.follow(self._leave)

    async def _leave(self) -> None:
        try:
            words = await self._put_in_order()
        except DeskError as error:
            words = str(error)
        try:
            if self._shared.conversation is not None and self._shared.requests:
                desk = await self.desk()
                self._talk.load(await desk.conversation(self._shared.conversation))
        except DeskError as error:
            words = f"{words} {error}"
        self.say(words)
        self._over = True
        if self.is_active:
            self.house.close_panel()

    def on_screen_resume(self) -> None:
        """What was on top when all was over is closed: now this is."""
        if self._over:
            self.house.close_panel()

    async def _put_in_order(self) -> str:
        """Let the kept answer stand; without one, give the prompt back unless it waits in the outbox.

        Raises:
            DeskError: it could not be written.
        """
        kept, item = self._kept, self._item
        if kept is not None and kept.answered is not None:
            for column in self.columns:
                await column.drop_paused()
            desk = await self.desk()
            others = [request for request in self._shared.requests if request != kept.answered]
            if self._shared.conversation is not None and others:
                await desk.shelf.keep(self._shared.conversation, kept.answered, others)
            return f"Kept the answer of {kept.contender.name}; the others are earlier versions of it."
        if any(column.paused is not None for column in self.columns):
            return "Nobody has answered; the prompt waits in the outbox (f7)."
        if item is not None and self._talk.outgoing.give_back(item):
            return "No answer was kept; the prompt is back."
        return "No answer was kept."


def contender_for(chat: LanedScreen, name: str) -> Contender:
    """A lane with what was set in it."""
    talk = chat.talks.get(name)
    if talk is None:
        return Contender(lane=name)
    return Contender(lane=name, params=talk.params)
