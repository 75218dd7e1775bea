"""One request followed to its end: text to stdout, narration to stderr, outcome to exit code."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from llmdesk.cli.answer import AnswerPrinter
from llmdesk.cli.narration import Narrator
from llmdesk.cli.report import outcome_report
from llmdesk.cli.session import EXIT_FAILED
from llmdesk.cli.sink import SinkClosed
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import (
    Accepted,
    AttemptFailed,
    ConsentNeeded,
    Finished,
    Outcome,
    Status,
    TextDelta,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.types import DeskEvent
    from llmdesk.desk import Run

Consent = Callable[[ConsentNeeded], Awaitable[bool]]

Shape = Callable[[Outcome], tuple[str, str]]
"""From a completed request to what stdout gets of its answer, and a note about that (empty = none)."""


EXIT_SCHEMA = 4

EXIT_CODES: Mapping[Status, int] = {
    Status.COMPLETED: 0,
    Status.FAILED: 1,
    Status.BLOCKED: 3,
    Status.PAUSED: 5,
    Status.ACCEPTED: 5,
    Status.RUNNING: 5,
    Status.REFUSED: 6,
    Status.CANCELLED: 130,
}


def whole_answer(outcome: Outcome) -> tuple[str, str]:
    """The answer as it is; the fence that a model may put around JSON that was checked is no part of it."""
    from llmdesk.core.fences import unfenced

    return unfenced(outcome.text) if outcome.data is not None else outcome.text, ""


class Holding(Protocol):
    """Puts pieces of an answer together before they are written."""

    def feed(self, text: str) -> str:
        """Take a piece and return what is to be written now."""
        ...

    def rest(self) -> str:
        """What was held back."""
        ...


class Follower:
    """Shows one request after the other.

    ``stream`` writes the answer as it comes, else only the final one is written, made by ``shape``; an answer that must
    meet a schema is streamed to a terminal only, since a program that reads it as it comes must not get a draft.
    ``newline`` ends an answer with a newline everywhere, not only on a terminal. ``consent`` is asked before a failover
    that needs it; without it the answer is no. ``heard`` leaves of an outcome what is to be told of it; ``seen`` gets
    every event before its text is written. ``hold`` makes, for each attempt, what puts its pieces together.
    """

    def __init__(
        self,
        session: Session,
        signals: Signals,
        *,
        stream: bool = True,
        newline: bool = False,
        shape: Shape = whole_answer,
        consent: Consent | None = None,
        heard: Callable[[Outcome], Outcome] | None = None,
        seen: Callable[[DeskEvent], None] | None = None,
        hold: Callable[[], Holding] | None = None,
    ) -> None:
        self._session = session
        self._out = session.out
        self._signals = signals
        self._stream = stream and not session.json
        self._newline = newline or self._out.stdout.is_terminal
        self._shape = shape
        self._consent = consent
        self._heard = heard
        self._seen = seen
        self._hold = hold
        self.conversation: str | None = None

    async def follow(self, run: Run) -> Outcome:
        """Show ``run`` until it ends; a signal stops it, and SIGTERM or SIGHUP keep it for later."""
        with self._signals.handled_by(lambda number: run.cancel(keep=number != signal.SIGINT)):
            return await self._show(run)

    async def _show(self, run: Run) -> Outcome:
        printer = AnswerPrinter(self._out, self._signals)
        narrator = Narrator(self._out, self._session.now)
        stream = self._stream and (self._out.stdout.is_terminal or not run.checked)
        held = self._hold() if self._hold is not None else None
        async for event in run:
            if isinstance(event, AttemptFailed):
                await printer.void()
                held = self._hold() if self._hold is not None else None
            narrator.notice(event)
            if self._seen is not None:
                self._seen(event)
            if isinstance(event, Accepted):
                self.conversation = event.conversation
            elif isinstance(event, TextDelta) and stream:
                await printer.feed(event.text if held is None else held.feed(event.text))
            elif isinstance(event, ConsentNeeded):
                await self._answer(run, event, narrator)
            elif isinstance(event, Finished):
                if held is not None and event.outcome.status is Status.CANCELLED:  # what came stays
                    await printer.feed(held.rest())
                await self._end(event.outcome, printer, narrator, stream=stream)
        return await run.outcome()

    async def _answer(self, run: Run, event: ConsentNeeded, narrator: Narrator) -> None:
        if self._session.yes:
            run.consent(True)
        elif self._consent is not None:
            run.consent(await self._consent(event))
        else:
            narrator.consent_needed(event)
            run.consent(False)

    async def _end(self, outcome: Outcome, printer: AnswerPrinter, narrator: Narrator, *, stream: bool) -> None:
        if self._session.json:
            with suppress(SinkClosed):  # the exit code tells it; the outcome is stored
                self._out.record(outcome_report(outcome))
        else:
            await printer.finish(outcome if stream else self._shaped(outcome), newline=self._newline)
        heard = self._heard(outcome) if self._heard is not None else outcome
        narrator.finished(replace(heard, kept=heard.kept and not self._session.demo))
        self._session.told.update(outcome.warnings)
        failure = self._out.stdout.failure
        if failure is not None and failure.exit_code == EXIT_FAILED:  # a reader that went away knows it already
            self._out.complain(f"llmdesk: {failure}")

    def _shaped(self, outcome: Outcome) -> Outcome:
        if outcome.status is not Status.COMPLETED:
            return outcome
        text, note = self._shape(outcome)
        if note:
            self._out.say(f"note: {note}")
        return replace(outcome, text=text)


def exit_code(outcome: Outcome, session: Session) -> int:
    """The exit code of an outcome; a reader that went away comes first."""
    if session.out.stdout.failure is not None:
        return session.out.stdout.failure.exit_code
    if outcome.status is Status.FAILED and outcome.error is not None and outcome.error.kind is ErrorKind.SCHEMA:
        return EXIT_SCHEMA
    return EXIT_CODES[outcome.status]
