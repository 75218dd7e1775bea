"""The values that travel through the house: messages, requests, events, attempts, outcomes.

Frozen and without behaviour beyond parsing and printing themselves. ``None`` always means *unknown*, never zero.
Durations are seconds (``_s``), sizes are bytes, times are UTC seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from llmdesk.core.errors import ErrorKind, UsageError
from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from llmdesk.core.exchange import Tap

Json = Mapping[str, object]
"""A decoded JSON object."""

Reasoning = Literal["off", "low", "medium", "high"]
Failover = Literal["auto", "ask", "never"]
Resume = Literal["auto", "ask", "never"]
Endpoint = Literal["chat", "generate", "embed"]


class ModelRef(NamedTuple):
    """``provider/model``, split at the first slash; Ollama tags keep their colon."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Read ``provider/model``.

        Raises:
            UsageError: there is no slash, or nothing on one side of it.
        """
        provider, slash, model = text.strip().partition("/")
        if not (slash and provider and model):
            shown = one_line(text, 80)
            raise UsageError(f"'{shown}' is not a model ref. Write provider/model, for example local/gemma3:27b.")
        return cls(provider, model)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call the model wants made. ``arguments`` is a decoded object, ``id`` empty where the wire has none."""

    name: str
    arguments: Json
    id: str = ""
    wire: Json | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation. ``images`` are raw file bytes (PNG, JPEG …), never paths."""

    role: Role
    content: str
    images: tuple[bytes, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """What a lane, an agent or a caller may set; ``None`` = not set, so the provider's own default holds.

    ``max_output_tokens`` and ``context_tokens`` count tokens; ``keep_alive`` is Ollama's (a Go duration or seconds);
    ``extra`` is passed to the wire as it is.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    max_output_tokens: int | None = None
    reasoning: Reasoning | None = None
    context_tokens: int | None = None
    keep_alive: str | float | None = None
    extra: Json = field(default_factory=dict)

    def over(self, base: Params) -> Params:
        """Lay these parameters over ``base``, key by key (``extra`` too)."""
        mine = {name: getattr(self, name) for name in PARAM_NAMES if getattr(self, name) is not None}
        below = {name: getattr(base, name) for name in PARAM_NAMES}
        return Params(**{**below, **mine, "extra": {**base.extra, **self.extra}})


PARAM_NAMES = (
    "temperature", "top_p", "top_k", "seed", "stop", "max_output_tokens", "reasoning", "context_tokens", "keep_alive",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One call to one model, as an adapter gets it.

    ``format`` is ``"json"``, a JSON Schema, or ``None``. ``tools`` and ``extra`` go to the wire as they are.
    ``endpoint`` other than ``chat`` exists for kind ``ollama`` only; for ``generate`` the last user message is the
    prompt and a system message the system text; for ``embed`` ``extra["input"]`` is the text or list of texts.
    ``keep_wire`` lets events carry the wire objects they were made of. ``tap`` is told what is sent and received.
    """

    model: str
    messages: tuple[Message, ...]
    params: Params = field(default_factory=Params)
    format: str | Json | None = None
    tools: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)
    endpoint: Endpoint = "chat"
    keep_wire: bool = False
    tap: Tap | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt. ``estimated`` is true when the provider reported none and these are our guess.

    ``input_tokens`` and ``output_tokens`` are totals. Of the input ``cached_input_tokens`` were read from a cache,
    ``cache_write_tokens`` written to one, ``image_tokens`` made of images; of the output ``reasoning_tokens`` were
    spent on reasoning; ``None`` where the provider does not tell.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    estimated: bool = False
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None
    image_tokens: int | None = None


class FinishReason(StrEnum):
    """Why a complete answer ended; an unknown wire value is a server error, never ``stop`` (policy R12)."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


# --- what an adapter yields -------------------------------------------------------------------------------------
# Where a request sets ``keep_wire``, the last event made from one wire object carries that object in ``wire``, for
# callers that need a vendor's fields.


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Answer text, exactly as received (not sanitised: the faces do that)."""

    text: str
    wire: Json | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Reasoning text, exactly as received."""

    text: str
    wire: Json | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The wire said that the answer is complete; always the last event, exactly once.

    ``notes`` are lines the user should see with the answer: what had to be changed or left out to ask at all.
    """

    finish_reason: FinishReason
    usage: Usage
    served_model: str = ""
    notes: tuple[str, ...] = ()
    wire: Json | None = field(default=None, repr=False, compare=False)


ProviderEvent = TextDelta | ReasoningDelta | ToolCall | Completed


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model as its provider lists it.

    ``size_bytes`` is the file; ``parameters`` a count (7.6e9); ``context_tokens`` what it was trained for;
    ``loaded_context_tokens`` the window it is loaded with now, ``None`` = not loaded or unknown; ``capabilities``
    empty = unknown; ``remote`` marks an entry that only points to a cloud model.
    """

    name: str
    size_bytes: int | None = None
    parameters: float | None = None
    context_tokens: int | None = None
    loaded_context_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    remote: bool = False
    modified_at: str = ""
    quantization: str = ""
    family: str = ""


# --- what happened to a request ---------------------------------------------------------------------------------


class Status(StrEnum):
    """The state of a request; the last six are outcomes, of which it ends in exactly one."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    REFUSED = "refused"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class AttemptOutcome(StrEnum):
    """How one attempt, or the decision not to make one, ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    REFUSED = "refused"


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
    would let each target answer. ``kept`` is false when the request is not
    on disk (recording switched off, or a disk that refuses).
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


# --- what a face sees while a request runs -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The request is on disk; from here on the prompt cannot be lost.

    ``kept`` false = it is not; ``in_memory`` = but its turn is in the conversation for as long as the desk is open.
    """

    request_id: str
    conversation: str | None
    kept: bool = True
    in_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """A target is being asked. ``loading`` = its model is not in memory yet; ``None`` = unknown.

    ``left_out_turns`` is how many of the oldest turns did not fit; ``try_number`` counts tries of this target from 1.
    ``size_bytes`` is the model's size on disk, ``input_tokens`` about how long what is sent is; ``None`` = unknown.
    """

    number: int
    target: ModelRef
    try_number: int = 1
    loading: bool | None = None
    left_out_turns: int = 0
    size_bytes: int | None = None
    input_tokens: int | None = None


RATE_LIMIT = "rate limit"
"""The ``reason`` of a wait for the user's own limit; the others are the values of ``ErrorKind``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing is being asked until ``until`` (UTC epoch seconds), or until a control is used.

    ``until`` ``None`` = until another request to the same provider has ended, and nobody knows when that is. ``ahead``
    is how many requests stand before it in the line for the user's own limit; ``None`` = there is no line.
    """

    until: float | None
    reason: str
    target: ModelRef
    ahead: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt ended without an answer, or a target was skipped; whatever text it gave is void."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOver:
    """The next target is about to be asked: the seam."""

    step: FailoverStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentNeeded:
    """``failover: ask``: nothing is sent to ``target`` until the user says so."""

    target: ModelRef
    failed: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every request."""

    outcome: Outcome


DeskEvent = (
    Accepted
    | AttemptStarted
    | Waiting
    | AttemptFailed
    | FailedOver
    | ConsentNeeded
    | TextDelta
    | ReasoningDelta
    | ToolCall
    | Completed
    | Finished
)
