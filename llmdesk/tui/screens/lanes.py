"""The lanes side by side: one of them shown, the others going on behind it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.widgets import ContentSwitcher

from llmdesk.core.errors import DeskError
from llmdesk.tui.history import PromptHistory
from llmdesk.tui.screens.steering import SteeredScreen
from llmdesk.tui.screens.talk import Talk
from llmdesk.tui.widgets.header import Header
from llmdesk.tui.widgets.lane_pane import LanePane
from llmdesk.tui.widgets.lanes_bar import STATES, Badge, LanesBar, LaneTab

if TYPE_CHECKING:
    from llmdesk.core.types import Outcome
    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk


class LanedScreen(SteeredScreen):
    """A screen that shows one talk of several, each in a pane of its own.

    Attributes:
        demo: nothing here is a real model.
        history: the prompts sent so far, in all lanes.
    """

    def __init__(self, *, lane: str) -> None:
        super().__init__()
        self.demo = False
        self.history = PromptHistory()
        self.lanes = ()
        self.talks = {}
        self.talk = Talk(lane=lane, pane=LanePane(self.history, id="lane-0"), host=self)

    # --- what a talk needs of its host --------------------------------------------------------------------------

    @property
    def budgets(self) -> tuple[BudgetView, ...]:
        """How they stand, as far as it is known without asking."""
        return ()

    async def ready(self) -> Desk:
        """The desk, as soon as prompts can be sent."""
        return await self.desk()

    def settled(self, talk: Talk, outcome: Outcome) -> None:
        """A request has ended."""
        raise NotImplementedError

    def left_behind(self, talk: Talk, outcome: Outcome) -> None:
        """A request has ended that the talk stopped showing before."""
        raise NotImplementedError

    def talk_changed(self, talk: Talk) -> None:
        """Draw the header and the bar anew."""
        if talk is self.talk:
            talk.seen()
        self.show_talk()

    def show_talk(self) -> None:
        """Put the current talk into the header and all of them into the bar."""
        if not self.is_mounted or not self.query(Header) or not self.query(LanesBar):  # it is there, or is being left
            return
        names = [lane.name for lane in self.lanes]
        header, bar = self.query_one(Header), self.query_one(LanesBar)
        lane = self.talk.lane
        header.lane = f"{names.index(lane) + 1} {lane}" if lane in names else lane
        header.asked = self.talk.asked
        header.conversation = self.talk.title
        bar.tabs = tuple(
            LaneTab(name=name, badge=self.talks[name].badge if name in self.talks else Badge.NONE) for name in names
        )
        bar.current = lane
        header.demo = self.demo
        title = "llmdesk DEMO" if self.demo else "llmdesk"
        self.house.title = f"{title} - {lane}" if lane else title

    # --- going from lane to lane --------------------------------------------------------------------------------

    async def go_to_lane(self, name: str) -> None:
        """Show another lane; nothing that runs in this one stops, and the next key already goes to the other prompt."""
        if name not in [lane.name for lane in self.lanes]:
            near = [lane.name for lane in self.lanes if lane.name.startswith(name)]
            if len(near) != 1:
                self.say(f"There is no lane '{name}'.", severity="warning")
                return
            name = near[0]
        if name not in self.talks:
            pane = LanePane(self.history, id=f"lane-{len(self.talks)}")
            self.talks[name] = Talk(lane=name, pane=pane, host=self)
            await self.query_one("#lanes", ContentSwitcher).mount(pane)
        self.talk = self.talks[name]
        self.talk.seen()
        self.query_one("#lanes", ContentSwitcher).current = self.talk.pane.id
        self.set_focus(self.talk.pane.typed_into)
        self.show_talk()

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
            states = {name: STATES[talk.badge] for name, talk in self.talks.items()}
            self.app.push_screen(LanePicker(self.lanes, self.talk.lane, states), picked)

    @on(LanesBar.Chosen)
    async def _lane_clicked(self, event: LanesBar.Chosen) -> None:
        await self.go_to_lane(event.lane)

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

    # --- files --------------------------------------------------------------------------------------------------

    async def attach(self, talk: Talk, path: str) -> None:
        """Send a file, or those of a folder, along with the next prompt."""
        from llmdesk.tui.reading import read_path

        desk = await self.desk()
        try:
            found = await asyncio.to_thread(read_path, desk, path)
        except DeskError as error:
            self.say(str(error), severity="error")
            return
        for file in found.files:
            talk.attach(file)
        if found.told:
            self.say(found.told)
