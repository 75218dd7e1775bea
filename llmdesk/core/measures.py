"""How it went, counted and measured: what to look at, by what to group it, and what comes of it.

An attempt is one call to one target; skips are counted apart and are no attempts.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

Grouping = Literal["provider", "model", "lane", "agent", "job", "day", "hour", "five_minutes"]
"""``day`` is a local date; ``hour`` and ``five_minutes`` are told by their beginning, UTC epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which attempts to look at; ``None`` = all. ``since`` and ``until`` (exclusive) are UTC epoch seconds.

    Both are taken to the whole hour they lie in, so that sums kept by the hour can answer. ``exact`` takes them as they
    are and counts the attempts themselves: for short times, and for groups of ``five_minutes``.
    """

    since: float | None = None
    until: float | None = None
    provider: str | None = None
    model: str | None = None
    lane: str | None = None
    agent: str | None = None
    job: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """The middle of a distribution and its high end, of ``count`` values."""

    count: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What came of the attempts of one group.

    ``group`` holds the value of each grouping, in the order asked for; ``None`` = those that have none (no agent, no
    job). Times are seconds: ``response_s`` from sending to the end and ``first_token_s`` to the first token, both of
    completed attempts; ``lost_s`` what failovers away from the group cost, ``cooldown_s`` how long providers rested
    because of it. ``cost_nano_usd`` adds up the known prices; ``unknown_price`` counts the attempts without one.
    ``estimated`` counts attempts whose tokens nobody reported.
    """

    group: Mapping[Grouping, str | None]
    attempts: int = 0
    completed: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    skipped: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    response_s: Percentiles | None = None
    first_token_s: Percentiles | None = None
    tokens_per_s: Percentiles | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: int = 0
    cost_nano_usd: int = 0
    unknown_price: int = 0
    failovers: int = 0
    lost_s: float = 0.0
    cooldown_s: float = 0.0
    free_tokens: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Lane -> (input, output) tokens of completed attempts that cost nothing."""

    @property
    def success_rate(self) -> float | None:
        """The share of answered attempts among those that were answered or failed; ``None`` = there were none."""
        ended = self.completed + self.refused + self.failed
        return (self.completed + self.refused) / ended if ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One booked attempt or skip, in numbers and names.

    ``id`` grows with every booking. ``at`` is its beginning, UTC epoch seconds; ``day`` the local date it counts to.
    Times are seconds. Tokens nobody told or guessed are ``None``, and so is an unknown price; ``estimated`` says that
    tokens were guessed. ``failover_to`` (``provider/model``) is what was asked instead, and ``lost_s`` what this target
    had cost until then; both ``None`` = it was not left.
    """

    id: int
    at: float
    day: str
    request: str
    number: int
    lane: str
    agent: str | None
    job: str | None
    provider: str
    model: str
    served_model: str
    outcome: str
    error_kind: str | None
    reason: str
    http_status: int | None
    first_token_s: float | None
    elapsed_s: float
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    reasoning_tokens: int | None
    estimated: bool
    cost_usd: str | None
    failover_to: str | None
    lost_s: float | None
    cooldown_s: float
