"""How a request ended: from its walk to the outcome that is told, and to the answer that is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind, StorageError
from llmdesk.core.money import to_nano_usd, to_usd
from llmdesk.core.text import has_visible, one_line, redact
from llmdesk.core.types import AttemptOutcome, Failure, FinishReason, Outcome, Status
from llmdesk.desk.advice import advise

if TYPE_CHECKING:
    from llmdesk.core.types import Attempt, ModelRef
    from llmdesk.core.views import Completeness
    from llmdesk.desk.job import Job
    from llmdesk.router import Walk
    from llmdesk.storage.records import StoredAnswer

RESUME_DELAY_S = 60.0
"""When a lane that resumes by itself asks again after a passing failure, seconds; it doubles with each time."""

MAX_RESUMES = 5
"""How often that happens before the request waits for its user (policy section 1)."""

STOPPED = "Stopped before the answer was complete."
"""Why a request is paused that its program left behind when it was told to end."""

PASSING = frozenset({ErrorKind.SERVER, ErrorKind.NET, ErrorKind.SILENT, ErrorKind.TRUNCATED})
"""Failures that may be over in a while without anybody doing anything."""

LIMITS = frozenset({ErrorKind.RATE, ErrorKind.QUOTA})
"""Failures whose end is a cooldown's."""


def stop(walk: Walk, *, keep: bool) -> None:
    """Close a walk that its user stopped."""
    walk.status = Status.PAUSED if keep else Status.CANCELLED
    walk.error = Failure(kind=ErrorKind.CANCELLED, message=STOPPED)


def time_out(walk: Walk, limit_s: float) -> None:
    """Close a walk that took longer than its asker allowed."""
    walk.status = Status.PAUSED
    cause = f"o complete answer within {limit_s:g} s (--timeout)."
    walk.error = Failure(kind=ErrorKind.SILENT, message=f"N{cause}")
    if walk.attempts and (last := walk.attempts[-1]).outcome is AttemptOutcome.CANCELLED:
        walk.attempts[-1] = replace(
            last,
            outcome=AttemptOutcome.FAILED,
            reason=ErrorKind.SILENT.value,
            error_kind=ErrorKind.SILENT,
            message=one_line(f"{last.target.provider}: n{cause}"),
        )


def break_off(walk: Walk, error: BaseException) -> None:
    """Close a walk that met a disk that refuses, or a fault of llmdesk itself."""
    walk.status = Status.PAUSED
    if isinstance(error, StorageError):
        walk.error = Failure(kind=ErrorKind.CONFIG, message=one_line(str(error)))
    else:
        walk.error = unexpected(error)


def unexpected(error: BaseException) -> Failure:
    """What is told of a fault of llmdesk itself."""
    text = one_line(redact(f"Unexpected {type(error).__name__}: {error}. The log has more."))
    return Failure(kind=ErrorKind.SERVER, message=text)


def outcome_of(
    job: Job,
    walk: Walk,
    *,
    latency_s: float,
    now: float,
    stored: bool,
    program: str,
    ways_out: tuple[str, ...] = (),
) -> Outcome:
    """What became of a request.

    Args:
        job: the request.
        walk: its walk, which has come to an end.
        latency_s: how long it took, seconds.
        now: UTC epoch seconds.
        stored: whether this desk writes on a disk at all.
        program: how the user starts llmdesk, for the advice.
        ways_out: what a request that a budget blocks can still do.
    """
    done = walk.status is Status.COMPLETED
    partial = walk.status in (Status.CANCELLED, Status.PAUSED, Status.REFUSED)  # of an attempt that was stopped
    text = walk.text.whole() if done or partial else ""
    completed = walk.completed if done else None
    advice: tuple[str, ...] = ways_out if walk.status is Status.BLOCKED else ()
    if walk.status is Status.PAUSED and walk.error and walk.error.kind is not ErrorKind.CANCELLED:
        advice = advise(walk.attempts, program=program)
    return Outcome(
        request_id=job.id,
        status=walk.status,
        text=text,
        reasoning="".join(walk.reasoning) if done or partial else "",
        tool_calls=tuple(walk.tool_calls) if done else (),
        data=walk.data if done else None,
        lane=job.lane.name,
        agent=job.ask.agent,
        job=job.ask.job,
        conversation=job.conversation,
        target=walk.target if done or text else None,
        served_model=completed.served_model if completed else "",
        finish_reason=completed.finish_reason if completed else None,
        usage=walk.usage if done else None,
        cost_usd=_total_cost(walk.attempts),
        latency_s=latency_s,
        first_token_s=walk.first_token_s if done else None,
        attempts=tuple(walk.attempts),
        failovers=tuple(walk.failovers),
        warnings=tuple(walk.warnings),
        error=None if done else walk.error,
        next_try_at=_next_try_at(job, walk, now),
        advice=advice,
        kept=job.kept and stored,
        wire=completed.wire if completed else None,
    )


def _next_try_at(job: Job, walk: Walk, now: float) -> float | None:
    """When the request is asked again, UTC epoch seconds: the first cooldown's end, or sooner after passing failures.

    Without ``resume: auto`` it is when somebody can be asked again, if that is known.
    """
    if walk.status is not Status.PAUSED or walk.error is None or job.lane.resume != "auto":
        return walk.next_try_at
    if walk.error.kind is ErrorKind.CANCELLED:
        return None  # its user left it; whoever starts next takes it up
    met = {walk.error.kind, *(a.error_kind for a in walk.attempts if a.outcome is AttemptOutcome.FAILED)}
    passing = bool(met & PASSING) or (walk.next_try_at is None and walk.error.kind in LIMITS)
    if not passing or job.resumed >= MAX_RESUMES:
        return walk.next_try_at
    again = now + RESUME_DELAY_S * 2.0**job.resumed
    return again if walk.next_try_at is None else min(again, walk.next_try_at)


def answer_of(outcome: Outcome, *, at: float) -> StoredAnswer | None:
    """What is kept of an answer; ``None`` = there is none. ``at`` is UTC epoch seconds."""
    from llmdesk.storage.records import StoredAnswer

    mark = completeness(outcome)
    if mark is None:
        return None
    return StoredAnswer(
        content=outcome.text,
        thinking=outcome.reasoning,
        completeness=mark,
        target=outcome.target,
        served_model=outcome.served_model,
        latency_s=outcome.latency_s,
        first_token_s=outcome.first_token_s,
        usage=outcome.usage,
        cost_usd=outcome.cost_usd,
        seams=tuple(seam(step.message, step.target) for step in outcome.failovers),
        created_at=at,
    )


def completeness(outcome: Outcome) -> Completeness | None:
    """The mark of a stored answer; ``None`` = there is no answer to store."""
    match outcome.status:
        case Status.COMPLETED if outcome.finish_reason is FinishReason.LENGTH:
            return "cut by limit"
        case Status.COMPLETED:
            return "full" if has_visible(outcome.text) or outcome.tool_calls else "no answer text"
        case Status.REFUSED:
            return "refused"
        case Status.CANCELLED | Status.PAUSED:
            return "interrupted" if outcome.text else None
        case Status.FAILED | Status.BLOCKED | Status.ACCEPTED | Status.RUNNING:
            return None


def seam(message: str, target: ModelRef) -> str:
    """The words of a seam line: what happened, and who answers now."""
    return f"{message.rstrip('.')} → answering with {target.model} ({target.provider})"


def broken(job: Job, error: BaseException, *, kept: bool) -> Outcome:
    """The end of a request that met a fault of llmdesk itself; what is on disk is in the outbox at the next start."""
    return Outcome(
        request_id=job.id,
        status=Status.PAUSED if kept else Status.FAILED,
        lane=job.lane.name,
        agent=job.ask.agent,
        job=job.ask.job,
        conversation=job.conversation,
        error=unexpected(error),
        kept=kept,
    )


def _total_cost(attempts: list[Attempt]) -> str | None:
    """Every attempt counts; one unknown price makes the sum unknown."""
    costs = [to_nano_usd(attempt.cost_usd) for attempt in attempts]
    known = [cost for cost in costs if cost is not None]
    return to_usd(sum(known)) if len(known) == len(costs) else None
