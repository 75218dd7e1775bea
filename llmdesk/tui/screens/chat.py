"""The chat screen: lanes side by side, one of them shown, with the providers beside it and the lanes below."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from llmdesk.core.errors import DeskError
from llmdesk.core.types import Status
from llmdesk.core.views import Topic
from llmdesk.tui.actions import BY_ID
from llmdesk.tui.hints import hints
from llmdesk.tui.house import Talked
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.acting import ActingScreen
from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.screens.comparing import ComparingScreen
from llmdesk.tui.screens.drafting import DraftingScreen
from llmdesk.tui.screens.elsewhere import MOMENT_S, Elsewhere, words
from llmdesk.tui.screens.library import LibraryScreen
from llmdesk.tui.screens.moving import MovingScreen
from llmdesk.tui.screens.removing import RemovingScreen
from llmdesk.tui.screens.resumed import Resumed
from llmdesk.tui.screens.searching import SearchingScreen
from llmdesk.tui.screens.shelving import ShelvingScreen
from llmdesk.tui.screens.sparing import SparingScreen
from llmdesk.tui.screens.touring import TouringScreen
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.widgets.header import Header
from llmdesk.tui.widgets.lanes_bar import LanesBar
from llmdesk.tui.widgets.outbox_panel import OutboxPanel
from llmdesk.tui.widgets.provider_panel import ProviderPanel
from llmdesk.tui.widgets.sidebar import Sidebar, SidePanel

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.geometry import Size

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import BudgetView, ConversationView
    from llmdesk.desk import Desk
    from llmdesk.tui.hints import State
    from llmdesk.tui.screens.figures import Figures
    from llmdesk.tui.screens.talk import Talk

SIDEBAR_FROM, WIDE_FROM = 88, 100
"""Columns from which the sidebar is shown unless the user says otherwise, with short lines, and with whole ones."""

RECENT = 20
"""So many conversations can be had by their titles in the palette."""

TALL_FROM = 8
"""Rows below which only the transcript and the prompt are left."""


class ChatScreen(
    TouringScreen,
    ActingScreen,
    RemovingScreen,
    ComparingScreen,
    ShelvingScreen,
    SearchingScreen,
    DraftingScreen,
    LibraryScreen,
    MovingScreen,
    SparingScreen,
):
    """Where the user talks."""

    CSS_PATH = None
    AUTO_FOCUS = "Prompt"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("chat")]

    def __init__(self, *, lane: str | None, conversation: str | None, latest: bool = False) -> None:
        super().__init__(lane=lane or "")
        self._latest = latest
        self._begun = asyncio.Event()
        """It is known which conversation prompts go to."""
        if conversation is None and not latest:
            self._begun.set()
        self._asked_lane = lane
        self._asked_conversation = conversation
        self._sidebar: bool | None = None
        self._resting = ""
        self._resumed = Resumed(self)
        self._keeps_resuming = False
        self._resuming: asyncio.Task[object] | None = None
        self._recent: tuple[ConversationView, ...] = ()
        self._figures: Figures | None = None
        self._elsewhere = Elsewhere(self.say, partial(self.set_timer, MOMENT_S))

    def compose(self) -> ComposeResult:
        """Header, lane and sidebar, lanes bar."""
        yield Header(id="header")
        with Horizontal(id="middle"):
            with ContentSwitcher(initial="lane-0", id="lanes"):
                yield self.talk.pane
            with Sidebar(id="sidebar"):
                yield ProviderPanel(id="providers")
                yield OutboxPanel(id="outbox")
        yield LanesBar()

    def on_mount(self) -> None:
        """The prompt has the focus from the first paint, which fits the window; everything else comes after it."""
        self._fit(self.app.size)
        self.show_hints()
        self.show_talk()
        self.talk.pane.prompt.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Fold what does not fit."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        self._fold(size.width)
        self.set_class(size.height < TALL_FROM, "-flat")

    def show_sidebar(self, shown: bool | None) -> None:
        """Show the sidebar or not, whatever the width; ``None`` = where it fits."""
        self._sidebar = shown
        self._fold(self.size.width)

    def action_toggle_sidebar(self) -> None:
        """Show or hide the sidebar, whatever the width."""
        self.show_sidebar(not self.query_one("#sidebar").display)

    def _fold(self, width: int) -> None:
        sidebar = self.query_one("#sidebar")
        shown = width >= SIDEBAR_FROM if self._sidebar is None else self._sidebar
        if shown and not sidebar.display and self._figures is not None:
            self._figures.changed()  # what nobody could see was not read
        sidebar.display = shown
        sidebar.set_class(width < WIDE_FROM, "-narrow")
        self._show_resting()

    @on(SidePanel.Opened)
    def _side_panel_clicked(self, event: SidePanel.Opened) -> None:
        self.house.action_open_panel(event.name)

    def on_screen_resume(self) -> None:
        """Back from a panel: keys go to the prompt again."""
        self.set_focus(self.talk.pane.typed_into)

    # --- the desk opens ---------------------------------------------------------------------------------------

    async def desk_opened(self, desk: Desk) -> None:
        """Show what the desk knows: the conversation that was asked for, lanes, providers; the rest after these."""
        self.lanes = desk.lanes()
        names = [lane.name for lane in self.lanes]
        wanted = self._asked_lane or desk.default_lane
        if wanted not in names:
            self.talk.record.note(f"There is no lane '{wanted}'. Using {desk.default_lane}.", Level.WARNING)
            wanted = desk.default_lane
        self.talk.lane = wanted
        self.talks[wanted] = self.talk
        self.demo = self.demo or desk.demo
        for warning in desk.warnings:
            self.talk.record.note(warning, Level.WARNING)
        try:
            await self._open_asked(desk)
        finally:
            self._begun.set()
        self.show_providers(desk)
        self.show_talk()
        await self._until_painted()
        self.follow(self._show_figures)
        self.follow(partial(self._learn_history, desk))
        self.follow(partial(self._read_recent, desk))
        self.follow(partial(self.take_up_drafts, desk))
        self.follow(partial(self._look_around, desk))
        self.follow(partial(self._watch, desk))
        self.follow(partial(self._keep_resuming, desk))

    async def _open_asked(self, desk: Desk) -> None:
        """Show the conversation that was asked for at the start; a prompt that is waiting already continues it."""
        asked = self._asked_conversation
        try:
            if asked is None and self._latest:
                asked = await desk.latest_conversation()
            if asked is None:
                return
            conversation = await desk.conversation(asked)
        except DeskError as error:
            self.say(str(error), severity="error")
            return
        if conversation.lane in [lane.name for lane in self.lanes]:
            if len(self.talks) == 1:
                self.talks = {conversation.lane: self.talk}
                self.talk.lane = conversation.lane
            elif conversation.lane != self.talk.lane:  # somebody went to another lane already
                await self.go_to_lane(conversation.lane)
        if self.talk.busy:
            self.talk.adopt(conversation)
        else:
            self.talk.load(conversation)

    async def _until_painted(self) -> None:
        """Return when what is there by now is on the screen: what can come later takes no time from it."""
        painted = asyncio.Event()
        if self.talk.pane.transcript.call_after_refresh(painted.set):
            await painted.wait()

    async def _show_figures(self) -> None:
        """Show what was spent and how it goes; it is not there before the first paint."""
        from llmdesk.tui.screens.figures import Figures

        self._figures = Figures(self)
        self._figures.begin()

    async def _learn_history(self, desk: Desk) -> None:
        """Let the prompts of earlier sessions be recalled."""
        self.history.put_before(await desk.recent_prompts())

    async def _look_around(self, desk: Desk) -> None:
        """See who can be asked here, and tell it."""
        from llmdesk.tui.screens.looking import tell_of

        discovery = await desk.discover()
        self.show_providers(desk)
        await tell_of(discovery, self, desk)

    async def _watch(self, desk: Desk) -> None:
        """Keep the panels in step with what happens here and in other instances."""
        async for topics in desk.watch():
            if Topic.CONVERSATIONS in topics:
                self.follow(partial(self._read_recent, desk))
            if Topic.SETTINGS in topics:
                await self._settings_read(desk)
            if topics & {Topic.COOLDOWNS, Topic.PROVIDERS, Topic.REQUESTS}:
                self.show_providers(desk)
            if self._figures is not None and topics & {Topic.COOLDOWNS, Topic.OUTBOX, Topic.REQUESTS}:
                self._figures.changed()
            if isinstance(top := self.app.screen, DeskScreen) and top is not self:
                top.desk_changed(topics)

    async def _settings_read(self, desk: Desk) -> None:
        """Show other lanes, and whatever else of the screen the configuration has changed."""
        await self.house.settings_read(desk)
        self.lanes = desk.lanes()
        if self.talk.lane not in [lane.name for lane in self.lanes]:
            self.say(f"Lane {self.talk.lane} is not configured any more.", severity="warning")
            await self.go_to_lane(desk.default_lane)
        await self.move_out()
        if not self._keeps_resuming:
            self.follow(partial(self._keep_resuming, desk))
        if self._figures is not None:
            self._figures.changed()
        self.show_talk()

    async def _keep_resuming(self, desk: Desk) -> None:
        """Let the desk ask paused requests again by itself; it ends where no lane wants that."""
        self._keeps_resuming, self._resuming = True, asyncio.current_task()
        try:
            await desk.keep_resuming(self._resumed.take)
        finally:
            self._keeps_resuming, self._resuming = False, None

    def keep_all(self) -> None:
        """Pause every request under way, and let none of them be asked again on the way out."""
        if self._resuming is not None:
            self._resuming.cancel()
        super().keep_all()

    @property
    def rows_below(self) -> int:
        """Rows from the transcript's end to the screen's."""
        transcript = self.talk.pane.transcript
        return self.size.height - transcript.region.bottom if transcript.region.height else 1

    @property
    def recent(self) -> tuple[ConversationView, ...]:
        """Conversations used last, as far as they were read."""
        return self._recent

    async def _read_recent(self, desk: Desk) -> None:
        self._recent = await desk.conversations(limit=RECENT)

    def show_hints(self) -> None:
        """Show the keys worth knowing now, as they are bound now."""
        if self.is_mounted and self.query(LanesBar):
            self.query_one(LanesBar).hints = hints(self._state(), self.house.keymap)

    def _state(self) -> State:
        talk = self.talk
        if talk.pane.transcript.chosen is not None:
            return "marked"
        if talk.busy:
            waits = talk.can_steer and not talk.record.answering
            return "asked" if talk.asks_consent else "waiting" if waits else "busy"
        return "held" if talk.outgoing else "paused" if talk.can_steer else "idle"

    @on(LanesBar.Hinted)
    async def _hint_clicked(self, event: LanesBar.Hinted) -> None:
        action = BY_ID[event.action_id]
        await self.app.run_action(action.call.removeprefix("screen."), None if action.scope == "desk" else self)

    def show_providers(self, desk: Desk) -> None:
        """Show the providers as they are known now."""
        for panel in self.query(ProviderPanel):  # none any more while the screen is being left
            panel.show_providers(desk.providers())

    @on(ProviderPanel.Resting)
    def _provider_rests(self, event: ProviderPanel.Resting) -> None:
        self._resting = event.text
        self._show_resting()

    def _show_resting(self) -> None:
        """Count down on the top line while the panel that does it is folded away."""
        self.query_one(Header).resting = "" if self.query_one("#sidebar").display else self._resting

    @on(ProviderPanel.CooldownOver)
    async def _cooldown_over(self) -> None:
        self.show_providers(await self.desk())

    @property
    def lane(self) -> str:
        """The lane that is shown."""
        return self.talk.lane

    @property
    def talked(self) -> Talked | None:
        """The conversation that is open; ``None`` = it has not begun."""
        talk = self.talk
        return Talked(id=talk.conversation, title=talk.title) if talk.conversation is not None else None

    # --- budgets ------------------------------------------------------------------------------------------------

    @property
    def budgets(self) -> tuple[BudgetView, ...]:
        """How they stand, as far as it is known without asking."""
        return self._figures.budgets if self._figures is not None else ()

    @property
    def warned(self) -> bool:
        """A warning of a budget is on the screen."""
        return self._figures is not None and self._figures.line.shown

    def on_budget_line_clicked(self) -> None:
        """Its budget is looked at; the widget is not known here before the first paint."""
        self.house.action_open_panel("budgets")

    def action_hide_warning(self) -> None:
        """Put the warning away."""
        if self._figures is not None:
            self._figures.line.put_away()

    # --- what a talk needs of its host --------------------------------------------------------------------------

    def show_talk(self) -> None:
        """Put the current talk into the header, and the measures of its lane beside it."""
        super().show_talk()
        self.show_hints()
        if self._figures is not None:
            self._figures.lane_shown(self.talk.lane)

    async def ready(self) -> Desk:
        """The desk, as soon as it is known which conversation is continued."""
        desk = await self.desk()
        await self._begun.wait()
        return desk

    def settled(self, talk: Talk, outcome: Outcome) -> None:
        """A request ended: say so where the user is. What it has changed in the panels, the desk tells."""
        self.talk_changed(talk)
        self._resumed.settled(talk)
        self.look_back(talk, outcome)
        if talk is not self.talk:
            self.follow(self.move_out)
        failed = outcome.status not in (Status.COMPLETED, Status.REFUSED, Status.CANCELLED)
        if talk is not self.talk:
            self._elsewhere.ended(talk.lane, failed=failed)
        if outcome.status is not Status.CANCELLED and not (talk is self.talk and self.app.app_focus):
            self.house.call_user(words([talk.lane], failed=failed))

    def left_behind(self, talk: Talk, outcome: Outcome) -> None:
        """An answer came that nobody saw grow: show it where its conversation is open by now."""
        self._resumed.left_behind(outcome)
