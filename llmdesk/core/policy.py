"""The decision table of docs/policy.md as data: what each class of failure means for retry, cooldown, next target.

And what a provider has to say in it: how often it is asked again, how long it rests, how fast it may be asked.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Params, Status
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class Retry(StrEnum):
    """Whether the same target is asked again."""

    NEVER = "never"
    FIXED = "fixed"
    """``retry.attempts`` in all, ``retry.delay_s`` apart."""
    HINTED = "hinted"
    """Once, after exactly the server's hint, if that is short; never where the provider's plan forbids it."""
    SOLE = "sole"
    """As FIXED, but only when the lane has no other target to ask."""
    REPAIR = "repair"
    """``schema_repairs`` times, with the violations shown to the model."""


class Next(StrEnum):
    """Whether the next target is asked."""

    YES = "yes"
    NO = "no"
    IF_SPECIFIC = "if specific"
    """Only if the cause is this target's own limit."""


class Block(StrEnum):
    """What is not asked again for the rest of this run."""

    NOTHING = "nothing"
    SCOPE = "scope"
    """What the error's ``scope`` names: the provider, or one model ref."""
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row of the table; ``last`` is the outcome when no target is left."""

    retry: Retry
    cools: bool = False
    next: Next = Next.YES
    block: Block = Block.NOTHING
    last: Status = Status.PAUSED


DECISIONS: Mapping[ErrorKind, Decision] = MappingProxyType({
    ErrorKind.RATE: Decision(retry=Retry.HINTED, cools=True),
    ErrorKind.QUOTA: Decision(retry=Retry.NEVER, cools=True),
    ErrorKind.SERVER: Decision(retry=Retry.FIXED),
    ErrorKind.NET: Decision(retry=Retry.FIXED),
    ErrorKind.SILENT: Decision(retry=Retry.SOLE),
    ErrorKind.TRUNCATED: Decision(retry=Retry.FIXED),
    ErrorKind.AUTH: Decision(retry=Retry.NEVER, block=Block.SCOPE),
    ErrorKind.GONE: Decision(retry=Retry.NEVER, block=Block.MODEL),
    ErrorKind.REQUEST: Decision(retry=Retry.NEVER, next=Next.IF_SPECIFIC, last=Status.FAILED),
    ErrorKind.CONFIG: Decision(retry=Retry.NEVER),
    ErrorKind.CAPTIVE: Decision(retry=Retry.NEVER),
    ErrorKind.REFUSED: Decision(retry=Retry.NEVER, next=Next.NO, last=Status.REFUSED),
    ErrorKind.SCHEMA: Decision(retry=Retry.REPAIR, last=Status.FAILED),
    ErrorKind.BUDGET: Decision(retry=Retry.NEVER, next=Next.NO, last=Status.BLOCKED),
    ErrorKind.CANCELLED: Decision(retry=Retry.NEVER, next=Next.NO, last=Status.CANCELLED),
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """A provider's ``retry`` settings: tries in all, seconds, and how the delay grows."""

    attempts: int = 3
    delay_s: float = 2.0
    wait: str = "fixed"
    max_delay_s: float = 20.0
    short_wait_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How fast llmdesk itself asks a provider: requests begun in any minute, requests at once; ``None`` = no limit."""

    requests_per_minute: float | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRules:
    """What the router must know of a provider without knowing its wire.

    ``cooldown_s`` is the cooldown after a refusal that names no time. ``retries_rate`` is false where a 429 is never
    retried and a shorter time that it names is not believed (kind ``ollama``). ``loopback`` providers are this machine;
    ``local_models`` marks an Ollama server whose models run where it runs (so windows are chosen and sizes matter).
    ``has_key``: one is configured. ``params`` are laid under those of every lane. ``native_schema``: the wire carries a
    schema that the model is held to; elsewhere the schema is told in words. ``rate_limit`` is kept on this side.
    ``disabled`` says why it cannot be called at all.
    """

    name: str
    kind: str
    retry: RetryRule = RetryRule()
    cooldown_s: float = 60.0
    retries_rate: bool = True
    loopback: bool = False
    local_models: bool = False
    fallback_models: tuple[str, ...] = ()
    free: bool = False
    has_key: bool = False
    params: Params = field(default_factory=Params)
    native_schema: bool = False
    rate_limit: RateLimit | None = None
    disabled: str = ""

    def rest_s(self, hint_s: float | None) -> float:
        """How long the provider rests after a refusal, seconds; ``hint_s`` is the time it named, ``None`` = none."""
        if hint_s is None:
            return self.cooldown_s
        return hint_s if self.retries_rate else max(self.cooldown_s, hint_s)
