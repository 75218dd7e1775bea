"""A conversation in lines: the loop of prompts, answers and what is told between them."""

from __future__ import annotations

import re
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmdesk.cli.budget_notes import BudgetNotes
from llmdesk.cli.follow import Follower
from llmdesk.cli.late import LateAnswers
from llmdesk.cli.linear.greeting import Greeting
from llmdesk.cli.linear.hearing import Ear
from llmdesk.cli.linear.joining import Joining
from llmdesk.cli.linear.phrases import Phrases
from llmdesk.cli.linear.voice import Voice, next_step
from llmdesk.cli.narration import done_line, ending_line, not_asked_line
from llmdesk.cli.sink import SinkClosed
from llmdesk.core.errors import DeskError, UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Params, Status
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.types import ConsentNeeded, ModelRef, Outcome
    from llmdesk.core.views import Attachment, OutboxEntry
    from llmdesk.desk import Desk, Run

TITLE_LENGTH = 40
"""How much of a prompt names it, characters."""

_LANE_OPTION = re.compile(r": --lane (\S+)$")
_MODEL_OPTION = re.compile(r": --model (\S+)$")
_OPTION = re.compile(r": --[a-z][a-z-]*\b")


def typed_here(advice: Iterable[str]) -> tuple[str, ...]:
    """Advice for somebody who types lines: another lane or model by its command, no option of the command line."""
    lines = [_MODEL_OPTION.sub(r": /model \1", _LANE_OPTION.sub(r": /lane \1", line)) for line in advice]
    kept = [line for line in lines if not _OPTION.search(line)]
    if kept and kept[0].startswith("Or "):  # what it was the alternative to is gone
        kept[0] = kept[0][3:4].upper() + kept[0][4:]
    return tuple(kept)


@dataclass(slots=True, kw_only=True)
class LaneTalk:
    """What belongs to one lane; ``outcome`` and ``reasoning`` are those of the last request, ``model`` the user's."""

    conversation: str | None = None
    model: ModelRef | None = None
    params: Params = field(default_factory=Params)
    attachments: tuple[Attachment, ...] = ()
    outcome: Outcome | None = None
    reasoning: str = ""


class Linear:
    """A conversation in lines. Each lane has its own conversation, model and parameters, as on the screen."""

    def __init__(self, session: Session, desk: Desk, signals: Signals, *, lane: str | None) -> None:
        self.session = session
        self.out = session.out
        self.desk = desk
        self.lane = self.known_lane(lane) if lane is not None else desk.default_lane
        self.listed: tuple[str, ...] = ()
        """The conversations that were listed last, for ``/open N``."""
        self.deleted: str | None = None
        """The conversation that was deleted last, for ``/undelete``."""
        self._signals = signals
        self._talks: dict[str, LaneTalk] = {}
        self._ear = Ear(session.stdin, signals)
        self._voice = Voice(session.out, person=session.can_ask)
        self._follower = Follower(
            session,
            signals,
            newline=True,
            consent=self._consent,
            heard=self._heard,
            seen=self._voice.notice,
            hold=Phrases if session.can_ask else None,
        )
        self._greeting = Greeting(desk, self.out.say, self._tell_later)
        self._budgets = BudgetNotes(desk)
        self._run: Run | None = None
        self._late: list[tuple[OutboxEntry, Outcome]] = []
        self._notes: list[str] = []
        self._mark: str | None = None
        """What stands before the cursor while a line is waited for."""

    @property
    def talk(self) -> LaneTalk:
        """What belongs to the lane that is open."""
        return self._talks.setdefault(self.lane, LaneTalk())

    def known_lane(self, name: str) -> str:
        """A lane by its name.

        Raises:
            UsageError: there is none.
        """
        names = [view.name for view in self.desk.lanes()]
        if name not in names:
            raise UsageError(f"There is no lane '{name}'. Known: {', '.join(names)}.")
        return name

    async def resume(self, conversation: str | None = None) -> None:
        """Go on with this conversation; without one, with the newest of the lane.

        Raises:
            UsageError: there is no such conversation.
        """
        if conversation is not None:
            self.talk.conversation = (await self.desk.conversation(conversation)).id
            return
        self.talk.conversation = await self.desk.latest_conversation(self.lane)

    # --- the loop -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Say what is there, then take one line after the other."""
        try:
            await self._greeting.begin(self.lane)
            self.session.tell(self.desk.warnings)
            await self._tell_budgets()
            async with AsyncExitStack() as beside:
                if self.session.reads_terminal:  # a script's short run would only begin what it cannot finish
                    await beside.enter_async_context(LateAnswers(self.desk, self._came_late))
                await self._take_lines()
            if not self.session.reads_terminal and self._signals.received is None:
                await self._greeting.whole()
                self._tell_waiting()
        finally:
            await self._greeting.end()

    async def _take_lines(self) -> None:
        joining, asked_to_leave = Joining(), False
        with self._signals.handled_by(lambda _number: None):
            while self.out.stdout.failure is None:
                line = await self._next("more: " if joining.begun else "you: ")
                if line is None and self._interrupted_at_terminal() and not asked_to_leave:
                    asked_to_leave, joining = True, Joining()
                    self._signals.forget()
                    self._end_line()
                    self.out.say("note: Ctrl+C again leaves; so do Ctrl+D and /quit")
                    continue
                asked_to_leave = False
                prompt = joining.rest() if line is None and self._signals.received is None else None
                if line is not None:
                    prompt = self._command(line, joining) or joining.add(line)
                if prompt is not None and not await self._take(prompt):
                    return
                if line is None:
                    self._end_line()
                    return

    def _command(self, line: str, joining: Joining) -> str | None:
        """A command is one line, whatever it ends with: paths may end with a backslash."""
        return line if not joining.begun and line.startswith("/") and not line.startswith("//") else None

    async def _take(self, prompt: str) -> bool:
        """A prompt or a command; false = leave."""
        from llmdesk.cli.linear.commands import obey

        if not prompt.strip():
            return True
        if prompt.startswith("/") and not prompt.startswith("//") and "\n" not in prompt:
            return await obey(self, prompt)
        await self.ask(prompt[1:] if prompt.startswith("//") else prompt)
        return True

    async def _next(self, mark: str) -> str | None:
        self._tell_waiting()
        kept = self._ear.next_kept
        self._prompt(mark if kept is None else f"{mark}{one_line(kept)}\n")
        self._mark = mark
        try:
            return await self._ear.line()
        finally:
            self._mark = None

    def _prompt(self, mark: str) -> None:
        if self.session.can_ask and not self.session.quiet:
            self.out.prompt(mark)

    def _end_line(self) -> None:
        """The cursor stands behind a mark: what comes next begins a line."""
        self._prompt("\n")

    def _interrupted_at_terminal(self) -> bool:
        return self._signals.received == signal.SIGINT and self.session.reads_terminal

    # --- asking -------------------------------------------------------------------------------------------------

    async def ask(self, prompt: str) -> None:
        """Send a prompt of the user's, with what was attached, and show its answer."""
        talk = self.talk
        ask = Ask(
            prompt=prompt,
            attachments=talk.attachments,
            lane=self.lane,
            conversation=talk.conversation,
            model=talk.model,
            params=talk.params,
            consent=self.session.yes,
        )
        try:
            run = self.desk.send(ask)
        except DeskError as error:
            self.out.complain(f"error: {error}")
            return
        talk.attachments = ()
        await self.follow(run)

    async def follow(self, run: Run) -> Outcome:
        """Show a request of the open lane until it ends; meanwhile it can be steered by lines."""
        self._voice.begin()
        self._run = run
        async with AsyncExitStack() as listening:
            if self.session.reads_terminal:
                await listening.enter_async_context(self._ear.beside(self._steer))
            outcome = await self._follower.follow(run)
        self._run = None
        talk = self.talk
        talk.conversation = outcome.conversation or self._follower.conversation or talk.conversation
        talk.outcome, talk.reasoning = outcome, outcome.reasoning or self._voice.reasoning
        if outcome.status is Status.COMPLETED and self.session.can_ask and not self.session.verbose:
            self.out.say(f"done: {done_line(outcome)}")
        if missing := next_step(outcome):
            self.out.say(f"note: {missing}")
        self.session.tell(self.desk.warnings)
        await self._tell_budgets()
        if self._interrupted_at_terminal():
            self._signals.forget()  # Ctrl+C stopped the answer, not the program
        return outcome

    def _steer(self, line: str) -> bool:
        """A line typed while an answer comes; whatever does not steer it is the next prompt."""
        if self._run is None:
            return False
        match line.strip():
            case "/now":
                self._run.retry_now()
            case "/next":
                self._run.next_target()
            case "/cancel":
                self._run.cancel()
            case _:
                return False
        return True

    async def _consent(self, event: ConsentNeeded) -> bool:
        if self.session.no_input or not self.session.can_ask:
            self.out.say(not_asked_line(event))
            return False
        self._prompt(f"{event.failed.message} Ask {event.target} instead? No keeps the prompt for later. [y/N] ")
        answer = await self._ear.answer()
        return answer is not None and answer.strip().lower() in ("y", "yes")

    # --- what is told in between ----------------------------------------------------------------------------------

    async def _tell_budgets(self) -> None:
        """What is new of the budgets: those near or at their limits."""
        for warning in await self._budgets.fresh(self.talk.conversation):
            self.out.say(f"note: {warning}")

    def _heard(self, outcome: Outcome) -> Outcome:
        """What to tell of an outcome: budgets are told when they are new, advice as it can be typed here."""
        warnings = tuple(line for line in outcome.warnings if not self._budgets.tells(line))
        return replace(outcome, warnings=warnings, advice=typed_here(outcome.advice))

    def _tell_later(self, note: str) -> None:
        self._notes.append(note)
        self._interrupt_the_mark()

    def _came_late(self, entry: OutboxEntry, outcome: Outcome) -> None:
        """An answer to what the desk asked again by itself."""
        self._late.append((entry, outcome))
        self._interrupt_the_mark()

    def _interrupt_the_mark(self) -> None:
        """Tell it at once where only a line is waited for, else before the next one."""
        if (mark := self._mark) is not None:
            self._end_line()
            self._tell_waiting()
            self._prompt(mark)

    def _tell_waiting(self) -> None:
        while self._notes:
            self.out.say(self._notes.pop(0))
        while self._late:
            self._tell_late(*self._late.pop(0))

    def _tell_late(self, entry: OutboxEntry, outcome: Outcome) -> None:
        name = f'"{one_line(entry.prompt, TITLE_LENGTH)}" (lane {entry.lane})'
        if outcome.status not in (Status.COMPLETED, Status.REFUSED):
            self.out.complain(f"{name} ended: {ending_line(outcome, self.session.now())}")
        elif entry.conversation is not None and entry.conversation in [t.conversation for t in self._talks.values()]:
            self.out.say(f"the answer to {name}:")
            with suppress(SinkClosed):  # the next prompt tells it
                self.out.document(outcome.text)
        else:
            kind, of = ("outbox", entry.id) if entry.conversation is None else ("conversations", entry.conversation)
            self.out.say(f"{name} has its answer; read it with: llmdesk {kind} show {of}")
