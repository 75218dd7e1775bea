"""Requests as they are looked at: waiting, whole, failed over, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.errors import ErrorKind
    from llmdesk.core.types import Attempt, ModelRef, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A request waiting on disk. ``next_try_at`` ``None`` = only when the user says so.

    ``resumed`` counts how often it was asked again by itself since the user last asked for it.
    """

    id: str
    created_at: float
    lane: str
    agent: str | None = None
    job: str | None = None
    conversation: str | None = None
    prompt: str
    attachments: tuple[str, ...] = ()
    reason: str = ""
    error_kind: ErrorKind | None = None
    next_try_at: float | None = None
    attempts: int = 0
    resumed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One request with everything that happened to it; ``advice`` is what would let a paused one be answered."""

    id: str
    status: Status
    created_at: float
    finished_at: float | None
    lane: str
    agent: str | None
    job: str | None
    conversation: str | None
    prompt: str
    answer: str
    attempts: tuple[Attempt, ...]
    reason: str = ""
    error_kind: ErrorKind | None = None
    next_try_at: float | None = None
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverRow:
    """One step of failover history. ``lost_s`` is what the failed target cost, seconds."""

    at: float
    request: str
    lane: str
    agent: str | None
    source: ModelRef
    target: ModelRef | None
    reason: str
    message: str
    lost_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a critic found. ``issues`` are at most three, the gravest first; ``confidence`` goes from 0 to 1.

    ``escalate`` = a person or a stronger model has to decide; it is set, with ``passed`` false, wherever no verdict
    came. ``target`` is who judged, ``None`` = nobody; ``cost_usd`` is a decimal string, ``None`` = unknown.
    """

    passed: bool
    issues: tuple[str, ...] = ()
    confidence: float
    escalate: bool
    request_id: str | None = None
    target: ModelRef | None = None
    cost_usd: str | None = None
