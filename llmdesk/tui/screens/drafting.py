"""Keeping what is being written: a crash, or leaving, loses no more than the last words typed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import on

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import Draft, DraftedPrompt
from llmdesk.tui.screens.writing import WritingScreen
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.words import clock, counted

if TYPE_CHECKING:
    from llmdesk.desk import Desk
    from llmdesk.tui.screens.talk import Talk

PAUSE_S = 0.5
"""A draft is written so long after the last change, seconds."""

AT_LATEST_S = 3.0
"""And so long after the first one, for those who never pause, seconds."""


@dataclass(slots=True, eq=False, repr=False)
class _Unwritten:
    """A draft that is different from the one on the disk."""

    since_s: float
    changed_s: float
    timer: asyncio.TimerHandle


class DraftingScreen(WritingScreen):
    """A screen that keeps the draft and the queue of every lane."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._unwritten: dict[int, _Unwritten] = {}
        """By the identity of the talk: its lane has no name before the desk is open."""
        self._left: dict[str, Draft] = {}
        self._written: dict[str, Draft] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._unwritable = False

    # --- noticing -----------------------------------------------------------------------------------------------

    @on(Prompt.Edited)
    def _draft_changed(self, event: Prompt.Edited) -> None:
        self._write_soon(self.talk_of(event.prompt))

    @on(QueueLine.Changed)
    def _queue_changed(self, event: QueueLine.Changed) -> None:
        from llmdesk.tui.screens.queue import QueueScreen

        talk = next((talk for talk in self.talks.values() if talk.pane.queue_line is event.line), self.talk)
        self._write_soon(talk)
        if isinstance(top := self.app.screen, QueueScreen):
            top.queue_changed()

    def _write_soon(self, talk: Talk) -> None:
        """Write it after a pause; a key press costs no more than a look at the clock."""
        now = time.monotonic()
        if (waiting := self._unwritten.get(id(talk))) is not None:
            waiting.changed_s = now
            return
        timer = asyncio.get_running_loop().call_later(PAUSE_S, self._look, talk)
        self._unwritten[id(talk)] = _Unwritten(since_s=now, changed_s=now, timer=timer)

    def _look(self, talk: Talk) -> None:
        """Write it, or wait on while the user writes on."""
        waiting, now = self._unwritten.get(id(talk)), time.monotonic()
        if waiting is None:
            return
        left_s = min(waiting.changed_s + PAUSE_S, waiting.since_s + AT_LATEST_S) - now
        if left_s > 0.01:
            waiting.timer = asyncio.get_running_loop().call_later(left_s, self._look, talk)
        else:
            self._write(talk)

    # --- writing ------------------------------------------------------------------------------------------------

    def _write(self, talk: Talk) -> None:
        """Write it now, beside everything else; the desk waits for it when it closes."""
        if (waiting := self._unwritten.pop(id(talk), None)) is not None:
            waiting.timer.cancel()
        task = asyncio.get_running_loop().create_task(self._keep(talk), name="draft")
        self._writing.add(task)  # a task nobody holds may be collected in mid-work
        task.add_done_callback(self._writing.discard)

    async def _keep(self, talk: Talk) -> None:
        desk = await self.desk()
        lane = talk.lane or desk.default_lane
        draft = _draft_of(talk, lane)
        if draft == self._written.get(lane, Draft(lane=lane, conversation=talk.conversation)):
            return
        self._written[lane] = draft
        try:
            await desk.keep_draft(draft)
        except DeskError as error:
            del self._written[lane]
            if not self._unwritable:
                self._unwritable = True  # once: the next pause would say it again
                self.say(f"Drafts cannot be kept: {error}", severity="warning")
        else:
            self._unwritable = False

    def write_drafts(self) -> None:
        """Write at once what is not written yet."""
        for talk in self.all_talks():
            if id(talk) in self._unwritten:
                self._write(talk)

    def keep_all(self) -> None:
        """Pause every request under way, which takes the queues along, and keep the texts."""
        super().keep_all()
        for talk in list(self.talks.values()) or [self.talk]:  # the columns of a comparison have no draft of their own
            self._write(talk)

    async def go_to_lane(self, name: str) -> None:
        """Show another lane, with what an earlier run has left in it."""
        self.write_drafts()
        await super().go_to_lane(name)
        if (draft := self._left.pop(self.talk.lane, None)) is not None:
            await self._put_back(self.talk, draft)

    # --- at the next start --------------------------------------------------------------------------------------

    async def take_up_drafts(self, desk: Desk) -> None:
        """Put back what an earlier run has left: in the lane that is shown now, in the others when they are."""
        left = await desk.left_drafts()
        here = {lane.name for lane in self.lanes}
        for each in left:
            if each.lane in here:
                self._left[each.lane] = each
                self._written[each.lane] = each
            else:
                await self._put_back(self.talk, each)
                self._write(self.talk)
                await desk.keep_draft(Draft(lane=each.lane))  # it is in another lane now
        others = [lane for lane in self._left if lane != self.talk.lane]
        if (draft := self._left.pop(self.talk.lane, None)) is not None:
            await self._put_back(self.talk, draft)
        for lane in [lane for lane in others if lane in self.talks]:
            await self._put_back(self.talks[lane], self._left.pop(lane))
        if others:
            lanes = ", ".join(others)
            self.say(f"A draft is back in {'lane' if len(others) == 1 else 'the lanes'} {lanes} too.")

    async def move_out(self) -> None:
        """Bring what is not sent of lanes that are configured no more to the lane that is shown: nobody gets there."""
        names = [lane.name for lane in self.lanes]
        for lane, talk in list(self.talks.items()):  # others may be begun meanwhile
            if lane in names or talk is self.talk:
                continue
            draft = replace(_draft_of(talk, lane), saved_at=time.time())
            if not draft:
                continue
            talk.editing.stop()
            talk.outgoing.empty()
            talk.attach(None)
            talk.pane.prompt.put("")
            await self._put_back(self.talk, draft)
            self._write(self.talk)
            self._write(talk)

    async def _put_back(self, talk: Talk, draft: Draft) -> None:
        """Into the prompt, never over a text; the queue waits for the user."""
        told: list[str] = []
        at = clock(draft.saved_at)
        prompt = talk.pane.prompt
        if draft.text and not prompt.text.strip():
            prompt.recall(draft.text)
            told.append(f"Your draft of {at} is back.")
        elif draft.text and draft.text != prompt.text:
            prompt.remember(draft.text)
            told.append(f"Your draft of {at} is in the history: up brings it.")
        told += _put_beside(talk, draft)
        if draft.queue:
            talk.outgoing.restore(draft.queue)
            waits = "waits" if len(draft.queue) == 1 else "wait"
            told.append(
                f"{counted(len(draft.queue), 'queued prompt')} of {at} {waits} for you: alt+g sends, alt+q edits."
            )
        if told and draft.lane != talk.lane:
            told.insert(0, f"Lane {one_line(draft.lane, 40)} is not configured any more.")
        if told and draft.conversation is not None and draft.conversation != talk.conversation:
            told.append(await self._where(draft.conversation))
        if told:
            talk.record.note(" ".join(filter(None, told)), Level.INFO)

    async def _where(self, conversation: str) -> str:
        """Say which conversation it was written in."""
        desk = await self.desk()
        try:
            found = await desk.conversation(conversation)
        except DeskError:
            return ""
        return f"It was written in “{one_line(found.title, 60)}”: ctrl+o opens it."


def _put_beside(talk: Talk, draft: Draft) -> list[str]:
    """Put back what came with the text, and say where it is."""
    told: list[str] = []
    for text in draft.aside:
        talk.pane.prompt.remember(text)
    if draft.aside:
        one = len(draft.aside) == 1
        are, back = ("is", "it") if one else ("are", "them")
        told.append(f"{counted(len(draft.aside), 'older draft')} {are} in the history: the up key brings {back} back.")
    for file in draft.attachments:
        talk.attach(file)
    if draft.attachments:
        goes = "goes" if len(draft.attachments) == 1 else "go"
        told.append(f"{counted(len(draft.attachments), 'file')} {goes} along with the next prompt.")
    return told


def _draft_of(talk: Talk, lane: str) -> Draft:
    """What would be lost of a talk if the program were killed now."""
    text, aside = talk.pane.prompt.text, talk.editing.draft
    queue = [
        DraftedPrompt(text=item.text, attachments=item.attachments, model=item.model)
        for item in talk.outgoing.queue
        if not item.sums_up
    ]
    if talk.editing.files:
        queue.append(DraftedPrompt(text=aside, attachments=talk.editing.files))
        aside = ""
    return Draft(
        lane=lane,
        text=text if text.strip() else "",
        queue=tuple(queue),
        conversation=talk.conversation,
        attachments=talk.outgoing.attached,
        aside=(aside,) if aside.strip() else (),
    )
