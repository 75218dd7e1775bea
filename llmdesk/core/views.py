"""What the desk shows its faces: rows of the outbox, of failover history, of providers, lanes and conversations.

Times are UTC seconds since the epoch; the faces turn them into local time or ISO 8601.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from llmdesk.core.types import (
    Attempt,
    Endpoint,
    Failover,
    Json,
    Message,
    ModelInfo,
    ModelRef,
    Params,
    Role,
    Status,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.budget import Budget
    from llmdesk.core.errors import ErrorKind
    from llmdesk.core.lanes import SmallPrompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a prompt: either ``text`` or ``image`` (raw bytes) is set."""

    name: str
    text: str | None = None
    image: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request as a face or a program states it.

    Either ``prompt`` (with the history of ``conversation``, or a new conversation) or ``messages`` (complete, nothing
    is added but the lane's system prompt if there is none) is given. ``model`` replaces the lane's targets by this one.
    ``failover`` goes before the lane's own rule. ``timeout_s`` bounds the whole request and ends in paused. ``consent``
    answers every ``failover: ask`` with yes.
    ``probe`` ignores cooldowns, on the user's explicit order only. ``keep`` false = no row, no outbox (embeddings);
    ``unkept_ok`` = send it even if the disk refuses the row. ``keep_wire`` lets events carry their wire objects.
    ``replaces`` is the request whose turn this one takes the place of, and of all that follow it: they stay, as an
    earlier version that is not sent any more. ``continues`` is the request whose answer broke off and is to go on: what
    came of it is sent along. ``summarises`` is the request of the last turn of ``conversation`` that ``messages`` hold
    and ask to sum up: the answer becomes a summary behind that turn, and no turn of its own.
    """

    prompt: str = ""
    messages: tuple[Message, ...] | None = None
    attachments: tuple[Attachment, ...] = ()
    lane: str | None = None
    agent: str | None = None
    job: str | None = None
    model: ModelRef | None = None
    targets: tuple[ModelRef, ...] | None = None
    system: str | None = None
    params: Params = field(default_factory=Params)
    schema: Json | None = None
    schema_name: str = ""
    format: str | Json | None = None
    tools: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)
    endpoint: Endpoint = "chat"
    conversation: str | None = None
    timeout_s: float | None = None
    failover: Failover | None = None
    consent: bool = False
    probe: bool = False
    keep: bool = True
    unkept_ok: bool = False
    keep_wire: bool = False
    replaces: str | None = None
    continues: str | None = None
    summarises: str | None = None


class ProviderState(StrEnum):
    """One word for how a provider is."""

    OK = "ok"
    COOLING = "cooling"
    DOWN = "down"
    NO_KEY = "no key"
    ATTENTION = "needs attention"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """A provider at a glance. ``latency_ms`` and ``models`` are ``None`` until it was asked. ``quotas``: its plan's."""

    provider: str
    kind: str
    state: ProviderState
    base_url: str = ""
    latency_ms: int | None = None
    models: int | None = None
    message: str = ""
    cooldown_until: float | None = None
    cooldown_left_s: float | None = None
    key_tried: bool | None = None
    quotas: tuple[Quota, ...] = ()


SchemaWay = Literal["", "native", "in words"]
"""How a target is told the schema; empty = there is none."""

Consent = Literal["", "needed", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    """A lane's target now: ``skip`` says why it would not be asked, empty = it would be.

    The rest is known for a certain request only. ``model`` is the one that stands behind a ref like ``local/largest``,
    empty = not known before it is asked. ``window_tokens`` ``None`` = unknown; ``input_tokens`` estimates what would
    be sent there, without the ``left_out_turns`` oldest turns; ``None`` = it does not fit. ``params`` are those in
    force. ``wait_s`` is the wait for the provider's own-side rate limit, seconds; ``full`` = a place has to become free
    first. ``consent``: it follows another target, and the lane asks first, or never goes on. ``preferred``: a rule put
    it before the lane's own targets. ``input_bound_tokens`` is the most that its prompt can be; ``output_tokens`` the
    limit that would be sent, ``None`` = none; ``cost_bound_usd`` the most it can cost (decimal string), ``None`` =
    nobody knows its price, or no limit bounds it.
    """

    target: ModelRef
    skip: str = ""
    message: str = ""
    cooldown_until: float | None = None
    model: str = ""
    kind: str = ""
    window_tokens: int | None = None
    input_tokens: int | None = None
    left_out_turns: int = 0
    params: Params | None = None
    schema: SchemaWay = ""
    wait_s: float = 0.0
    full: bool = False
    consent: Consent = ""
    preferred: bool = False
    input_bound_tokens: int | None = None
    output_tokens: int | None = None
    cost_bound_usd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A lane at a glance."""

    name: str
    targets: tuple[TargetStatus, ...]
    failover: str = "auto"
    resume: str = "ask"
    has_system: bool = False
    has_schema: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a request would do, without doing it: ``exec --dry-run``.

    ``why`` says how the lane was chosen. ``max_wait_s`` bounds the wait for a provider's own-side rate limit, seconds.
    ``small_prompt`` is the rule of that name, ``None`` = there is none; it applies where a target is ``preferred``.
    ``budgets`` are those that the request counts to, at one of its targets at least.
    """

    lane: str
    why: str = ""
    agent: str | None = None
    targets: tuple[TargetStatus, ...]
    input_tokens: int
    params: Params
    system: str | None = None
    failover: str = "auto"
    resume: str = "ask"
    max_wait_s: float = 0.0
    schema_name: str | None = None
    schema_repairs: int = 0
    small_prompt: SmallPrompt | None = None
    budgets: tuple[BudgetView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """A budget as it stands in one period, in nano-dollars or tokens as its ``unit`` says.

    ``period`` is a local date, a month, a job or a conversation; ``None`` = nothing was booked in any yet, or each
    request has its own. ``begins_at`` and ``resets_at`` are UTC epoch seconds, ``None`` = it never begins anew.
    ``forecast`` is what will be spent at the end of the period at the pace so far, ``None`` = too early to say.
    ``warning`` is the line to show now, empty = none; ``unknown`` counts attempts whose price nobody knows.
    """

    budget: Budget
    period: str | None = None
    spent: int = 0
    reserved: int = 0
    begins_at: float | None = None
    resets_at: float | None = None
    forecast: int | None = None
    warning: str = ""
    unknown: int = 0

    @property
    def left(self) -> int:
        """What may still be spent; never below zero."""
        return max(0, self.budget.limit - self.spent - self.reserved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of a plan is used: ``name`` is the provider's own (monthly, session …), ``used`` a share from 0 to 1.

    ``resets_at`` is UTC epoch seconds, ``None`` = not told.
    """

    name: str
    used: float
    resets_at: float | None = None


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


Completeness = Literal["full", "cut by limit", "interrupted", "refused", "no answer text"]
"""The mark every stored answer carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message of a conversation as stored. ``completeness`` is set for answers only.

    ``superseded_by`` is the request whose turn took the place of this one; ``None`` = it stands. ``continues`` is the
    request whose answer this prompt asks to go on with. Role ``system`` = a summary that stands, for models, in the
    place of all before it.
    """

    id: int
    role: Role
    content: str
    created_at: float
    request: str | None = None
    thinking: str = ""
    attachments: tuple[Attachment, ...] = ()
    completeness: Completeness | None = None
    target: ModelRef | None = None
    latency_s: float | None = None
    first_token_s: float | None = None
    usage: Usage | None = None
    cost_usd: str | None = None
    seams: tuple[str, ...] = ()
    superseded_by: str | None = None
    continues: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A conversation in a list; ``messages`` counts them. ``snippet`` and ``message`` are set by a search.

    ``matches`` are the characters of ``snippet`` that were searched for, as (start, end). ``earlier``: the hit is in an
    earlier version, which does not stand any more. Only what stands is counted.
    """

    id: str
    title: str
    lane: str
    created_at: float
    updated_at: float
    messages: int
    snippet: str = ""
    message: int | None = None
    matches: tuple[tuple[int, int], ...] = ()
    earlier: bool = False
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with its messages, oldest first."""

    id: str
    title: str
    lane: str
    created_at: float
    updated_at: float
    messages: tuple[StoredMessage, ...]
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedPrompt:
    """A prompt that waits to be sent, with its files; ``model`` = who is asked this once, ``None`` = the lane."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    model: ModelRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a lane's user was writing, and where.

    ``text`` is in the editor, with ``attachments``; ``queue`` waits behind an answer. ``aside`` are texts that had to
    make room in the editor.
    """

    lane: str
    text: str = ""
    queue: tuple[DraftedPrompt, ...] = ()
    conversation: str | None = None
    saved_at: float = 0.0
    attachments: tuple[Attachment, ...] = ()
    aside: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.text or self.queue or self.attachments or self.aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model of one provider, as a list shows it."""

    provider: str
    model: ModelInfo


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of ``doctor``: what was looked at, what was found, and the remedy (empty when all is well)."""

    topic: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a first look around found: the lines of the first-run card."""

    findings: tuple[Finding, ...]
    can_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSettings:
    """What the configuration says of the screen."""

    theme: str = "midnight"
    sidebar: str = "auto"
    motion: str = "full"
    images: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict)


class Topic(StrEnum):
    """What changed, for panels that show it."""

    COOLDOWNS = "cooldowns"
    OUTBOX = "outbox"
    REQUESTS = "requests"
    PROVIDERS = "providers"
    CONVERSATIONS = "conversations"
    SETTINGS = "settings"
    LOG = "log"
