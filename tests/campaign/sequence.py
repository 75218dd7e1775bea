"""A sequence of faults as data: made from one integer, printed as lines, made smaller step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Wire = Literal["ollama", "openai", "anthropic", "google", "command"]

Toxin = Literal["latency", "down", "bandwidth", "slow close", "timeout", "reset", "slicer", "limit"]
"""The eight ways in which a wire is bad, by their usual names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Ask once. ``meets`` = by provider, the symbols its target answers with, in turn; then it is healthy.

    ``cut`` happens ``after_s`` seconds after the asking. ``real`` = by a process of its own.
    """

    lane: str
    number: int
    meets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    cut: Literal["", "cancel", "keep", "next target", "kill", "close"] = ""
    after_s: float = 0.0
    follows: bool = False
    """It goes on in the lane's conversation; otherwise it begins a new one."""
    real: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Ask all of these at once."""

    says: tuple[Say, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Set the clocks: ``wall`` and ``boot`` seconds further (a suspend moves both; setting a clock only the wall)."""

    wall: float
    boot: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Close every instance, begin a new boot with the wall clock ``wall`` seconds further, open one again."""

    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Close the instance (``hard``: leave it as a crash would) and open another."""

    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """From now on another instance is asked every other time (``on``), or no longer."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """Make a provider's wire bad from now on; ``toxin`` empty = good again."""

    provider: str
    toxin: Toxin | Literal[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Send everything again that waits in the outbox; ``probe`` = cooling providers are asked too.

    ``cut`` happens to the first of them, ``after_s`` seconds after it was taken out.
    """

    probe: bool = False
    cut: Literal["", "cancel", "keep", "kill", "close"] = ""
    after_s: float = 0.0


Step = Say | Together | Jump | Reboot | Restart | Second | Poison | Resume


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider of the sequence's configuration.

    ``price``: US dollars for a million tokens sent and received, as the user wrote it; ``None`` = nothing is written.
    ``delay_s``: between two tries of one target.
    """

    name: str
    wire: Wire
    attempts: int = 3
    cooldown_s: float = 600.0
    key: bool = False
    price: tuple[float, float] | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One budget of the sequence's configuration, over everything or over one lane."""

    scope: Literal["request", "conversation", "day", "month"]
    kind: Literal["soft", "hard"]
    limit_usd: float
    when_exhausted: Literal["free", "block"] = "block"
    lane: str = ""

    @property
    def settings(self) -> Mapping[str, object]:
        """Its entry under ``budgets``."""
        exhausted = {"when_exhausted": self.when_exhausted} if self.kind == "hard" else {}
        lane = {"lane": self.lane} if self.lane else {}
        return {"scope": self.scope, "kind": self.kind, "limit_usd": self.limit_usd, **exhausted, **lane}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A configuration and what happens with it; the same integer always makes the same one."""

    seed: int
    providers: tuple[Provider, ...]
    lanes: tuple[tuple[str, tuple[str, ...]], ...]
    """Name, and the names of its providers in order; the first lane is the default."""
    budgets: tuple[Budget, ...] = ()
    record: Literal["full", "metadata", "off-record"] = "full"
    steps: tuple[Step, ...] = ()
    real: bool = False
    """Every ask is a process of its own; then the clocks are the machine's and nothing sets them."""
