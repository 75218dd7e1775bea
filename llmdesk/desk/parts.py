"""What a desk is made of; the composition root fills it in."""

from __future__ import annotations

import asyncio
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Protocol

from llmdesk.core.types import Params
from llmdesk.core.values import dataclass
from llmdesk.desk.leases import Leases
from llmdesk.storage.booking import HERE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from llmdesk.core.edits import Edit, LaneEntry, Proposal
    from llmdesk.core.lanes import Lane
    from llmdesk.core.periods import Calendar
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.views import ScreenSettings
    from llmdesk.paths import Paths
    from llmdesk.prices import PriceBook
    from llmdesk.providers.base import Provider
    from llmdesk.router import Router
    from llmdesk.storage.conversations import ConversationStore
    from llmdesk.storage.cooldowns import CooldownFile
    from llmdesk.storage.database import Database
    from llmdesk.storage.drafts import DraftStore
    from llmdesk.storage.instance import Instance
    from llmdesk.storage.ledger import Ledger
    from llmdesk.storage.measures import MeasureStore
    from llmdesk.storage.requests import RequestStore
    from llmdesk.storage.search import Search
    from llmdesk.storage.spend import SpendStore
    from llmdesk.storage.upkeep import Upkeep
    from llmdesk.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A named caller: the lane it speaks in and the parameters laid over that lane's."""

    name: str
    lane: str | None = None
    params: Params = field(default_factory=Params)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """What may be shown of a provider.

    ``key_source`` says where its key comes from, never what it is. ``late_source`` says what has to be run or opened
    before it can be called: a command, the keychain; empty = nothing.
    """

    kind: str
    base_url: str
    rules: ProviderRules
    aliases: Mapping[str, str] = field(default_factory=dict)
    key_source: str = ""
    late_source: str = ""


class Adapters(Protocol):
    """The open adapters, each made on first use."""

    def get(self, provider: str) -> Awaitable[Provider]:
        """The adapter of a provider; raises ``ProviderError`` if it cannot be made."""
        ...

    async def aclose(self) -> None:
        """Close them all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What follows from the settings: the parts of a desk that are replaced, all of them, when these are read again."""

    lanes: Mapping[str, Lane]
    default_lane: str
    agents: Mapping[str, Agent]
    providers: Mapping[str, ProviderFacts]
    router: Router
    adapters: Adapters
    spend: SpendStore
    prices: PriceBook
    screen: ScreenSettings
    provider_notes: Mapping[str, str] = field(default_factory=dict)


def in_force(setup: Setup) -> dict[str, Any]:
    """The parts by their names in ``Parts``."""
    return {each.name: getattr(setup, each.name) for each in fields(setup)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setup that takes the place of another one.

    ``unchanged`` are the providers whose settings are the same. ``left`` are the adapters of before: to be closed when
    nobody uses them any more. ``notes`` are lines for the user. ``mute``: the collector of telemetry must not be told
    anything any more.
    """

    setup: Setup
    unchanged: frozenset[str]
    left: Adapters
    notes: Sequence[str] = ()
    mute: bool = False


class Configuration(Protocol):
    """The configuration file, as a desk needs it."""

    @property
    def changed(self) -> bool:
        """It is not the file any more that was read last; cheap."""
        ...

    def read(self) -> Callable[[], Change]:
        """Read it, in a thread; what is returned takes it over, on the loop. Raises ``ConfigurationError``."""
        ...

    def lanes(self) -> tuple[LaneEntry, ...]:
        """The lanes as they were read last."""
        ...

    def propose(self, edits: Sequence[Edit]) -> Proposal:
        """Say what edits would make of the file; raises ``ConfigurationError`` or ``UsageError``."""
        ...

    def write(self, proposal: Proposal) -> Path | None:
        """Put a proposal in place of the file; returns the copy of what was there; raises ``UsageError``."""
        ...


@dataclass(slots=True, kw_only=True)
class Parts:
    """The collaborators and settings of one desk; those of ``Setup`` are replaced when the settings are read again.

    ``clock`` gives UTC epoch seconds, ``calendar`` has the user's days, ``sleep`` waits for so many seconds, ``new_id``
    gives a new id.

    ``log`` takes an event name and its numbers and ids; it never gets text of a prompt or an answer.
    ``provider_notes`` say, by provider, which of those the user wrote down cannot be called and why.
    ``program`` is how the user starts llmdesk, for commands that are shown to be copied. ``stored`` is false when
    nothing outlives the process (off the record, or a folder that cannot be written). ``at_start`` is called when the
    desk opens, and does not block. ``telemetry`` tells a collector of every request; ``None`` = there is none.
    ``upkeep`` is done beside everything else; ``None`` = nothing is kept up. ``configuration`` is the file that the
    settings come from; ``None`` = they come from elsewhere. ``leases`` tell who uses the adapters.
    """

    lanes: Mapping[str, Lane]
    default_lane: str
    agents: Mapping[str, Agent]
    providers: Mapping[str, ProviderFacts]
    router: Router
    adapters: Adapters
    database: Database
    requests: RequestStore
    conversations: ConversationStore
    search: Search
    drafts: DraftStore
    cooldowns: CooldownFile
    spend: SpendStore
    ledger: Ledger
    measures: MeasureStore
    prices: PriceBook
    instance: Instance
    paths: Paths
    screen: ScreenSettings
    warnings: list[str]
    provider_notes: Mapping[str, str] = field(default_factory=dict)
    log: Callable[..., None]
    clock: Callable[[], float]
    calendar: Calendar = HERE
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    record_text: bool = True
    stored: bool = True
    demo: bool = False
    program: str = "llmdesk"
    at_start: Callable[[], None] | None = None
    telemetry: Telemetry | None = None
    upkeep: Upkeep | None = None
    configuration: Configuration | None = None
    leases: Leases = field(default_factory=Leases)

    def take_over(self, setup: Setup) -> None:
        """Replace what follows from the settings, in one step: nobody ever meets half of it."""
        for name, part in in_force(setup).items():
            setattr(self, name, part)
