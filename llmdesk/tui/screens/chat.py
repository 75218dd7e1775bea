"""The chat screen: lanes side by side, one of them shown, with the providers beside it and the lanes below."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher

from llmdesk.core.errors import DeskError
from llmdesk.core.text import sanitise
from llmdesk.core.types import Outcome, Status
from llmdesk.core.views import Attachment, LaneView, OutboxEntry, Topic
from llmdesk.tui.beside import beside
from llmdesk.tui.commands import Command, matching, mentioned_files, parse
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.steering import SteeredScreen
from llmdesk.tui.screens.talk import Talk
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.widgets.header import Header
from llmdesk.tui.widgets.lane_pane import LanePane
from llmdesk.tui.widgets.lanes_bar import Badge, LanesBar, LaneTab
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.provider_panel import ProviderPanel
from llmdesk.tui.words import size

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.desk import Desk

SIDEBAR_FROM = 100
"""Columns from which the sidebar is shown unless the user says otherwise."""

HINTS = (
    "alt+1…9 lane  f6 failovers  f1 help  ctrl+p all actions ",
    "f6 failovers  f1 help  ctrl+p all actions ",
    "f1 help  ctrl+p all actions ",
    "f1 help ",
)
"""Keys worth knowing, at the right end of the lanes bar."""

TALL_FROM = 8
"""Rows below which only the transcript and the prompt are left."""


class ChatScreen(SteeredScreen):
    """Where the user talks."""

    CSS_PATH = None
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("chat")]

    def __init__(self, *, lane: str | None, conversation: str | None) -> None:
        super().__init__()
        self._asked_lane = lane
        self._asked_conversation = conversation
        self.lanes: tuple[LaneView, ...] = ()
        self._first = LanePane(id="lane-0")
        self.talks: dict[str, Talk] = {}
        self.demo = False
        self._sidebar: bool | None = None
        self.talk: Talk = Talk(lane=lane or "", pane=self._first, host=self)

    def compose(self) -> ComposeResult:
        """Header, lane and sidebar, lanes bar."""
        yield Header(id="header")
        with Horizontal(id="middle"):
            with ContentSwitcher(initial="lane-0", id="lanes"):
                yield self._first
            with Vertical(id="sidebar"):
                yield ProviderPanel(id="providers")
        yield LanesBar(id="bar")

    def on_mount(self) -> None:
        """The prompt has the focus from the first paint; everything else comes after it."""
        self.query_one(LanesBar).hints = HINTS
        self._show_talk()
        self._first.prompt.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Fold what does not fit."""
        self._fold(event.size.width)
        flat = event.size.height < TALL_FROM
        self.set_class(flat, "-flat")

    def show_sidebar(self, shown: bool | None) -> None:
        """Show the sidebar or not, whatever the width; ``None`` = where it fits."""
        self._sidebar = shown
        self._fold(self.size.width)

    def action_toggle_sidebar(self) -> None:
        """Show or hide the sidebar, whatever the width."""
        self.show_sidebar(not self.query_one("#sidebar").display)

    def _fold(self, width: int) -> None:
        self.query_one("#sidebar").display = width >= SIDEBAR_FROM if self._sidebar is None else self._sidebar

    def on_screen_resume(self) -> None:
        """Back from a panel: keys go to the prompt again."""
        self.talk.pane.prompt.focus()

    # --- the desk opens ---------------------------------------------------------------------------------------

    async def desk_opened(self, desk: Desk, *, latest: bool = False) -> None:
        """Show what the desk knows: lanes, providers, the first-run card."""
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
        self.show_providers(desk)
        self._show_talk()
        wanted_conversation = self._asked_conversation
        if latest and wanted_conversation is None:
            newest = await desk.conversations(limit=1)
            wanted_conversation = newest[0].id if newest else None
        if wanted_conversation is not None:
            await self.open_conversation(wanted_conversation)
        self.follow(partial(self._look_around, desk))
        self.follow(partial(self._watch, desk))

    async def _look_around(self, desk: Desk) -> None:
        """Put what was found into the transcript, unless the user is already talking."""
        discovery = await desk.discover()
        waiting = await self._show_outbox(desk)
        self.show_providers(desk)
        talk = self.talk
        if talk.record.empty or not discovery.can_answer:
            lines = ["What is here" if discovery.can_answer else "Nobody can answer yet"]
            for finding in discovery.findings:
                hint = f"\n    {finding.hint}" if finding.hint else ""
                lines.append(f"{_SIGNS[finding.level.value]} {finding.text}{hint}")
            if waiting:
                lines.append(f"○ {waiting} paused request{'' if waiting == 1 else 's'} in the outbox: f7")
            level = Level.INFO if discovery.can_answer else Level.WARNING
            talk.record.note("\n".join(sanitise(line) for line in lines), level)

    async def _watch(self, desk: Desk) -> None:
        """Keep the panels in step with what happens here and in other instances."""
        async for topics in desk.watch():
            if topics & {Topic.COOLDOWNS, Topic.PROVIDERS, Topic.REQUESTS}:
                self.show_providers(desk)
            if topics & {Topic.OUTBOX, Topic.REQUESTS}:
                await self._show_outbox(desk)

    def show_providers(self, desk: Desk) -> None:
        """Show the providers as they are known now."""
        self.query_one(ProviderPanel).show_providers(desk.providers())

    async def _show_outbox(self, desk: Desk) -> int:
        waiting = len(await desk.outbox())
        self.query_one(ProviderPanel).show_outbox(waiting)
        return waiting

    @on(ProviderPanel.CooldownOver)
    async def _cooldown_over(self) -> None:
        self.show_providers(await self.desk())

    # --- what a talk needs of its host --------------------------------------------------------------------------

    def follow(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run something beside the screen until it ends."""
        beside(self, work)

    def talk_changed(self, talk: Talk) -> None:
        """Draw the header and the bar anew."""
        if talk is self.talk:
            talk.seen()
        self._show_talk()

    def settled(self, talk: Talk, outcome: Outcome) -> None:
        """A request ended: refresh the panels, and say so where the user is."""
        self.talk_changed(talk)
        if talk is not self.talk:
            failed = outcome.status not in (Status.COMPLETED, Status.REFUSED, Status.CANCELLED)
            words = "could not be answered" if failed else "has its answer"
            self.say(f"Lane {talk.lane} {words}.", severity="warning" if failed else "information")
        self.follow(self._refresh_panels)

    async def _refresh_panels(self) -> None:
        desk = await self.desk()
        self.show_providers(desk)
        await self._show_outbox(desk)

    def _show_talk(self) -> None:
        """Put the current talk into the header and all of them into the bar."""
        if not self.is_mounted:
            return
        names = [lane.name for lane in self.lanes]
        header, bar = self.query_one(Header), self.query_one(LanesBar)
        lane = self.talk.lane
        header.lane = f"{names.index(lane) + 1} {lane}" if lane in names else lane
        header.conversation = self.talk.title
        bar.tabs = tuple(
            LaneTab(name=name, badge=self.talks[name].badge if name in self.talks else Badge.NONE) for name in names
        )
        bar.current = lane
        header.demo = self.demo
        title = "llmdesk DEMO" if self.demo else "llmdesk"
        self.house.title = f"{title} - {lane}" if lane else title

    # --- lanes --------------------------------------------------------------------------------------------------

    async def go_to_lane(self, name: str) -> None:
        """Show another lane; nothing that runs in this one stops, and the next key already goes to the other prompt."""
        if name not in [lane.name for lane in self.lanes]:
            near = [lane.name for lane in self.lanes if lane.name.startswith(name)]
            if len(near) != 1:
                self.say(f"There is no lane '{name}'.", severity="warning")
                return
            name = near[0]
        if name not in self.talks:
            pane = LanePane(id=f"lane-{len(self.talks)}")
            self.talks[name] = Talk(lane=name, pane=pane, host=self)
            await self.query_one("#lanes", ContentSwitcher).mount(pane)
        self.talk = self.talks[name]
        self.talk.seen()
        self.query_one("#lanes", ContentSwitcher).current = self.talk.pane.id
        self.set_focus(self.talk.pane.prompt)
        self._show_talk()

    async def action_lane(self, number: int) -> None:
        """Go to a lane by its number, from 1."""
        if number <= len(self.lanes):
            await self.go_to_lane(self.lanes[number - 1].name)

    async def action_lane_step(self, by: int) -> None:
        """Go to the next lane or the one before."""
        names = [lane.name for lane in self.lanes]
        if self.talk.lane in names:
            await self.go_to_lane(names[(names.index(self.talk.lane) + by) % len(names)])

    def action_pick_lane(self) -> None:
        """Open the lane picker."""
        from llmdesk.tui.screens.lane_picker import LanePicker

        async def picked(name: str | None) -> None:
            if name:
                await self.go_to_lane(name)

        if self.lanes:
            self.app.push_screen(LanePicker(self.lanes, self.talk.lane), picked)

    @on(LanesBar.Chosen)
    async def _lane_clicked(self, event: LanesBar.Chosen) -> None:
        await self.go_to_lane(event.lane)

    # --- the prompt ---------------------------------------------------------------------------------------------

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        talk = self.talk
        talk.pane.prompt.put("")
        talk.pane.prompt.history.checkpoint()
        found = parse(event.text)
        if found is not None:
            talk.pane.prompt.remember(event.text)
            command, argument = found
            await self.run_command(command, argument)
            return
        for path in await asyncio.to_thread(mentioned_files, event.text):
            await self.attach(path)
        talk.submit(event.text)

    async def run_command(self, command: Command, argument: str) -> None:
        """Do what a slash command says."""
        from llmdesk.tui.screens.slash import run_command

        await run_command(self, command, argument)

    @on(Prompt.Edited)
    def _edited(self, event: Prompt.Edited) -> None:
        if event.text:
            self.forget_interrupt()
        commands = matching(event.text)
        self.talk.pane.offer_commands(
            [(f"/{command.name}", _help_line(command.help, command.argument)) for command in commands]
        )

    @on(Prompt.Completing)
    async def _completing(self, event: Prompt.Completing) -> None:
        pane = self.talk.pane
        match event.step:
            case "up":
                pane.completion.step(-1)
            case "down":
                pane.completion.step(1)
            case _:
                command = parse(pane.completion.choice)
                if command is None:
                    return
                if event.step == "run" and not command[0].needs_argument:
                    pane.prompt.put("")
                    await self._sent(Prompt.Sent(pane.completion.choice or f"/{command[0].name}"))
                else:
                    pane.prompt.put(f"/{command[0].name} ")

    @on(Prompt.LargePaste)
    def _large_paste(self, event: Prompt.LargePaste) -> None:
        number = 1 + sum(file.name.startswith("pasted-") for file in self.talk.attached)
        attachment = Attachment(name=f"pasted-{number}.txt", text=event.text)
        self.talk.attach(attachment)
        self.say(f"{size(len(event.text.encode()))} pasted: it goes along as {attachment.name}.")

    @on(Prompt.HelpAsked)
    def _help_asked(self) -> None:
        self.house.action_open_panel("help")

    @on(Prompt.EditorAsked)
    def _editor_asked(self) -> None:
        from llmdesk.tui.editor import edit_text

        prompt = self.talk.pane.prompt
        text, problem = edit_text(self.app, prompt.text)
        if problem:
            self.say(problem, severity="warning")
        elif text != prompt.text:
            prompt.put(text)

    # --- conversations ------------------------------------------------------------------------------------------

    async def open_conversation(self, conversation_id: str, message: int | None = None) -> None:
        """Show a stored conversation in its lane, and the message that was searched for."""
        desk = await self.desk()
        try:
            conversation = await desk.conversation(conversation_id)
        except DeskError as error:
            self.say(str(error), severity="error")
            return
        if conversation.lane in [lane.name for lane in self.lanes] and conversation.lane != self.talk.lane:
            await self.go_to_lane(conversation.lane)
        self.talk.load(conversation)
        if message is not None:
            self.talk.record.jump_to(message)

    async def resume_request(self, entry: OutboxEntry, *, probe: bool) -> None:
        """Ask a paused request again, in the lane and conversation it came from."""
        if entry.lane in [lane.name for lane in self.lanes]:
            await self.go_to_lane(entry.lane)
        if self.talk.busy:
            self.say(f"Lane {entry.lane} is busy; try again when its answer is there.", severity="warning")
            return
        if entry.conversation is None:
            self.talk.clear()
            self.talk.record.user(entry.prompt, at=entry.created_at, attachments=entry.attachments)
        elif entry.conversation != self.talk.conversation:
            await self.open_conversation(entry.conversation)
        self.talk.last_prompt = entry.prompt
        self.talk.resume(entry.id, probe=probe)

    async def attach(self, path: str) -> None:
        """Send a file along with the next prompt."""
        desk = await self.desk()
        try:
            attachment = await asyncio.to_thread(_read, desk, path)
        except DeskError as error:
            self.say(str(error), severity="error")
            return
        self.talk.attach(attachment)


_SIGNS = {"ok": "●", "note": "○", "problem": "✗"}


def _read(desk: Desk, path: str) -> Attachment:
    return desk.attach(Path(path).expanduser())


def _help_line(help_text: str, argument: str) -> str:
    return f"{argument}  {help_text}" if argument else help_text
