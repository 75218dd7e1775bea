"""What came of a request, attempt by attempt."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.errors import ErrorKind
    from llmdesk.core.types.answers import FinishReason, Usage
    from llmdesk.core.types.messages import ToolCall
    from llmdesk.core.types.names import Json, ModelRef
    from llmdesk.core.types.statuses import AttemptOutcome, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to one target, or the reason why it was not called (``outcome`` skipped).

    ``reason`` is the error kind's value for a failure and one of ``cooling``, ``no key``, ``attention``, ``gone``,
    ``unfit``, ``privacy``, ``busy`` (too long a wait for the user's own limit), ``budget``, ``next`` (left by the
    user) for a skip. ``discarded_text`` is what came before the failure: kept to be looked at, never sent to a model.
    ``cost_usd`` is a decimal string, ``None`` = unknown price. ``at`` is UTC epoch seconds. ``cooldown_s`` is how much
    longer its provider rests because of this attempt, seconds.
    """

    number: int
    target: ModelRef
    outcome: AttemptOutcome
    at: float
    error_kind: ErrorKind | None = None
    reason: str = ""
    http_status: int | None = None
    message: str = ""
    details: str = ""
    first_token_s: float | None = None
    elapsed_s: float = 0.0
    usage: Usage | None = None
    cost_usd: str | None = "0"
    served_model: str = ""
    discarded_text: str = ""
    probe: bool = False
    cooldown_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverStep:
    """The step from one target to the next; ``lost_s`` is the time spent on the one left behind."""

    source: ModelRef
    target: ModelRef
    reason: str
    message: str
    at: float
    lost_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request did not complete; ``violations`` is everything in which an answer missed its schema."""

    kind: ErrorKind
    message: str
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended: everything ``exec --json`` prints, and what the screen shows below an answer.

    ``text`` is the text of exactly one attempt. ``data`` is the parsed object of a schema lane. ``next_try_at`` is
    UTC epoch seconds, ``None`` when nothing is known to recover by itself. ``advice`` says, for a paused request, what
    would let each target answer. ``kept`` is false when the request is not on disk (recording switched off, or a disk
    that refuses).
    """

    request_id: str
    status: Status
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    data: object | None = None
    lane: str = ""
    agent: str | None = None
    job: str | None = None
    conversation: str | None = None
    target: ModelRef | None = None
    served_model: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    cost_usd: str | None = "0"
    latency_s: float = 0.0
    first_token_s: float | None = None
    attempts: tuple[Attempt, ...] = ()
    failovers: tuple[FailoverStep, ...] = ()
    warnings: tuple[str, ...] = ()
    error: Failure | None = None
    next_try_at: float | None = None
    advice: tuple[str, ...] = ()
    kept: bool = True
    wire: Json | None = field(default=None, repr=False, compare=False)
