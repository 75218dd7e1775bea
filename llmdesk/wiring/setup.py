"""What follows from the settings alone: everything of a desk that is another one when they are read again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmdesk.config import convert, limits
from llmdesk.config.credentials import key_source, late_source
from llmdesk.config.loader import load_settings
from llmdesk.core.values import dataclass
from llmdesk.core.views import ScreenSettings
from llmdesk.desk.parts import Agent, ProviderFacts, Setup
from llmdesk.prices import Billing, PriceBook
from llmdesk.router import Router, Targets
from llmdesk.storage.spend import SpendStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmdesk.config.loader import Loaded
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import Json
    from llmdesk.paths import Paths
    from llmdesk.storage.cooldowns import CooldownFile
    from llmdesk.storage.database import Database
    from llmdesk.storage.instance import Instance
    from llmdesk.wiring.adapters import AdapterShelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What a setup is built on, and what stays the same as long as the desk is open; ``clock`` = UTC epoch seconds."""

    booked: Database
    instance: Instance
    cooldowns: CooldownFile
    clock: Callable[[], float]


def setup_of(loaded: Loaded, adapters: AdapterShelf, lasting: Lasting) -> Setup:
    """Build what the settings say; nothing is opened or called."""
    rules = convert.provider_rules(loaded)
    models = convert.model_rules(loaded)
    facts = _facts(loaded, rules)
    instance = lasting.instance
    prices = PriceBook(
        {name: Billing(free=rules[name].free, base_url=fact.base_url) for name, fact in facts.items()},
        {str(ref): rule.price for ref, rule in models.items() if rule.price is not None},
        clock=lasting.clock,
    )
    spend = SpendStore(
        lasting.booked, instance.id, limits.budgets(loaded), is_alive=instance.is_alive, clock=lasting.clock
    )
    targets = Targets(
        adapter=adapters.get,
        rules=rules,
        cooldowns=lasting.cooldowns,
        prices=prices,
        purse=spend if spend.budgets else None,
        windows={str(ref): rule.context_window for ref, rule in models.items() if rule.context_window is not None},
        memory_bytes=_memory_bytes(),
        local_only=loaded.settings.privacy.network == "local-only",
        small_prompt=convert.small_prompt(loaded),
        clock=lasting.clock,
    )
    screen = loaded.settings.ui
    return Setup(
        lanes=convert.lanes(loaded),
        default_lane=loaded.settings.default_lane,
        agents={n: Agent(name=n, lane=a.lane, params=a.params) for n, a in convert.agents(loaded).items()},
        providers=facts,
        router=Router(targets, check=_check),
        adapters=adapters,
        spend=spend,
        prices=prices,
        screen=ScreenSettings(
            theme=screen.theme,
            sidebar=screen.sidebar,
            motion=screen.motion,
            images=screen.images,
            notify=screen.notify,
            keys=dict(screen.keys),
        ),
        provider_notes=loaded.provider_notes,
    )


def load(paths: Paths, env: Mapping[str, str]) -> Loaded:
    """Read the configuration; a lane whose schema no answer could meet is a fault of it (policy H1).

    Raises:
        ConfigurationError: it has faults.
    """
    return load_settings(paths.existing_config(), env, check_schema=schema_faults)


def schema_faults(schema: Json) -> tuple[str, ...]:
    """What is wrong with a schema."""
    from llmdesk.schema_check import check_schema

    return check_schema(schema)


def _facts(loaded: Loaded, rules: Mapping[str, ProviderRules]) -> dict[str, ProviderFacts]:
    return {
        name: ProviderFacts(
            kind=rules[name].kind,
            base_url=convert.base_url(provider),
            rules=rules[name],
            aliases=dict(provider.models),
            key_source=key_source(provider),
            late_source=late_source(provider),
        )
        for name, provider in loaded.settings.providers.items()
    }


async def _check(text: str, schema: Json) -> tuple[object | None, tuple[str, ...]]:
    from llmdesk.schema_check import check_answer

    checked = await check_answer(text, schema)
    return checked.data, checked.violations


def _memory_bytes() -> int | None:
    """This machine's memory, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
