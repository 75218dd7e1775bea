"""The composition root: from settings to a desk. The only place that names every class."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from typing import TYPE_CHECKING

from llmdesk.config.loader import Loaded
from llmdesk.desk import Desk
from llmdesk.desk.parts import Parts, in_force
from llmdesk.paths import find_paths, is_writable, process_environment
from llmdesk.storage.clocks import system_clock
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
from llmdesk.storage.upkeep import Upkeep
from llmdesk.telemetry import Telemetry, base_of, learn_headers, vendor_of, why_not
from llmdesk.wiring.adapters import AdapterShelf
from llmdesk.wiring.configuration import ConfigurationFile, mark_of
from llmdesk.wiring.passing import told
from llmdesk.wiring.setup import Lasting, load, setup_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llmdesk.config.settings import Settings
    from llmdesk.core.cooldown import Instant
    from llmdesk.desk.parts import ProviderFacts
    from llmdesk.paths import Paths

__all__ = ["DEMO_MARK", "AdapterShelf", "make_desk"]

DEMO_MARK = "LLMDESK_DEMO"
"""Set in the environment of a desk whose servers are simulated, so that every face says so."""


def make_desk(
    *,
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    log: Callable[..., None] | None = None,
    now: Callable[[], Instant] = system_clock,
) -> Desk:
    """Build a desk; nothing is opened or called before it is entered with ``async with``.

    Args:
        config: the configuration file; ``None`` = where it belongs, or the defaults.
        env: the environment; ``None`` = the process's own.
        settings: use these instead of a file.
        log: where log events go; ``None`` = the log file.
        now: this machine's clocks: the times of everything that is written down, the days of budgets, and cooldowns.
            How long something takes is measured by the monotonic clock all the same.

    Raises:
        ConfigurationError: the file has faults.
    """
    env = process_environment() if env is None else env
    paths = find_paths(config, env)

    def wall() -> float:
        return now().wall

    mark = mark_of(paths.config_file)
    loaded = Loaded(settings=settings) if settings is not None else load(paths, env)
    warnings = list(told(paths, paths.create(), loaded.settings))
    record = loaded.settings.privacy.record
    writable = is_writable(paths.data_dir)
    stored = writable and record != "off-record"
    state_dir = paths.state_dir if is_writable(paths.state_dir) else None
    adapters = AdapterShelf(loaded, env, ProcessGroups(state_dir))
    database = Database(paths.database if stored else None, on_warning=warnings.append, clock=wall)
    instance = Instance(state_dir)
    cooldowns = CooldownFile(paths.state_file, now, on_warning=warnings.append, unwritable=state_dir is None)
    apart = writable and not stored  # off the record: the numbers alone go to the disk
    ledger = Ledger(
        Database(paths.database, on_warning=warnings.append, clock=wall) if apart else database,
        apart=apart,
        overflow=Overflow(paths.metrics_overflow, on_warning=warnings.append) if stored or apart else None,
    )
    lasting = Lasting(booked=ledger.database, instance=instance, cooldowns=cooldowns, clock=wall)
    setup = setup_of(loaded, adapters, lasting)
    log = log or _log_to(paths)
    telemetry = _telemetry(loaded.settings, setup.providers, env, log=log, warn=warnings.append)
    return Desk(
        Parts(
            **in_force(setup),
            database=database,
            requests=RequestStore(database, instance.id, clock=wall),
            conversations=ConversationStore(database, clock=wall),
            search=Search(database),
            drafts=DraftStore(database, instance.id, instance.is_alive, clock=wall),
            cooldowns=cooldowns,
            ledger=ledger,
            measures=MeasureStore(ledger.database),
            instance=instance,
            paths=paths,
            warnings=warnings,
            log=log,
            clock=wall,
            new_id=lambda: secrets.token_hex(8),
            record_text=record == "full",
            stored=stored,
            demo=env.get(DEMO_MARK) == "1",
            program=_program(env),
            at_start=adapters.end_leftovers,
            upkeep=Upkeep(ledger.database, keep_days=loaded.settings.telemetry.retention_days, clock=wall),
            telemetry=telemetry,
            configuration=(
                ConfigurationFile(paths, env, loaded, mark=mark, lasting=lasting, adapters=adapters)
                if settings is None
                else None
            ),
        )
    )


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
