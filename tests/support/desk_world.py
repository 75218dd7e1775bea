"""A desk over real files in a folder of the test: scripted providers instead of adapters, clocks moved by hand.

Several desks of one world share its files as several running instances do.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from llmdesk.core.lanes import Lane
from llmdesk.core.policy import ProviderRules, RetryRule
from llmdesk.core.types import ModelRef, Role
from llmdesk.core.views import Ask, ScreenSettings
from llmdesk.desk import Desk
from llmdesk.desk.parts import Parts, ProviderFacts
from llmdesk.paths import find_paths
from llmdesk.prices import Billing, PriceBook
from llmdesk.providers.scripted import Scene, ScriptedProvider
from llmdesk.router import Router, Targets
from llmdesk.schema_check import check_answer
from llmdesk.storage.booking import HERE
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.cooldowns import CooldownFile
from llmdesk.storage.database import Database
from llmdesk.storage.drafts import DraftStore
from llmdesk.storage.instance import Instance
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.overflow import Overflow
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.search import Search
from llmdesk.storage.spend import SpendStore
from tests.support.router_world import model
from tests.support.slowness import PATIENCE_S
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from llmdesk.core.budget import Budget
    from llmdesk.core.errors import ProviderError
    from llmdesk.core.periods import Calendar
    from llmdesk.core.prices import Price
    from llmdesk.core.types import ChatRequest, DeskEvent, Json, ModelInfo, Outcome
    from llmdesk.desk import Run
    from llmdesk.desk.parts import Agent
    from llmdesk.paths import Paths

CLOUD = ModelRef("cloud", "big:120b")
LOCAL = ModelRef("local", "largest")
LARGE = ModelRef("local", "large:27b")
ENDLESS_S = 3_600.0
"""A pause in a scene that no test waits for."""

Event = TypeVar("Event")


@dataclass(slots=True)
class ObservedProvider(ScriptedProvider):
    """A scripted provider that lets the test look around when a request has reached it."""

    on_request: Callable[[ChatRequest], None] | None = None
    checks: int = 0

    async def stream(self, request: ChatRequest):  # type: ignore[no-untyped-def]
        if self.on_request is not None:
            self.on_request(request)
        events = ScriptedProvider.stream(self, request)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def check(self):  # type: ignore[no-untyped-def]
        self.checks += 1
        return await ScriptedProvider.check(self)


@dataclass(slots=True)
class Shelf:
    """Hands out the world's providers; ``broken`` ones cannot be made."""

    providers: Mapping[str, ScriptedProvider]
    broken: dict[str, Exception] = field(default_factory=dict)

    async def get(self, provider: str) -> ScriptedProvider:
        if provider in self.broken:
            raise self.broken[provider]
        return self.providers[provider]

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class DeskWorld:
    """``cloud`` and ``local``, the lanes ``chat`` and ``codegen`` over both, and a home they share."""

    home: Path
    cloud: ObservedProvider = field(default_factory=lambda: ObservedProvider("cloud"))
    local: ObservedProvider = field(default_factory=lambda: ObservedProvider("local"))
    clocks: Clocks = field(default_factory=Clocks)
    lanes: dict[str, Lane] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    rules: dict[str, ProviderRules] = field(default_factory=dict)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    record_text: bool = True
    windows: dict[str, int] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    prices: dict[str, Price] = field(default_factory=dict)
    calendar: Calendar = HERE
    logged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        quick = RetryRule(attempts=3, delay_s=0.0)
        self.rules = self.rules or {
            "cloud": ProviderRules(
                name="cloud", kind="ollama", retry=quick, cooldown_s=600, retries_rate=False, free=True, has_key=True
            ),
            "local": ProviderRules(
                name="local", kind="ollama", retry=quick, cooldown_s=600, retries_rate=False,
                loopback=True, local_models=True, native_schema=True, free=True,
            ),
        }  # fmt: skip
        self.lanes = self.lanes or {name: Lane(name=name, targets=(CLOUD, LOCAL)) for name in ("chat", "codegen")}
        if not self.local.models:
            self.local.models = (model("small:4b", 4e9), model("large:27b", 27e9))
        self.shelf = Shelf({"cloud": self.cloud, "local": self.local})
        self.paths.create()

    @property
    def paths(self) -> Paths:
        """Where the files are."""
        return find_paths(env={"LLMDESK_HOME": str(self.home)})

    def facts(self, late: Mapping[str, str] | None = None) -> dict[str, ProviderFacts]:
        """What is known of each provider; ``late`` ones have a key that has to be fetched from there."""
        return {
            name: ProviderFacts(
                kind=rule.kind,
                base_url=f"http://{name}.test",
                rules=rule,
                aliases=self.aliases.get(name, {}),
                key_source=(late or {}).get(name, "$CLOUD_KEY" if rule.has_key else ""),
                late_source=(late or {}).get(name, ""),
            )
            for name, rule in self.rules.items()
        }

    def desk(self, **changes: Any) -> Desk:
        """One more instance; ``changes`` replace parts of it."""
        warnings: list[str] = []
        database = Database(self.paths.database, on_warning=warnings.append)
        instance = Instance(self.paths.state_dir)
        cooldowns = CooldownFile(self.paths.state_file, self.clocks, on_warning=warnings.append)
        wall = lambda: self.clocks.wall  # noqa: E731
        prices = PriceBook({name: Billing(free=rule.free) for name, rule in self.rules.items()}, self.prices)
        spend = SpendStore(
            database, instance.id, self.budgets, is_alive=instance.is_alive, clock=wall, calendar=self.calendar
        )
        targets = Targets(
            adapter=self.shelf.get,
            rules=self.rules,
            cooldowns=cooldowns,
            prices=prices,
            purse=spend if self.budgets else None,
            windows=self.windows,
            clock=lambda: self.clocks.wall,
            elapsed=lambda: self.clocks.boot,
        )
        parts: dict[str, Any] = {
            "lanes": self.lanes,
            "default_lane": "chat",
            "agents": self.agents,
            "providers": self.facts(),
            "router": Router(targets, check=checked),
            "adapters": self.shelf,
            "database": database,
            "requests": RequestStore(database, instance.id, clock=wall, calendar=self.calendar),
            "conversations": ConversationStore(database, clock=wall),
            "search": Search(database),
            "drafts": DraftStore(database, instance.id, instance.is_alive, clock=wall),
            "cooldowns": cooldowns,
            "spend": spend,
            "ledger": Ledger(
                database,
                overflow=Overflow(self.paths.metrics_overflow, on_warning=warnings.append),
                calendar=self.calendar,
            ),
            "measures": MeasureStore(database, calendar=self.calendar),
            "prices": prices,
            "instance": instance,
            "paths": self.paths,
            "screen": ScreenSettings(),
            "warnings": warnings,
            "log": lambda name, **fields: self.logged.append((name, fields)),
            "clock": wall,
            "calendar": self.calendar,
            "new_id": lambda: f"id-{next(self.ids):04}",
            "record_text": self.record_text,
        }
        return Desk(Parts(**{**parts, **changes}))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database file from outside."""
        with sqlite3.connect(self.paths.database) as connection:
            found = connection.execute(query, values).fetchall()
        connection.close()
        return found

    def status_of(self, request_id: str) -> str | None:
        """The state of a request on disk."""
        found = self.rows("SELECT status FROM requests WHERE id = ?", request_id)
        return found[0][0] if found else None


async def checked(text: str, schema: Json) -> tuple[object | None, tuple[str, ...]]:
    """The real schema checker, in the router's terms."""
    found = await check_answer(text, schema)
    return found.data, found.violations


async def ask(desk: Desk, prompt: str = "hello", **fields: Any) -> Outcome:
    """Ask and wait for the end."""
    return await desk.send(Ask(prompt=prompt, **fields)).outcome()


async def story(run: Run) -> list[DeskEvent]:
    """Every event of a run."""
    return [event async for event in run]


async def next_of(events: AsyncIterator[DeskEvent], kind: type[Event]) -> Event:
    """Read on until an event of ``kind`` comes."""
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


async def until(met: Callable[[], object], limit_s: float = PATIENCE_S) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(limit_s):
        while not met():
            await asyncio.sleep(0.005)


def said(request: ChatRequest) -> list[tuple[str, str]]:
    """What a provider was sent: (who, what) pairs."""
    return [(message.role.value, message.content) for message in request.messages]


def asked(request: ChatRequest) -> str:
    """The newest user message of what a provider was sent."""
    return next(m.content for m in reversed(request.messages) if m.role is Role.USER)


def answers(*texts: str) -> list[Scene]:
    """One scene for each answer."""
    return [Scene(steps=[text]) for text in texts]


def fails(error: ProviderError) -> list[Scene]:
    """A provider that always fails like this."""
    return [Scene(error=error)]


def endless(*first: str) -> list[Scene]:
    """A provider that begins to answer and then stays silent."""
    return [Scene(steps=[*first, ENDLESS_S])]


def local_model(name: str, **more: object) -> ModelInfo:
    """A local model that can chat."""
    return model(name, 7e9, **more)


async def talk(desk: Desk, world: DeskWorld, *prompts: str) -> tuple[str, list[str]]:
    """A conversation with one turn a prompt, each answered with it in capitals; its id and those of its requests."""
    conversation, requests = None, []
    for prompt in prompts:
        world.cloud.script(answers(prompt.upper()))
        outcome = await ask(desk, prompt, conversation=conversation)
        conversation = outcome.conversation
        requests.append(outcome.request_id)
    assert conversation is not None
    return conversation, requests
