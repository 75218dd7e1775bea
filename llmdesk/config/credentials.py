"""The secrets of a provider: where they come from, and getting them without standing in the way."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.config.command_options import inherited, on_platform
from llmdesk.config.command_settings import CommandSettings
from llmdesk.config.provider_settings import HttpSettings
from llmdesk.config.secret import is_secret_name, resolve_secret
from llmdesk.config.template import fill, is_late, missing_names, parse_template
from llmdesk.core.addresses import is_loopback
from llmdesk.core.collector_headers import COLLECTOR_HEADERS
from llmdesk.core.errors import SetupBroken
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmdesk.config.common_settings import CommonSettings
    from llmdesk.config.loader import Loaded
    from llmdesk.config.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What a provider's templates resolved to: its key, the values of its headers, the variables of its program."""

    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def key_source(section: CommonSettings) -> str:
    """Name where the key comes from (``$NAME``, the output of a program, the keychain, the file); empty = no key."""
    key = section.api_key if isinstance(section, HttpSettings) else None
    return key.source if key else ""


def late_source(section: CommonSettings) -> str:
    """Name what has to be run or opened before the provider can be called; empty = nothing."""
    return next((secret.source for secret in _secrets(section) if secret.late), "")


def _secrets(section: CommonSettings) -> Iterable[Secret]:
    if isinstance(section, HttpSettings):
        return (*((section.api_key,) if section.api_key else ()), *section.headers.values())
    if isinstance(section, CommandSettings):
        variables: dict[str, Secret] = on_platform(section)["env"]
        return variables.values()
    return ()


async def resolve_beside(loaded: Loaded, provider: str, env: Mapping[str, str]) -> Secrets:
    """Resolve the secrets of a provider in a thread; a cancel ends the command or the keychain that it waits for.

    Raises:
        SetupBroken: a secret cannot be had, or the provider must not be called.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(resolve_secrets, loaded, provider, env, stop=stop)
    finally:
        stop.set()


def resolve_secrets(
    loaded: Loaded, provider: str, env: Mapping[str, str], *, stop: threading.Event | None = None
) -> Secrets:
    """Resolve everything secret of one provider. Blocks while a command or the keychain works, until ``stop`` is set.

    Whoever calls a provider comes through here first, to list its models too, so that this is where
    ``network: local-only`` holds for all of them.

    Raises:
        SetupBroken: a command or the keychain failed, a value cannot be used, or nothing may leave this machine.
    """
    section = loaded.settings.providers[provider]
    http = section if isinstance(section, HttpSettings) else None
    if loaded.settings.privacy.network == "local-only" and not (http and is_loopback(http.base_url)):
        raise SetupBroken(f"{provider}: not asked, because privacy.network is local-only.")
    withheld = _keys_of_all(loaded, env)
    if http is not None:
        key = http.api_key
        headers = {
            name: resolve_secret(secret.template, env, provider=provider, stop=stop, withheld=withheld)
            for name, secret in http.headers.items()
        }
        return Secrets(
            key=resolve_secret(key.template, env, provider=provider, stop=stop, withheld=withheld) if key else None,
            headers={name: value for name, value in headers.items() if value is not None},
        )
    if isinstance(section, CommandSettings):
        variables = on_platform(section)["env"]
        named = {
            name: _variable(name, secret, env, provider=provider, stop=stop, withheld=withheld)
            for name, secret in variables.items()
        }
        return Secrets(env=inherited(env) | named)
    return Secrets()


def _keys_of_all(loaded: Loaded, env: Mapping[str, str]) -> frozenset[str]:
    """The variables that hold keys: a command that fetches one of them gets none of the others.

    Whatever a program needs to run at all stays, and so does what a tool's environment merely repeats.
    """
    named: set[str] = set(COLLECTOR_HEADERS)
    for section in loaded.settings.providers.values():
        if isinstance(section, HttpSettings):
            named = named.union(*(secret.variables for secret in _secrets(section)))
        elif isinstance(section, CommandSettings):
            told: Mapping[str, Secret] = on_platform(section)["env"]
            named = named.union(*(secret.variables for name, secret in told.items() if is_secret_name(name)))
    return frozenset(named - inherited(env).keys())


def _variable(
    name: str,
    secret: Secret,
    env: Mapping[str, str],
    *,
    provider: str,
    stop: threading.Event | None,
    withheld: frozenset[str],
) -> str:
    """A variable for a program: any text where the name tells of no secret and nothing has to be fetched."""
    parts = parse_template(secret.template)
    if is_secret_name(name) or is_late(parts):
        return resolve_secret(secret.template, env, provider=provider, stop=stop, withheld=withheld) or ""
    return "" if missing_names(parts, env) else fill(parts, env)
