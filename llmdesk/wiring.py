"""The composition root: from settings to a desk. The only place that names every class."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from llmdesk.config import convert, limits
from llmdesk.config.credentials import key_source, late_source, resolve_beside
from llmdesk.config.loader import Loaded, load_settings
from llmdesk.core.views import ScreenSettings
from llmdesk.desk import Desk
from llmdesk.desk.parts import Agent, Parts, ProviderFacts
from llmdesk.paths import Paths, find_paths, process_environment
from llmdesk.prices import Billing, PriceBook
from llmdesk.router import Router, Targets
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.cooldowns import CooldownFile
from llmdesk.storage.database import Database
from llmdesk.storage.drafts import DraftStore
from llmdesk.storage.instance import Instance
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.overflow import Overflow
from llmdesk.storage.process_groups import ProcessGroups
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.search import Search
from llmdesk.storage.spend import SpendStore
from llmdesk.storage.upkeep import Upkeep
from llmdesk.telemetry import Telemetry, base_of, learn_headers, vendor_of, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llmdesk.config.settings import Settings
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import Json
    from llmdesk.providers.base import Provider

DEMO_MARK = "LLMDESK_DEMO"
"""Set in the environment of a desk whose servers are simulated, so that every face says so."""


def make_desk(
    *,
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    log: Callable[..., None] | None = None,
) -> Desk:
    """Build a desk; nothing is opened or called before it is entered with ``async with``.

    Args:
        config: the configuration file; ``None`` = where it belongs, or the defaults.
        env: the environment; ``None`` = the process's own.
        settings: use these instead of a file.
        log: where log events go; ``None`` = the log file.

    Raises:
        ConfigurationError: the file has faults.
    """
    env = process_environment() if env is None else env
    paths = find_paths(config, env)
    loaded = Loaded(settings=settings) if settings is not None else _load(paths, env)
    warnings = list(loaded.notes)
    warnings += paths.create()
    record = loaded.settings.privacy.record
    writable = _writable(paths.data_dir)
    stored = writable and record != "off-record"
    passing = _passing(loaded.settings) if not writable else ""
    if passing:
        # One cause, one line: what follows from it is worth more than what the system said.
        warnings = [line for line in warnings if not line.startswith(f"{paths.data_dir} ")]
        warnings.append(f"{paths.data_dir} cannot be written: {passing} only for this run.")
    rules = convert.provider_rules(loaded)
    models = convert.model_rules(loaded)
    facts = _facts(loaded, rules)
    state_dir = paths.state_dir if _writable(paths.state_dir) else None
    adapters = AdapterShelf(loaded, env, ProcessGroups(state_dir))
    database = Database(paths.database if stored else None, on_warning=warnings.append)
    instance = Instance(state_dir)
    cooldowns = CooldownFile(paths.state_file, on_warning=warnings.append)
    apart = writable and not stored  # off the record: the numbers alone go to the disk
    ledger = Ledger(
        Database(paths.database, on_warning=warnings.append) if apart else database,
        apart=apart,
        overflow=Overflow(paths.metrics_overflow, on_warning=warnings.append) if stored or apart else None,
    )
    prices = PriceBook(
        {name: Billing(free=rules[name].free, base_url=fact.base_url) for name, fact in facts.items()},
        {str(ref): rule.price for ref, rule in models.items() if rule.price is not None},
    )
    spend = SpendStore(ledger.database, instance.id, limits.budgets(loaded), is_alive=instance.is_alive)
    targets = Targets(
        adapter=adapters.get,
        rules=rules,
        cooldowns=cooldowns,
        prices=prices,
        purse=spend if spend.budgets else None,
        windows={str(ref): rule.context_window for ref, rule in models.items() if rule.context_window is not None},
        memory_bytes=_memory_bytes(),
        local_only=loaded.settings.privacy.network == "local-only",
        small_prompt=convert.small_prompt(loaded),
    )
    screen = loaded.settings.ui
    log = log or _log_to(paths)
    return Desk(
        Parts(
            lanes=convert.lanes(loaded),
            default_lane=loaded.settings.default_lane,
            agents={n: Agent(name=n, lane=a.lane, params=a.params) for n, a in convert.agents(loaded).items()},
            providers=facts,
            router=Router(targets, check=_check),
            adapters=adapters,
            database=database,
            requests=RequestStore(database, instance.id),
            conversations=ConversationStore(database),
            search=Search(database),
            drafts=DraftStore(database, instance.id, instance.is_alive),
            cooldowns=cooldowns,
            spend=spend,
            ledger=ledger,
            measures=MeasureStore(ledger.database),
            prices=prices,
            instance=instance,
            paths=paths,
            screen=ScreenSettings(
                theme=screen.theme,
                sidebar=screen.sidebar,
                motion=screen.motion,
                images=screen.images,
                keys=dict(screen.keys),
            ),
            warnings=warnings,
            provider_notes=loaded.provider_notes,
            log=log,
            clock=time.time,
            new_id=lambda: secrets.token_hex(8),
            record_text=record == "full",
            stored=stored,
            demo=env.get(DEMO_MARK) == "1",
            program=_program(env),
            at_start=adapters.end_leftovers,
            upkeep=Upkeep(ledger.database, keep_days=loaded.settings.telemetry.retention_days),
            telemetry=_telemetry(loaded.settings, facts, env, log=log, warn=warnings.append),
        )
    )


class AdapterShelf:
    """The adapters of one desk, each made when a request first needs it.

    Args:
        loaded: the settings.
        env: the environment.
        groups: where the process groups of running tools are written down.
    """

    def __init__(self, loaded: Loaded, env: Mapping[str, str], groups: ProcessGroups) -> None:
        self._loaded = loaded
        self._env = env
        self._groups = groups
        self._leftovers: asyncio.Future[int] | None = None
        self._open: dict[str, Provider] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, provider: str) -> Provider:
        """The adapter of ``provider``; its key is resolved now, in a thread, because that may run a command.

        Raises:
            SetupBroken: it cannot be made: a bad key, a failing command, an unusable address.
        """
        if provider in self._open:
            return self._open[provider]
        async with self._locks.setdefault(provider, asyncio.Lock()):
            if provider not in self._open:
                self._open[provider] = await self._make(provider)
        return self._open[provider]

    async def _make(self, provider: str) -> Provider:
        from llmdesk.providers import make_provider
        from llmdesk.providers.base import Endpoint, Timeouts

        found = await resolve_beside(self._loaded, provider, self._env)
        told = convert.endpoint(self._loaded, provider, found)
        limits = told.limits
        endpoint = Endpoint(
            name=told.name,
            base_url=told.base_url,
            key=told.key,
            key_source=told.key_source,
            headers=told.headers,
            timeouts=Timeouts(
                connect_s=limits.connect_s,
                write_s=limits.write_s,
                pool_s=limits.pool_s,
                first_token_s=limits.first_token_s,
                idle_s=limits.idle_s,
                content_s=limits.content_s,
                total_s=limits.total_s,
            ),
            allow_http=told.allow_http,
            models=told.models,
            options={**told.options, "record_group": self._groups.record} if told.kind == "command" else told.options,
        )
        return make_provider(told.kind, endpoint)

    def end_leftovers(self) -> None:
        """Begin to end the tools that a killed llmdesk left running (policy T13); closing waits for it."""
        if self._groups.has_records():
            self._leftovers = asyncio.ensure_future(asyncio.to_thread(self._groups.end_leftovers))

    async def aclose(self) -> None:
        """Close them all, each whatever becomes of the others."""
        adapters, self._open = list(self._open.values()), {}
        async with AsyncExitStack() as closing:
            if self._leftovers is not None:
                closing.push_async_callback(asyncio.wait, {self._leftovers})
            for adapter in adapters:
                closing.push_async_callback(adapter.aclose)


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


def _telemetry(
    settings: Settings,
    facts: Mapping[str, ProviderFacts],
    env: Mapping[str, str],
    *,
    log: Callable[..., None],
    warn: Callable[[str], None],
) -> Telemetry | None:
    """What tells a collector of the requests, where one is configured and may be told."""
    endpoint = settings.telemetry.otlp_endpoint
    if endpoint is None:
        return None
    if reason := why_not(endpoint, local_only=settings.privacy.network == "local-only"):
        warn(reason)
        return None
    learn_headers(env)
    return Telemetry(
        base_of(endpoint),
        {name: vendor_of(fact.kind, fact.base_url, fact.rules.params) for name, fact in facts.items()},
        log=log,
        with_conversations=settings.privacy.record != "off-record",
    )


def _load(paths: Paths, env: Mapping[str, str]) -> Loaded:
    """Read the configuration; a lane whose schema no answer could meet is a fault of it (policy H1)."""

    def faults_of(schema: Json) -> tuple[str, ...]:
        from llmdesk.schema_check import check_schema

        return check_schema(schema)

    return load_settings(paths.existing_config(), env, check_schema=faults_of)


async def _check(text: str, schema: Json) -> tuple[object | None, tuple[str, ...]]:
    from llmdesk.schema_check import check_answer

    checked = await check_answer(text, schema)
    return checked.data, checked.violations


def _log_to(paths: Paths) -> Callable[..., None]:
    """The log file of this installation; it is opened with its first event."""
    from llmdesk.logs import get_log, open_log

    open_log(paths.log_file)
    return get_log().info


def _program(env: Mapping[str, str]) -> str:
    """How llmdesk was started: by its name where that is enough, else by the path that was typed."""
    typed = sys.argv[0] if sys.argv else ""
    named = os.path.basename(typed) == "llmdesk"  # noqa: PTH119 - as typed
    return typed if named and shutil.which("llmdesk", path=env.get("PATH", "")) is None else "llmdesk"


def _passing(settings: Settings) -> str:
    """What is gone with the process where nothing can be written, up to its verb; empty = nothing."""
    kept = "conversations and the outbox last" if settings.privacy.record != "off-record" else ""
    counted = "budgets count" if settings.budgets else ""
    return " and ".join(filter(None, (kept, counted)))


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _memory_bytes() -> int | None:
    """This machine's memory, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
