"""Why a run of a program failed: its exit, its words, and what they say of limits and waiting (policy T1-T3, T12)."""

from __future__ import annotations

import errno
import re
import signal
from typing import TYPE_CHECKING

from llmdesk.core.errors import (
    AnswerCut,
    KeyRejected,
    QuotaReached,
    RateLimited,
    RequestRejected,
    ServerFailed,
    SetupBroken,
)
from llmdesk.core.text import one_line, redact, sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.errors import (
        ProviderError,
    )

DETAILS = 2000
"""How much of stderr is kept with a failure, characters (policy T2)."""

MAX_QUOTA_S = 31 * 86_400.0
"""A plan is renewed within a month; what claims more is no usable hint, seconds."""

SAID = 120
"""How much of a program's own words a message quotes, characters."""

_CLASSES: tuple[tuple[str, type[ProviderError], str], ...] = (
    ("quota", QuotaReached, "limit of the plan reached"),
    ("rate", RateLimited, "rate limited"),
    ("auth", KeyRejected, "not signed in"),
)

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART = r"\d{1,7}(?:\.\d{1,9})?\s?(?:weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|ms|[wdhms])(?![a-z])"
_WAIT = re.compile(
    rf"\b(?:in|after|within|retry-after:?)\s{{1,3}}((?:{_PART}(?:,?\s{{0,3}}(?:and\s)?)){{1,5}})", re.IGNORECASE
)
_WAIT_RUN = re.compile(r"\b(?:in|after)\s{1,3}((?:\d{1,7}(?:\.\d{1,9})?(?:ms|[wdhms])){2,5})\b", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d{1,7}(?:\.\d{1,9})?)\s?(ms|[a-z])", re.IGNORECASE)
_EPOCH = re.compile(r"limit reached\|(\d{10})\b")


def not_started(name: str, program: str, install: str, error: OSError | ValueError) -> ProviderError:
    """Why a program could not be started."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.E2BIG:
        return RequestRejected(
            f"{name}: the prompt is too long for the command line of {one_line(program, 60)}.", target_specific=True
        )
    reasons = {
        errno.ENOENT: "is not there",
        errno.EACCES: "cannot be run (no permission, or a folder)",
        errno.ENOEXEC: "is no program this machine can run",
        errno.ENOTDIR: "is not there",
    }
    reason = reasons.get(number or 0) or (error.strerror if isinstance(error, OSError) else None) or "cannot be started"
    return missing_program(name, program, install, reason)


def missing_program(name: str, program: str, install: str, reason: str = "is not there") -> SetupBroken:
    """The message for a program that cannot be used, with how to get it."""
    hint = f" Install it: {install}" if install else ""
    return SetupBroken(one_line(redact(f"{name}: {one_line(program, 80)} {reason}.{hint}")))


def failed_run(
    name: str,
    *,
    exit_code: int,
    error: str,
    stderr: str,
    stdout: str,
    limits: Mapping[str, Sequence[str]],
    now: float,
    lack: str = "",
) -> ProviderError:
    """Class and words of a run that gave no answer.

    Args:
        name: the provider.
        exit_code: negative = the signal that ended the program.
        error: what its output calls the error; empty = nothing.
        stderr: the end of stderr.
        stdout: the end of stdout.
        limits: texts that tell quota, rate and auth; case does not matter.
        now: UTC epoch seconds, for hints that name a time.
        lack: what it printed instead of an answer; empty = nothing.
    """
    details = sanitise(redact(stderr.strip() or error or stdout.strip()))[-DETAILS:]
    for text in (error, stderr, stdout):
        folded = text.casefold()
        for kind, failure, words in _CLASSES:
            if found := next((t for t in limits.get(kind, ()) if t.casefold() in folded), None):
                said = _line_with(text, found)
                hint_s = None if kind == "auth" else hint_in(said, now, quota=kind == "quota")
                message = one_line(f"{name}: {words}: {one_line(redact(said), SAID)}")
                return failure(message, hint_s=hint_s, details=details)
    if not exit_code and not error:
        if lack:
            words = one_line(f"{name}: the program {lack}. Check providers.{name}.output.")
            return AnswerCut(words, details=details)
        return AnswerCut(f"{name}: the program ended without an answer.", details=details)
    said = one_line(redact(error or _last_line(stderr)), SAID)
    how = _exit_words(exit_code)
    quote = f" ({said.rstrip('.')})" if said else ""
    return ServerFailed(one_line(f"{name}: {how}{quote}."), details=details)


def _exit_words(exit_code: int) -> str:
    if exit_code < 0:
        try:
            return f"the program was killed by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"the program was killed by signal {-exit_code}"
    return f"the program failed with exit code {exit_code}" if exit_code else "the program reported an error"


def hint_in(text: str, now: float, *, quota: bool = False) -> float | None:
    """How long a text asks to wait, seconds, at least 1; ``None`` = it names no duration.

    Reads ``try again in 34s``, ``in 2 days 17 hours 14 minutes`` (openai/codex#3124), ``Resets in 167h54m10s``
    (google-antigravity/antigravity-cli#46), and ``limit reached|1753077600`` (anthropics/claude-code#4048).

    Args:
        text: what the program said.
        now: UTC epoch seconds.
        quota: a plan's limit, which may last for weeks instead of a day.
    """
    seconds = 0.0
    if found := _EPOCH.search(text):
        seconds = float(found[1]) - now
    elif found := _WAIT_RUN.search(text) or _WAIT.search(text):
        seconds = sum(
            float(n) * _UNITS["ms" if u.lower() == "ms" else u[0].lower()] for n, u in _AMOUNT.findall(found[1])
        )
    if seconds <= 0:
        return None
    return min(max(seconds, 1.0), MAX_QUOTA_S if quota else 86_400.0)


def _line_with(text: str, found: str) -> str:
    """The line of ``text`` that holds ``found``, and the next one, where some programs put the waiting time."""
    at = text.casefold().find(found.casefold())
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = text.find("\n", end + 1) if end >= 0 else -1
    return text[begin : end if end >= 0 else len(text)].strip()


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
