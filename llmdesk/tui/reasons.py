"""Why a target did not answer, in the words of the screen, and the seam line made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.tui.words import clock

if TYPE_CHECKING:
    from llmdesk.core.types import Attempt, FailoverStep

WORDS: dict[str, str] = {
    ErrorKind.RATE: "rate limited",
    ErrorKind.QUOTA: "plan used up",
    ErrorKind.SERVER: "server failed",
    ErrorKind.NET: "cannot be reached",
    ErrorKind.SILENT: "no answer in time",
    ErrorKind.TRUNCATED: "answer cut off",
    ErrorKind.AUTH: "key refused",
    ErrorKind.GONE: "model not there",
    ErrorKind.REQUEST: "request refused",
    ErrorKind.CONFIG: "not set up",
    ErrorKind.CAPTIVE: "a web page answered",
    ErrorKind.REFUSED: "the model declined",
    ErrorKind.SCHEMA: "schema not met",
    ErrorKind.BUDGET: "over budget",
    ErrorKind.CANCELLED: "cancelled",
    "cooling": "cooling down",
    "no key": "no key",
    "attention": "needs attention",
    "unfit": "does not fit",
    "privacy": "not allowed here",
    "next": "left by you",
    "busy": "too long a wait for its rate_limit",
    "rate limit": "its rate_limit is reached",
}
"""A failure's kind or a skip's reason, and how the screen says it."""


SHORT = 60
"""Characters of a message that a seam has room for."""


def reason_words(reason: str) -> str:
    """Say a recorded reason in the words of the screen; an unknown one as it is."""
    return WORDS.get(reason, reason)


def seam(step: FailoverStep, cooldown_until: float | None) -> str:
    """The line between two targets: who failed and why, until when it is left alone, who answers instead."""
    if step.reason == ErrorKind.BUDGET:
        why = step.message.rstrip(".") or "over budget"
        return f"{why} → answering free of charge with {step.target.model} ({step.target.provider})"
    why = _told_by_itself(step) or reason_words(step.reason) or step.message
    until = f", next try {clock(cooldown_until, seen=step.at)}" if cooldown_until is not None else ""
    return f"{step.source.provider}: {why}{until} → answering with {step.target.model} ({step.target.provider})"


def _told_by_itself(step: FailoverStep) -> str:
    """What a message says in short and better than its reason does: which ability is missing; empty = nothing."""
    if step.reason not in (ErrorKind.REQUEST, "unfit"):
        return ""
    said = step.message.removeprefix(f"{step.source}: ").removeprefix(f"{step.source.provider}: ").rstrip(".")
    return said if said.startswith(("this model ", "this program ")) and len(said) <= SHORT else ""


def attempt_line(attempt: Attempt) -> str:
    """One attempt or skip in one line: the target, and its message or else the reason in our words."""
    reason = reason_words(attempt.error_kind.value if attempt.error_kind is not None else attempt.reason)
    message = attempt.message.removeprefix(f"{attempt.target.provider}: ")
    return f"{attempt.target}: {message or reason or attempt.outcome.value}"
