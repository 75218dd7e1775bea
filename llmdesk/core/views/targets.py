"""How providers, lanes and their targets are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.lanes import SmallPrompt
    from llmdesk.core.types import ModelRef, Params
    from llmdesk.core.views.budgets import BudgetView
    from llmdesk.core.views.states import ProviderState


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of a plan is used: ``name`` is the provider's own (monthly, session …), ``used`` a share from 0 to 1.

    ``resets_at`` is UTC epoch seconds, ``None`` = not told.
    """

    name: str
    used: float
    resets_at: float | None = None


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
