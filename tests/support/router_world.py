"""A router over scripted providers and an in-memory cooldown book with a clock the test moves."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core import cooldown as rules_of_cooldown
from llmdesk.core.cooldown import Instant
from llmdesk.core.lanes import Lane
from llmdesk.core.policy import ProviderRules, RetryRule
from llmdesk.core.types import Message, ModelInfo, ModelRef, Role
from llmdesk.prices import Billing, PriceBook
from llmdesk.providers.scripted import Scene, ScriptedProvider
from llmdesk.router import Controls, Route, Router, Targets, Walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.cooldown import Cooldown
    from llmdesk.core.lanes import SmallPrompt
    from llmdesk.core.types import Attempt, DeskEvent
    from llmdesk.router.targets import Purse

CLOUD = ModelRef("cloud", "big:120b")
LOCAL = ModelRef("local", "largest")


@dataclass
class CooldownBook:
    """Cooldowns by the real rules, kept in memory; ``log`` shows when they were written."""

    now: float = 1_000_000.0
    held: dict[str, Cooldown] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def instant(self) -> Instant:
        return Instant(wall=self.now, boot=self.now - 900_000.0, boot_id="boot-1")

    def resting(self) -> dict[str, tuple[Cooldown, float]]:
        return {name: (held, left_s) for name, held in self.held.items() if (left_s := self.remaining_s(name)) > 0}

    def remaining_s(self, provider: str) -> float:
        found = self.held.get(provider)
        return rules_of_cooldown.remaining_s(found, self.instant()) if found else 0.0

    def cool(self, provider: str, reason: str, message: str, duration_s: float) -> Cooldown:
        now = self.instant()
        new = rules_of_cooldown.start(provider, reason, message, duration_s, now)
        self.held[provider] = rules_of_cooldown.later(self.held.get(provider), new, now)
        self.log.append(f"cool {provider}")
        return self.held[provider]


@dataclass
class RouterWorld:
    """``cloud`` and ``local`` as scripted providers, one lane over both, and everything that happened."""

    cloud: ScriptedProvider = field(default_factory=lambda: ScriptedProvider("cloud"))
    local: ScriptedProvider = field(default_factory=lambda: ScriptedProvider("local"))
    book: CooldownBook = field(default_factory=CooldownBook)
    rules: dict[str, ProviderRules] = field(default_factory=dict)
    lane: Lane = field(default_factory=lambda: Lane(name="chat", targets=(CLOUD, LOCAL)))
    events: list[DeskEvent] = field(default_factory=list)
    recorded: list[Attempt] = field(default_factory=list)
    checks: list[tuple[object | None, tuple[str, ...]]] = field(default_factory=list)
    local_only: bool = False
    memory_bytes: int | None = None
    controls: Controls | None = None
    elapsed: Callable[[], float] = time.monotonic
    clock: Callable[[], float] | None = None
    windows: dict[str, int] = field(default_factory=dict)
    small_prompt: SmallPrompt | None = None
    prices: PriceBook | None = None
    purse: Purse | None = None

    def __post_init__(self) -> None:
        quick = RetryRule(attempts=3, delay_s=0.0)
        self.rules = self.rules or {
            "cloud": ProviderRules(
                name="cloud", kind="ollama", retry=quick, cooldown_s=600, retries_rate=False, free=True
            ),
            "local": ProviderRules(
                name="local", kind="ollama", retry=quick, cooldown_s=600, retries_rate=False,
                loopback=True, local_models=True, native_schema=True, free=True,
            ),
        }  # fmt: skip
        if not self.local.models:
            self.local.models = (model("small:4b", 4e9), model("large:27b", 27e9))
        self.router = Router(
            Targets(
                adapter=self._adapter,
                rules=self.rules,
                cooldowns=self.book,
                prices=self.prices
                or PriceBook({name: Billing(free=rule.free) for name, rule in self.rules.items()}, {}),
                purse=self.purse,
                memory_bytes=self.memory_bytes,
                local_only=self.local_only,
                windows=self.windows,
                small_prompt=self.small_prompt,
                clock=lambda: self.clock() if self.clock is not None else self.book.now,
                elapsed=self.elapsed,
            ),
            check=self._check,
        )

    async def _adapter(self, name: str) -> ScriptedProvider:
        return {"cloud": self.cloud, "local": self.local}[name]

    async def _check(self, text: str, schema: object) -> tuple[object | None, tuple[str, ...]]:
        return self.checks.pop(0)

    async def ask(self, text: str = "hello", **route: object) -> Walk:
        """Walk one request and return what came of it."""
        walk = Walk()
        self.controls = Controls()
        messages = (Message(role=Role.USER, content=text),)

        async def record(attempt: Attempt) -> None:
            self.recorded.append(attempt)

        await self.router.run(
            Route(lane=self.lane, **{"messages": messages, **route}),  # type: ignore[arg-type]
            walk,
            sink=self.events.append,
            record=record,
            controls=self.controls,
        )
        return walk


def model(name: str, parameters: float, **more: object) -> ModelInfo:
    """A local model that can chat."""
    fields = {"capabilities": frozenset({"completion"}), "context_tokens": 32_768, "size_bytes": int(parameters / 2)}
    return ModelInfo(name=name, parameters=parameters, **{**fields, **more})  # type: ignore[arg-type]


def story(walk: Walk) -> list[tuple[str, str, str]]:
    """What was tried, in short: (target, outcome, class or reason)."""
    return [(str(a.target), a.outcome.value, a.reason) for a in walk.attempts]


def failing(error: Exception) -> list[Scene]:
    """A provider that always fails like this."""
    return [Scene(error=error)]  # type: ignore[arg-type]
