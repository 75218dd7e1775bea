"""Prompts that go elsewhere: to another lane while they wait, out of the outbox into a talk, a lane or the editor."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.screens.outgoing import Queued

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from llmdesk.core.views import Ask, OutboxEntry


class MovingScreen(LanedScreen):
    """A screen whose prompts can change their lane, and come back from the outbox."""

    def action_other_lane(self) -> None:
        """Send what waits here in another lane, which is picked; nothing waits here any more then."""
        talk = self.talk
        if talk.bound_here:
            self.say("It belongs to this conversation and cannot be asked in another lane.")
        elif talk.busy:
            self._pick_destination(talk.lane, partial(self._carry, talk.lane))
        elif talk.paused is not None:
            self._pick_destination(talk.lane, partial(self._move_paused, talk.paused))
        else:
            self.action_pick_lane()

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
            await self._have_back(entry.conversation)
            await self.open_conversation(entry.conversation)
            if self.talk.conversation != entry.conversation:
                return  # it is gone, and was told
        self.talk.last_prompt = entry.prompt
        self.talk.resume(entry.id, probe=probe)

    async def _have_back(self, conversation: str) -> None:
        """Who asks a prompt of a deleted conversation again wants to see it."""
        desk = await self.desk()
        try:
            await desk.conversation(conversation)
        except DeskError:
            with suppress(DeskError):
                await desk.shelf.undelete(conversation)
                self.say("Its conversation was deleted; it is back.")

    async def edit_request(self, entry: OutboxEntry) -> None:
        """Put a paused request back into the editor of its lane; it waits no longer."""
        ask = await self._ask_of(entry.id)
        if ask is None:
            return
        await self._show_lane_of(entry.lane)
        talk = self.talk
        if talk.pane.prompt.text.strip():
            self.say("There is a draft in this lane's editor: send or clear it first.", severity="warning")
        elif await self._drop_moved(entry.id) and not talk.outgoing.give_back(_queued(ask)):
            talk.outgoing.put(_queued(ask), 0)  # somebody typed meanwhile
            talk.outgoing.hold()

    def send_elsewhere(self, entry: OutboxEntry) -> None:
        """Let a lane be picked, and send a paused request there; it waits no longer."""
        self._pick_destination(entry.lane, partial(self._move_paused, entry.id))

    def _pick_destination(self, current: str, send_to: Callable[[str], Coroutine[None, None, None]]) -> None:
        from llmdesk.tui.screens.lane_picker import LanePicker

        async def picked(name: str | None) -> None:
            if name == current:
                self.say(f"It is in lane {name} already.")
            elif name:
                await send_to(name)

        if self.lanes:
            self.app.push_screen(LanePicker(self.lanes, current), picked)

    async def _carry(self, lane: str, to: str) -> None:
        """Move the request under way of one lane to another one."""
        talk = self.talks.get(lane)
        item = talk.carry() if talk is not None else None
        await self._show_lane_of(to)
        if item is None:
            self.say(f"Lane {lane} has its answer already.")
        else:
            self.talk.send(replace(item, replaces=None))

    async def _move_paused(self, request: str, to: str) -> None:
        ask = await self._ask_of(request)
        if ask is None:
            return
        if ask.prompt == CONTINUE_PROMPT or ask.summarises is not None:
            self.say("It belongs to its conversation and cannot be asked in another lane.")
            return
        if not await self._drop_moved(request):  # first, so that nobody else asks it too
            return
        for talk in self.talks.values():
            if talk.paused == request:
                talk.moved_away(to)
        await self._show_lane_of(to)
        self.talk.send(_queued(ask))

    async def _ask_of(self, request: str) -> Ask | None:
        try:
            return await (await self.desk()).paused_ask(request)
        except DeskError as error:
            self.say(str(error), severity="error")
            return None

    async def _drop_moved(self, request: str) -> bool:
        """Take it out of the outbox; false = somebody else has it by now, or the outbox cannot be written."""
        try:
            await (await self.desk()).drop(request)
        except DeskError as error:
            self.say(str(error), severity="error")
            return False
        return True

    async def _show_lane_of(self, lane: str) -> None:
        if lane in [each.name for each in self.lanes] and lane != self.talk.lane:
            await self.go_to_lane(lane)


def _queued(ask: Ask) -> Queued:
    return Queued(text=ask.prompt, attachments=ask.attachments, model=ask.model)
