"""Advice: what would let each target of a paused request answer, one line a target (policy R13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.text import LINE_LIMIT, one_line
from llmdesk.core.types import AttemptOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmdesk.core.types import Attempt, ModelRef

_LATER = "Nothing to mend here: ask again later."

REMEDIES: Mapping[str, str] = {
    ErrorKind.RATE: "Wait for it, or retry now in spite of it.",
    ErrorKind.QUOTA: "Wait for it, or raise the limit at the provider and retry now.",
    ErrorKind.SERVER: _LATER,
    ErrorKind.NET: "Check the network connection and providers.{provider}.base_url.",
    ErrorKind.SILENT: "Ask again later, or allow it more with providers.{provider}.timeouts.",
    ErrorKind.TRUNCATED: _LATER,
    ErrorKind.AUTH: "Check the key and what it may do, then: {program} providers check",
    ErrorKind.GONE: "Choose another model: {program} models list",
    ErrorKind.REQUEST: "Choose a target with larger limits.",
    ErrorKind.CONFIG: "Check providers.{provider}: {program} doctor",
    ErrorKind.CAPTIVE: "Log in to this network with a browser, or check the proxy.",
    "no key": "Set it, then start {program} again.",
    "privacy": "Set privacy.network to any to ask it.",
    "busy": _LATER,
}
"""What helps, by the reason of a skip or the class of a failure, where the message itself names no next step."""

_STEP = re.compile(
    r"[.;:(] ?(?:Add|Check|Choose|Install|Log in|Point|Run|See|Set|Sign in|Start it|Try|Use)\b", re.IGNORECASE
)
"""A message that says what to do."""

_UNSAID = frozenset({"next", ErrorKind.CANCELLED.value})
"""What the user did needs no remedy."""


def names_step(message: str) -> bool:
    """Whether a message itself says what to do."""
    return _STEP.search(message) is not None


def advise(attempts: Iterable[Attempt], *, program: str) -> tuple[str, ...]:
    """Say for each target why it did not answer and what would mend that; each line at most 200 characters.

    Args:
        attempts: the request's, skips too; of each target the last one counts.
        program: how the user starts llmdesk.
    """
    last: dict[ModelRef, Attempt] = {}
    for attempt in sorted(attempts, key=lambda each: each.number):
        last.pop(attempt.target, None)
        last[attempt.target] = attempt
    lines = (
        _line(attempt, program)
        for attempt in last.values()
        if attempt.outcome in (AttemptOutcome.FAILED, AttemptOutcome.SKIPPED) and attempt.reason not in _UNSAID
    )
    return tuple(dict.fromkeys(lines))


def _line(attempt: Attempt, program: str) -> str:
    provider = attempt.target.provider
    told = attempt.message or f"{attempt.target}: {attempt.reason or attempt.outcome.value}"
    cause = told if told.startswith(f"{provider}:") else f"{provider}: {told}"
    if names_step(cause):
        return one_line(cause)
    kind = attempt.error_kind.value if attempt.error_kind is not None else ""
    remedy = (REMEDIES.get(attempt.reason) or REMEDIES.get(kind, "")).format(provider=provider, program=program)
    if not remedy:
        return one_line(cause)
    cause = cause if cause.endswith((".", "!", "?", "…")) else f"{cause}."
    return f"{one_line(cause, LINE_LIMIT - len(remedy) - 1)} {remedy}"
