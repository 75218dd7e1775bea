"""The linear mode: prompts line by line from stdin, answers to stdout, everything else as labelled lines on stderr.

For screen readers, for ``TERM=dumb``, and for wherever there is no terminal.
"""

from __future__ import annotations

import re
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.cli.budget_notes import BudgetNotes
from llmdesk.cli.late import LateAnswers
from llmdesk.cli.narration import ending_line, not_asked_line, sentence
from llmdesk.cli.sink import SinkClosed
from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Status
from llmdesk.core.version import __version__
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.types import ConsentNeeded, Outcome
    from llmdesk.core.views import Finding, OutboxEntry
    from llmdesk.desk import Desk

TITLE_LENGTH = 40
"""How much of a prompt names it, characters."""

_LANE_OPTION = re.compile(r": --lane (\S+)$")
_OPTION = re.compile(r": --[a-z][a-z-]*\b")

HELP = (
    "/lane NAME: go to another lane; /lane alone lists them.",
    "/help: show this.",
    "/quit: leave; so does the end of the input.",
    "Everything else is a prompt. A line that begins with // is a prompt that begins with /.",
)


def talk(
    session: Session,
    *,
    lane: str | None = None,
    conversation: str | None = None,
    latest: bool = False,
    demo: bool = False,
) -> int:
    """Hold a conversation line by line until the input ends; returns 0."""

    async def begin(desk: Desk, signals: Signals) -> int:
        linear = Linear(session, desk, signals, lane=lane)
        if latest or conversation is not None:
            await linear.resume(conversation)
        await linear.run()
        if signals.received is not None:
            return signals.exit_code
        return 0 if session.out.stdout.failure is None else session.out.stdout.failure.exit_code

    return session.run(begin, demo=demo, scene=demo)


def _told(finding: Finding) -> str:
    """A finding as one sentence, with the command that helps."""
    return f"{finding.text.rstrip('.:')}: {finding.hint}." if finding.hint else sentence(finding.text)


def typed_here(advice: Iterable[str]) -> tuple[str, ...]:
    """Advice for somebody who types lines: another lane by its command, nothing with an option of the command line."""
    lines = [_LANE_OPTION.sub(r": /lane \1", line) for line in advice]
    kept = [line for line in lines if not _OPTION.search(line)]
    if kept and kept[0].startswith("Or "):  # what it was the alternative to is gone
        kept[0] = kept[0][3:4].upper() + kept[0][4:]
    return tuple(kept)


class Linear:
    """A conversation in lines. Each lane has its own conversation, as on the screen."""

    def __init__(self, session: Session, desk: Desk, signals: Signals, *, lane: str | None) -> None:
        from llmdesk.cli.follow import Follower
        from llmdesk.cli.lines import LineReader

        self._session = session
        self._out = session.out
        self._desk = desk
        self._signals = signals
        self._lane = self._known(lane) if lane is not None else desk.default_lane
        self._conversations: dict[str, str | None] = {}
        self._lines = LineReader(session.stdin)
        self._follower = Follower(session, signals, newline=True, consent=self._consent, heard=self._heard)
        self._budgets = BudgetNotes(desk)
        self._late: list[tuple[OutboxEntry, Outcome]] = []
        self._mark: str | None = None
        """What stands before the cursor while a line is waited for."""

    async def resume(self, conversation: str | None = None) -> None:
        """Go on with this conversation; without one, with the newest of the lane.

        Raises:
            UsageError: there is no such conversation.
        """
        if conversation is not None:
            self._conversations[self._lane] = (await self._desk.conversation(conversation)).id
            return
        views = await self._desk.conversations()
        self._conversations[self._lane] = next((v.id for v in views if v.lane == self._lane), None)

    async def run(self) -> None:
        """Say what is there, then take one line after the other."""
        await self._greet()
        async with AsyncExitStack() as beside:
            if self._session.reads_terminal:  # a script's short run would only begin what it cannot finish
                await beside.enter_async_context(LateAnswers(self._desk, self._came_late))
            await self._take_lines()

    async def _take_lines(self) -> None:
        with self._signals.handled_by(lambda _number: None):
            while (line := await self._next("you: ")) is not None:
                if not line.strip():
                    continue
                if line.startswith("/") and not line.startswith("//"):
                    if not self._obey(line):
                        return
                else:
                    await self._send(line[1:] if line.startswith("//") else line)
                if self._out.stdout.failure is not None:
                    return

    async def _greet(self) -> None:
        found = await self._desk.discover()
        texts = [_told(finding) for finding in found.findings] or ["Nothing was found."]
        demo = "DEMO, " if self._desk.demo else ""
        self._out.say(f"llmdesk {__version__}: {demo}lane {self._lane}. {' '.join(texts)}")
        self._session.tell(self._desk.warnings)
        await self._tell_budgets()

    async def _tell_budgets(self) -> None:
        """What is new of the budgets: those near or at their limits."""
        for warning in await self._budgets.fresh(self._conversations.get(self._lane)):
            self._out.say(f"note: {warning}")

    def _heard(self, outcome: Outcome) -> Outcome:
        """What to tell of an outcome: budgets are told when they are new, advice as it can be typed here."""
        warnings = tuple(line for line in outcome.warnings if not self._budgets.tells(line))
        return replace(outcome, warnings=warnings, advice=typed_here(outcome.advice))

    async def _next(self, mark: str) -> str | None:
        self._tell_late()
        self._prompt(mark)
        self._mark = mark
        try:
            return await self._lines.next_line(self._signals)
        finally:
            self._mark = None

    def _prompt(self, mark: str) -> None:
        if self._session.can_ask and not self._session.quiet:
            self._out.prompt(mark)

    # --- what the desk asked again by itself ---

    def _came_late(self, entry: OutboxEntry, outcome: Outcome) -> None:
        """Tell it at once where only a line is waited for, else before the next one."""
        self._late.append((entry, outcome))
        if (mark := self._mark) is not None:
            self._prompt("\n")
            self._tell_late()
            self._prompt(mark)

    def _tell_late(self) -> None:
        while self._late:
            entry, outcome = self._late.pop(0)
            name = f'"{one_line(entry.prompt, TITLE_LENGTH)}" (lane {entry.lane})'
            if outcome.status not in (Status.COMPLETED, Status.REFUSED):
                self._out.complain(f"{name} ended: {ending_line(outcome, self._session.now())}")
            elif entry.conversation is not None and entry.conversation in self._conversations.values():
                self._out.say(f"the answer to {name}:")
                with suppress(SinkClosed):  # the next prompt tells it
                    self._out.document(outcome.text)
            else:
                kind, of = ("outbox", entry.id) if entry.conversation is None else ("conversations", entry.conversation)
                self._out.say(f"{name} has its answer; read it with: llmdesk {kind} show {of}")

    async def _send(self, prompt: str) -> None:
        ask = Ask(
            prompt=prompt,
            lane=self._lane,
            conversation=self._conversations.get(self._lane),
            consent=self._session.yes,
        )
        try:
            run = self._desk.send(ask)
        except UsageError as error:
            self._out.complain(f"error: {error}")
            return
        outcome = await self._follower.follow(run)
        self._session.tell(self._desk.warnings)
        self._conversations[self._lane] = outcome.conversation or self._follower.conversation
        await self._tell_budgets()
        if self._interrupted_at_terminal():
            self._signals.forget()  # Ctrl+C stopped the answer, not the program

    def _interrupted_at_terminal(self) -> bool:
        import signal

        return self._signals.received == signal.SIGINT and self._session.reads_terminal

    async def _consent(self, event: ConsentNeeded) -> bool:
        if self._session.no_input or not self._session.can_ask:
            self._out.say(not_asked_line(event))
            return False
        answer = await self._next(f"{event.failed.message} Ask {event.target} instead? [y/N] ")
        return answer is not None and answer.strip().lower() in ("y", "yes")

    def _obey(self, line: str) -> bool:
        """Carry out a slash command; false = leave."""
        word, _, rest = line.strip().partition(" ")
        match word:
            case "/quit":
                return False
            case "/help":
                for text in HELP:
                    self._out.say(text)
            case "/lane":
                self._go_to(rest.strip())
            case _:
                self._out.complain(f"error: there is no command {word} here. /help lists them.")
        return True

    def _go_to(self, name: str) -> None:
        if not name:
            self._out.say(f"lanes: {', '.join(view.name for view in self._desk.lanes())}; this is {self._lane}")
            return
        try:
            self._lane = self._known(name)
        except UsageError as error:
            self._out.complain(f"error: {error}")
            return
        self._out.say(f"lane: {self._lane}")

    def _known(self, name: str) -> str:
        names = [view.name for view in self._desk.lanes()]
        if name not in names:
            raise UsageError(f"There is no lane '{name}'. Known: {', '.join(names)}.")
        return name
