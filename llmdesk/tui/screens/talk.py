"""One lane's talk with the desk: what is sent, what is queued, what is steered, and how it ends."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import DeskError
from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.core.text import one_line
from llmdesk.core.types import (
    Accepted,
    ConsentNeeded,
    Finished,
    FinishReason,
    Params,
    Status,
)
from llmdesk.core.views import Ask
from llmdesk.tui.screens.editing import Editing
from llmdesk.tui.screens.outgoing import Outgoing, Queued
from llmdesk.tui.screens.telling import CANCEL, RETRY, Telling
from llmdesk.tui.screens.underway import UnderWay
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.widgets.lanes_bar import Badge
from llmdesk.tui.widgets.wait_line import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from llmdesk.core.types import (
        DeskEvent,
        ModelRef,
        Outcome,
    )
    from llmdesk.core.views import Attachment, BudgetView, Conversation, OutboxEntry
    from llmdesk.desk import Desk, Run
    from llmdesk.tui.screens.record import Record
    from llmdesk.tui.widgets.lane_pane import LanePane

YIELD_S = 0.008
"""How long events are taken without letting the screen draw, seconds."""


class Host(Protocol):
    """What a talk needs of the screen it is shown on."""

    @property
    def budgets(self) -> tuple[BudgetView, ...]:
        """How they stand, as far as it is known without asking."""
        ...

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        ...

    async def ready(self) -> Desk:
        """The desk, as soon as it is known which conversation prompts go to."""
        ...

    def follow(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run something beside the screen until it ends."""
        ...

    def talk_changed(self, talk: Talk) -> None:
        """Something shown in the header or the lanes bar is different."""
        ...

    def settled(self, talk: Talk, outcome: Outcome) -> None:
        """A request has ended."""
        ...

    def left_behind(self, talk: Talk, outcome: Outcome) -> None:
        """A request has ended that the talk stopped showing before."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class Talk:
    """A lane's conversation under way."""

    lane: str
    pane: LanePane
    host: Host
    tell: Telling = field(init=False)
    outgoing: Outgoing = field(init=False)
    editing: Editing = field(init=False)
    conversation: str | None = None
    title: str = ""
    model: ModelRef | None = None
    params: Params = field(default_factory=Params)
    last_prompt: str = ""
    paused: str | None = None
    _now: UnderWay | None = None
    """What is shown of what is under way; a request that is shown no more goes on without the talk."""
    _waits: Queued | None = None
    """What is paused, as it was sent."""
    _desk: Desk | None = None
    _summary: str = ""
    """The request that asked for the last summary."""

    def __post_init__(self) -> None:
        self.tell = Telling(self.pane, lambda: self.host.talk_changed(self))
        self.outgoing = Outgoing(self.pane)
        self.editing = Editing(self.pane, self.outgoing)

    # --- what the user does -----------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A request of this lane is under way."""
        return self._now is not None

    @property
    def _run(self) -> Run | None:
        return self._now.run if self._now is not None else None

    @property
    def record(self) -> Record:
        """What is written into the transcript."""
        return self.tell.record

    @property
    def badge(self) -> Badge:
        """What the lane has to say in the bar."""
        return self.tell.badge

    def seen(self) -> None:
        """The user looks at the lane: its news is no news any more."""
        if self.badge in (Badge.DONE, Badge.FAILED):
            self.tell.badge = Badge.NONE

    @property
    def asked(self) -> str:
        """Whom the lane asks and with which parameters, where that is not what it says itself."""
        if self.model is None and self.params == Params() and self.outgoing.once is None:
            return ""
        from llmdesk.tui.words import params_words

        once = f"next prompt {self.outgoing.once}" if self.outgoing.once is not None else ""
        model = str(self.model) if self.model is not None else ""
        return " · ".join(filter(None, [model, params_words(self.params), once]))

    @property
    def asks_consent(self) -> bool:
        """The request waits for a yes or a no."""
        return self.tell.asks_consent

    @property
    def bound_here(self) -> bool:
        """What is asked makes no sense in another conversation: it goes on with an answer, or sums up."""
        waits = self._waits if self.paused is not None else None
        item = self._now.item if self._now is not None else waits
        return item is not None and (item.sums_up or item.continues is not None)

    @property
    def can_steer(self) -> bool:
        """There is something that *retry now* or *next target* would change."""
        return self._run is not None or self.paused is not None

    def submit(self, text: str) -> None:
        """Send a prompt, or queue it behind the answer that is coming."""
        self.send(self.editing.taken(self.outgoing.take(text)))

    def go(self) -> None:
        """Let the queued prompts go out."""
        self.outgoing.release()
        self._next()

    def go_on(self) -> None:
        """Send the next queued prompt, if nothing keeps it: one that was edited waits no longer."""
        self._next()

    def unqueue(self) -> None:
        """Take the last queued prompt back into the editor, if that is empty."""
        self.outgoing.take_back()

    def cancel(self) -> bool:
        """Stop the answer at once: what came stays, the prompt comes back (never over a draft), the queue waits."""
        item = self._stop("cancelling…")
        if item is not None:
            self._return(item)
            self.host.talk_changed(self)
        return item is not None

    def send(self, item: Queued) -> None:
        """Send a prompt that comes from elsewhere, or queue it behind the answer that is coming."""
        self.pane.prompt.remember(item.text)
        if self.busy:
            self.outgoing.add(item)
            self.host.talk_changed(self)
        else:
            self._start(item)

    def carry(self) -> Queued | None:
        """Stop the request under way and hand over its prompt, which goes to another lane; ``None`` = there is none."""
        item = self._stop("going to another lane…")
        if item is not None:
            self.host.talk_changed(self)
        return item

    def _stop(self, words: str) -> Queued | None:
        """Stop the request under way: what came stays, the queue waits; ``None`` = there is none, or it is stopped."""
        now = self._now
        if now is None or now.cancelled:
            return None
        now.cancelled = True
        self.tell.asks_consent = False
        self.outgoing.hold()
        if now.run is not None:
            now.run.cancel()
        if self.record.answering:
            self.record.interrupt()
        self.tell.wait(Wait(text=words))
        return now.item

    def moved_away(self, lane: str) -> None:
        """The paused request of this talk is asked in another lane: nothing is waited for here."""
        self.paused = None
        self.tell.wait(None)
        self.record.note(f"This prompt went to lane {lane}.", Level.INFO)
        self.tell.badge = Badge.NONE
        self.host.talk_changed(self)

    def keep(self) -> None:
        """Pause the request under way instead of ending it, and what is queued; the desk writes them to the outbox."""
        now = self._now
        if now is not None and now.run is not None:
            now.run.cancel(keep=True)
        elif now is not None and now.unsent and not now.cancelled:
            now.unsent = False  # the desk is not to get it twice
            self.outgoing.put(now.item, 0)
        for item in self.outgoing.empty():
            if not self._pause(item):
                self.outgoing.add(item)  # the draft keeps it

    def _pause(self, item: Queued) -> bool:
        """Put a prompt into the outbox without asking anybody; false = the desk does not take it."""
        if self._desk is None or item.sums_up:
            return item.sums_up
        try:
            self._desk.send(self._ask(self._desk, item)).cancel(keep=True)
        except DeskError:
            return False
        return True

    def retry_now(self) -> None:
        """Cut the wait short; a paused request is asked again, cooldowns ignored."""
        if self._run is not None:
            self._run.retry_now()
        elif self.paused is not None:
            self.resume(self.paused, probe=True)

    def next_target(self) -> None:
        """Leave the target that is waited for."""
        if self.tell.asks_consent:
            self.consent(go=True)
        elif self._run is not None:
            self._run.next_target()

    def consent(self, *, go: bool) -> None:
        """Answer whether the next target may be asked."""
        if self.tell.asks_consent and self._run is not None:
            self.tell.asks_consent, self.tell.declined = False, not go
            self.tell.wait(None)
            self._run.consent(go)

    def attach(self, attachment: Attachment | None) -> None:
        """Send a file along with the next prompt; ``None`` takes all of them back."""
        self.outgoing.attach(attachment)

    def clear(self) -> None:
        """Begin a new conversation; a request under way goes on and is stored with the old one."""
        self._let_go()
        self.conversation, self.title = None, ""
        self.record.clear()
        self.tell.wait(None)
        self.host.talk_changed(self)

    def load(self, conversation: Conversation) -> None:
        """Show a stored conversation; what is sent next continues it."""
        self._let_go()
        self._show(conversation)
        self.tell.wait(None)
        self.host.talk_changed(self)

    def adopt(self, conversation: Conversation) -> None:
        """Show a stored conversation above the prompt that waits to be sent, which continues it."""
        self._show(conversation)
        if self._now is not None:
            item = self._now.item
            self.record.user(item.text, at=time.time(), files=item.attachments)
            self.last_prompt = item.text
        self.host.talk_changed(self)

    def _show(self, conversation: Conversation) -> None:
        self.conversation, self.title = conversation.id, conversation.title
        self.record.load(conversation.messages)
        for message in conversation.messages:
            if message.role == "user":
                self.last_prompt = message.content
                self.pane.prompt.remember(message.content)

    def _let_go(self) -> None:
        """Stop showing the request under way, if any; the desk finishes and stores it."""
        self.consent(go=False)
        self.editing.stop()
        self._now, self.tell.asks_consent = None, False
        self.paused, self.tell.badge = None, Badge.NONE
        self.outgoing.hold()

    def resume(self, request_id: str, *, probe: bool) -> None:
        """Ask a paused request again."""
        if self.busy:
            return
        self.tell.sums_up = request_id == self._summary
        known = self._waits if request_id == self.paused else None
        self._now = now = UnderWay(known or Queued(text=self.last_prompt, sums_up=self.tell.sums_up))
        self.host.follow(partial(self._resume, request_id, now, probe=probe))

    def take_up(self, entry: OutboxEntry, run: Run) -> None:
        """Show a request of this talk that the desk asks again by itself."""
        known = self._waits if entry.id == self.paused else None
        self._now = now = UnderWay(known or Queued(text=entry.prompt), by_itself=True)
        self.paused, self.tell.sums_up = None, False
        self.last_prompt = entry.prompt
        self.tell.badge = Badge.RUNNING
        self.tell.wait(Wait(text="asking again…", offers=(CANCEL,)))
        self.host.talk_changed(self)
        self.host.follow(partial(self._take_up, run, now))

    async def _take_up(self, run: Run, now: UnderWay) -> None:
        desk = await self.host.desk()
        with suppress(DeskError):  # it may have ended already
            await self._learn(desk, run.request_id, now)
        await self._follow(desk, run, now)

    async def _learn(self, desk: Desk, request_id: str, now: UnderWay) -> None:
        """Find out what a request that was paused asks, with its files, for when it comes back into the editor.

        Raises:
            DeskError: it waits no longer.
        """
        if now.item is self._waits or now.item.sums_up:
            return
        ask = await desk.paused_ask(request_id)
        now.item = Queued(text=ask.prompt, attachments=ask.attachments, model=ask.model,
                          written=ask.prompt != CONTINUE_PROMPT)  # fmt: skip

    def refresh(self, conversation: Conversation) -> None:
        """Show the open conversation anew: an answer came that this screen did not see."""
        if not self.busy and conversation.id == self.conversation:
            self.record.load(conversation.messages)

    def removed(self, request: str, conversation: Conversation) -> None:
        """Show the open conversation without the turn of a request, which was deleted: it waits no longer either."""
        self.editing.stop_if(request)
        if request == self.paused:
            self.paused, self._waits, self.tell.badge = None, None, Badge.NONE
            self.tell.wait(None)
        self.title = conversation.title
        self.refresh(conversation)
        self.host.talk_changed(self)

    # --- sending ------------------------------------------------------------------------------------------------

    def _start(self, item: Queued) -> None:
        self._now, self.paused = UnderWay(item, unsent=True), None
        self.tell.badge, self.tell.sums_up = Badge.RUNNING, item.sums_up
        if item.sums_up:
            self.pane.transcript.scroll_end()
        else:
            self._show_prompt(item)
        self.tell.wait(Wait(text="summing up…" if item.sums_up else "sending…", offers=(CANCEL,)))
        self.host.talk_changed(self)
        self.host.follow(partial(self._send, self._now))

    def _show_prompt(self, item: Queued) -> None:
        """Put a prompt at the end; what it takes the place of folds away above it."""
        version = self.record.fold_away(item.replaces) if item.replaces is not None else None
        turn = self.record.user(
            item.text, at=time.time(), files=item.attachments, continues=item.continues, written=item.written
        )
        turn.version = version
        if item.written:
            self.last_prompt = item.text
            self.title = self.title or _title(item.text)

    async def _send(self, now: UnderWay) -> None:
        desk = await self.host.ready()
        if self._now is not now or not now.unsent:
            return
        if now.cancelled:
            if not now.item.sums_up:
                self.record.take_back()
            self._end()
            return
        try:
            run = await self._run_of(desk, now.item)
        except DeskError as error:
            if self._now is now:
                self._refused(now.item, error)
            return
        finally:
            now.unsent = False
        await self._follow(desk, run, now)

    async def _run_of(self, desk: Desk, item: Queued) -> Run:
        if item.sums_up and self.conversation is not None:
            return await desk.compact(self.conversation, lane=self.lane or None)
        return desk.send(self._ask(desk, item))

    def _ask(self, desk: Desk, item: Queued) -> Ask:
        return Ask(
            prompt=item.text, attachments=item.attachments, lane=self.lane or desk.default_lane,
            model=item.model or self.model,
            params=self.params, conversation=self.conversation, replaces=item.replaces, continues=item.continues,
        )  # fmt: skip

    async def _resume(self, request_id: str, now: UnderWay, *, probe: bool) -> None:
        desk = await self.host.desk()
        try:
            await self._learn(desk, request_id, now)
            run = await desk.retry(request_id, probe=probe)
        except DeskError as error:
            if self._now is now:
                self.record.note(str(error), Level.ERROR)
                self.paused = None
                self._end()
            return
        if self._now is now:
            self.paused = None
            self.tell.badge = Badge.RUNNING
            self.host.talk_changed(self)
        await self._follow(desk, run, now)

    def _refused(self, item: Queued, error: DeskError) -> None:
        """The desk did not take the prompt: say why, and give it back."""
        self.record.note(str(error), Level.ERROR)
        if not item.sums_up:
            self.record.take_back()
        self._return(item)
        self.outgoing.hold()
        self._end()

    async def _follow(self, desk: Desk, run: Run, now: UnderWay) -> None:
        """Show what comes of a request for as long as it is the one that is shown, and tell how it ended."""
        self._desk = desk
        if self._now is now:
            now.run = run
            if now.cancelled:
                run.cancel()
        drawn = time.monotonic()
        outcome: Outcome | None = None
        async for event in run:
            if isinstance(event, Finished):
                outcome = event.outcome
            elif self._now is now:
                self._take(desk, event)
            elif isinstance(event, ConsentNeeded):
                run.consent(False)  # nobody sees the question any more
            if time.monotonic() - drawn > YIELD_S:
                await asyncio.sleep(0)
                drawn = time.monotonic()
        if outcome is None:
            outcome = await run.outcome()
        if self._now is now:
            self._finish(desk, outcome)
        else:
            self.host.left_behind(self, outcome)

    def _take(self, desk: Desk, event: DeskEvent) -> None:
        if isinstance(event, Accepted):
            self.conversation = event.conversation or self.conversation
        if self._now is not None and not self._now.cancelled:
            self.tell.show(desk, event)
            if isinstance(event, ConsentNeeded):
                self.host.follow(partial(self._tell_cost, desk, self._now.item, event.target))

    async def _tell_cost(self, desk: Desk, item: Queued, target: ModelRef) -> None:
        """Say in the question what the answer may cost at most."""
        from llmdesk.tui.words import cost

        with suppress(DeskError):
            plan = await desk.plan(self._ask(desk, item))
            bound = next((each.cost_bound_usd for each in plan.targets if each.target == target), None)
            words = cost(bound)
            self.tell.consent_costs(target, words if words in ("free", "price unknown") else f"{words} at most")

    def _end(self) -> None:
        self._now, self.tell.asks_consent = None, False
        self.tell.wait(None)
        if self.badge in (Badge.RUNNING, Badge.WAITING):
            self.tell.badge = Badge.NONE
        self.host.talk_changed(self)

    def _next(self) -> None:
        if not self.busy and (item := self.outgoing.next()) is not None:
            self._start(item)

    # --- how it ends --------------------------------------------------------------------------------------------

    def _finish(self, desk: Desk, outcome: Outcome) -> None:
        now = self._now
        assert now is not None
        self.conversation = outcome.conversation or self.conversation
        self._show_end(outcome)
        self._tell_warnings(outcome)
        match outcome.status:
            case Status.COMPLETED | Status.REFUSED:
                self.tell.badge = Badge.DONE
            case Status.CANCELLED:
                self.tell.badge = Badge.NONE
                if self.tell.sums_up or not self.record.has_answer:
                    self.record.note("Cancelled before an answer came.", Level.INFO)
            case Status.PAUSED | Status.BLOCKED:
                self.tell.badge = Badge.FAILED
            case Status.FAILED | Status.ACCEPTED | Status.RUNNING:
                self.tell.badge = Badge.FAILED
                self._give_back(now.item, outcome)
        if outcome.status is not Status.COMPLETED:
            self.outgoing.hold()
        self._end()
        if outcome.status is Status.PAUSED and not now.cancelled:
            self.paused, self._waits = (outcome.request_id, now.item) if outcome.kept else (None, None)
            if not outcome.kept:
                self._return(now.item)
            self.tell.explain_pause(desk, outcome, self.lane, again=now.by_itself)
        self._stopped(now.item, outcome)
        self.host.settled(self, outcome)
        self._next()

    def _tell_warnings(self, outcome: Outcome) -> None:
        """Tell what the desk warns of, except for what stands above the chat for as long as it holds."""
        from llmdesk.tui.budget_words import has_banner

        for warning in outcome.warnings:
            if not has_banner(warning, self.host.budgets):
                self.record.note(one_line(warning), Level.WARNING)

    def _stopped(self, item: Queued, outcome: Outcome) -> None:
        """Explain it, if a budget stopped the request."""
        if outcome.status is Status.BLOCKED:
            self.tell.explain_stop(outcome, self.host.budgets, returned=self._return(item))

    def _give_back(self, item: Queued, outcome: Outcome) -> None:
        message = outcome.error.message if outcome.error is not None else "The request failed."
        self.record.note(message, Level.ERROR)
        self._return(item)

    def _return(self, item: Queued) -> bool:
        """Put a prompt that was written by hand back into the editor; false = it is not there now."""
        return item.written and not item.sums_up and self.outgoing.give_back(item)

    def _show_end(self, outcome: Outcome) -> None:
        """Close the answer; of a summary, show where it stands."""
        if not self.tell.sums_up:
            self.record.outcome(outcome)
            return
        self._summary = outcome.request_id
        if outcome.status is Status.COMPLETED and outcome.finish_reason is not FinishReason.LENGTH:
            self.record.summary(outcome)

    def wait_elapsed(self, resume: str) -> None:
        """The countdown of a paused request has ended: offer to ask again, unless the lane leaves that to commands.

        Where it comes back by itself, the desk does it.
        """
        if self.paused is not None and not self.busy:
            offered = resume != "never"
            text = "paused, and can be asked again now" if offered else "paused; f7 shows the outbox"
            self.tell.wait(Wait(text=text, offers=(RETRY,) if offered else ()))


def _title(prompt: str) -> str:
    from llmdesk.core.titles import title_of  # its patterns are read only now

    return title_of(prompt)
