"""What a request goes through, as labelled lines on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.times import clock
from llmdesk.core.money import shown_usd, to_nano_usd
from llmdesk.core.types import (
    Accepted,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    Completed,
    ConsentNeeded,
    FailedOver,
    Finished,
    ReasoningDelta,
    Status,
    TextDelta,
    ToolCall,
    Waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.cli.output import Output
    from llmdesk.core.types import Attempt, DeskEvent, FailoverStep, Outcome


SHORTEST_WAIT_S = 0.5
"""A pause below this is no wait that anybody could use, seconds."""


class Narrator:
    """Says each thing once: a seam does not repeat the failure that was just told."""

    def __init__(self, out: Output, now: Callable[[], float]) -> None:
        self._out = out
        self._now = now
        self._told = ""
        self._last = ""
        self._thought = ""

    def notice(self, event: DeskEvent) -> None:
        """Tell of ``event`` what is worth a line."""
        match event:
            case Accepted():
                self._out.detail(f"accepted: {event.request_id}")
            case AttemptStarted():
                self._started(event)
            case Waiting():
                self._waiting(event)
            case AttemptFailed():
                self._failed(event.attempt)
            case FailedOver():
                self._failed_over(event.step)
            case ReasoningDelta():
                self._thinking(event.text)
            case TextDelta():
                self._flush_thought()
            case ToolCall():
                self._out.detail(f"tool call: {event.name}")
            case ConsentNeeded() | Completed() | Finished():
                pass

    def _waiting(self, event: Waiting) -> None:
        now = self._now()
        if event.until is None:
            self._out.say(f"waiting: {event.target} until another request to it has ended ({event.reason})")
        elif event.until - now < SHORTEST_WAIT_S:
            self._out.say(f"retrying: {event.target}")
        else:
            self._out.say(f"waiting: {event.target} until {clock(event.until, now)} ({event.reason})")

    def _started(self, event: AttemptStarted) -> None:
        again = f", try {event.try_number}" if event.try_number > 1 else ""
        self._out.detail(f"asking: {event.target}{again}")
        if event.loading and event.try_number == 1:
            self._out.say(f"loading: {event.target} is being loaded into memory")
        if count := event.left_out_turns:
            turns = "the oldest turn was" if count == 1 else f"the {count} oldest turns were"
            self._out.say(f"note: {turns} left out; together they do not fit this model")

    def _failed(self, attempt: Attempt) -> None:
        self._flush_thought()
        message = attempt.message or f"{attempt.target}: {attempt.reason}"
        if attempt.outcome is AttemptOutcome.SKIPPED:
            named = message.startswith((f"{attempt.target}:", f"{attempt.target.provider}:"))
            self._out.detail(f"skipped: {message}" if named else f"skipped: {attempt.target}: {message}")
            return
        self._told = attempt.message
        if not self._out.quiet:
            self._last = f"failed: {message}"
        self._out.say(f"failed: {message}")

    def _failed_over(self, step: FailoverStep) -> None:
        answering = f"answering with {step.target.model} ({step.target.provider})"
        known = not step.message or step.message == self._told
        self._out.say(f"failover: {answering}" if known else f"failover: {step.message} Now {answering}")

    def consent_needed(self, event: ConsentNeeded) -> None:
        """The lane asks before it fails over, and nobody is asked here."""
        self._out.say(not_asked_line(event))

    def _thinking(self, text: str) -> None:
        if not self._out.verbose:
            return
        *lines, self._thought = (self._thought + text).split("\n")
        for line in lines:
            self._out.detail(f"reasoning: {line}")

    def finished(self, outcome: Outcome) -> None:
        """How it ended: silent when all went well, one line that names the next step otherwise."""
        self._flush_thought()
        for warning in outcome.warnings:
            self._out.say(f"note: {warning}")
        if line := ending_line(outcome, self._now()):
            if line != self._last:
                self._out.complain(line)
            for each in outcome.advice:
                if each not in (self._told, reason_of(outcome)):
                    self._out.say(f"advice: {each}")
            for violation in outcome.error.violations if outcome.error is not None else ():
                self._out.complain(f"violation: {violation}")
        elif outcome.status is Status.COMPLETED:
            self._out.detail(f"done: {done_line(outcome)}")

    def _flush_thought(self) -> None:
        if self._thought:
            self._out.detail(f"reasoning: {self._thought}")
            self._thought = ""


def not_asked_line(event: ConsentNeeded) -> str:
    """The lane asks before it fails over, and nobody could be asked."""
    return f"not asked: {event.target} is next, and this lane fails over only with consent (--yes)"


def ending_line(outcome: Outcome, now: float) -> str:
    """One line for an outcome that is not an answer; empty for one that is."""
    reason = reason_of(outcome)
    match outcome.status:
        case Status.COMPLETED:
            return ""
        case Status.PAUSED | Status.ACCEPTED | Status.RUNNING:
            return f"paused: {sentence(reason or 'nobody could answer')} {_where(outcome, now)}"
        case Status.CANCELLED:
            return "cancelled" + (f": {reason}" if reason else ".")
        case Status.REFUSED | Status.FAILED | Status.BLOCKED:
            return f"{outcome.status.value}: {reason or 'no reason given'}"


def reason_of(outcome: Outcome) -> str:
    """Why there is no answer; empty where nobody said."""
    return outcome.error.message if outcome.error is not None else ""


def done_line(outcome: Outcome) -> str:
    """Who answered, how long it took and what it was worth, on one line."""
    parts = [str(outcome.target) if outcome.target else "nobody", f"{outcome.latency_s:.1f} s"]
    if outcome.usage is not None and outcome.usage.output_tokens is not None:
        about = "about " if outcome.usage.estimated else ""
        parts.append(f"{about}{outcome.usage.output_tokens} tokens")
    if nano_usd := to_nano_usd(outcome.cost_usd):
        parts.append(f"{shown_usd(nano_usd)} USD")
    if outcome.finish_reason is not None and outcome.finish_reason.value == "length":
        parts.append("cut by limit")
    return ", ".join(parts)


def _where(outcome: Outcome, now: float) -> str:
    if not outcome.kept:
        return "It is not kept; ask again later."
    when = f" (next try {clock(outcome.next_try_at, now)})" if outcome.next_try_at is not None else ""
    return f"Kept in the outbox as {outcome.request_id}{when}; try: llmdesk outbox retry {outcome.request_id}"


def sentence(text: str) -> str:
    """``text`` with a full stop where it has no end."""
    return text if text.endswith((".", "!", "?", "…")) else text + "."
