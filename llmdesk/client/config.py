"""What a program may tell the client, and how that becomes settings of a desk."""

from __future__ import annotations

import math
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.config.defaults import CLOUD_MODEL, CLOUD_URL
from llmdesk.core.errors import SetupBroken, UsageError
from llmdesk.core.lanes import LARGEST
from llmdesk.core.model_names import cloud_base_name
from llmdesk.core.text import MASK, one_line, redact
from llmdesk.core.types import ModelRef
from llmdesk.core.values import dataclass
from llmdesk.paths import find_paths, process_environment

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded
    from llmdesk.config.provider_settings import OllamaSettings
    from llmdesk.config.settings import Settings

CLOUD = "cloud"
LOCAL = "local"

CLOUD_ENDPOINT = CLOUD_URL

EMBEDDINGS_MODEL = "nomic-embed-text"
"""What ``embed`` asks for when neither call nor configuration names a model."""


@dataclass(frozen=True, slots=True, repr=False)
class LLMConfig:
    """Where cloud and local Ollama are, and how patiently they are asked. Seconds everywhere.

    Raises:
        UsageError: a value is impossible; one line that names the field.
    """

    cloud_endpoint: str = CLOUD_ENDPOINT
    """The cloud's address: https, or plain http on this machine."""
    cloud_api_key: str | None = None
    """Its key. ``None`` = what ``OLLAMA_API_KEY`` says; empty = do without the cloud."""
    local_endpoint: str | None = None
    """The local server, in any form that ``OLLAMA_HOST`` may have. ``None`` = what ``OLLAMA_HOST`` says; empty = do
    without one."""
    request_timeout_seconds: float | None = None
    """How long a server may stay silent, before its answer and within it, until the next one is asked. ``None`` = 60;
    330 for the first word of a local model, which may have to be loaded."""
    retry_max_attempts: int = 3
    """Tries of one server in all after server and network failures."""
    retry_delay_seconds: float = 2.0
    """Pause between two tries."""
    rate_limit_cooldown_seconds: float = 600.0
    """How long a server that refused for its rate limit is left alone; kept on disk and shared."""
    local_models: tuple[str, ...] = ()
    """The local models that are tried first, those that are there, in this order; then the largest."""
    embeddings_model: str = EMBEDDINGS_MODEL
    """The model of ``embed`` where a call names none."""
    failover_logging: bool = True
    """Whether each failover is logged as a warning of the logger ``llmdesk.client``."""
    base: Settings | None = field(default=None, compare=False)
    """Everything else of a configuration (privacy, budgets …); ``load_config`` fills it in."""

    def __post_init__(self) -> None:
        base = self.base or _loaded(None).settings
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "cloud_endpoint", _address("cloud_endpoint", self.cloud_endpoint, plain_http=False))
        object.__setattr__(self, "cloud_api_key", _key(self.cloud_api_key, base))
        object.__setattr__(self, "local_endpoint", _local_address(self.local_endpoint, base))
        object.__setattr__(self, "local_models", _names("local_models", self.local_models))
        if self.request_timeout_seconds is not None:
            _number("request_timeout_seconds", self.request_timeout_seconds, least=0.001, most=86_400)
        _number("retry_max_attempts", self.retry_max_attempts, least=1, most=20, whole=True)
        _number("retry_delay_seconds", self.retry_delay_seconds, least=0, most=600)
        _number("rate_limit_cooldown_seconds", self.rate_limit_cooldown_seconds, least=0, most=604_800)
        _names("embeddings_model", (self.embeddings_model,))
        if not isinstance(self.failover_logging, bool):
            raise UsageError("failover_logging is True or False.")

    def __repr__(self) -> str:
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "base"}
        if shown["cloud_api_key"]:
            shown["cloud_api_key"] = MASK
        return f"LLMConfig({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def load_config(path: str | Path | None = None) -> LLMConfig:
    """Read the providers ``cloud`` and ``local`` of ``llmdesk.yaml``.

    Args:
        path: the file; ``None`` = the one llmdesk itself uses, and the defaults where there is none.

    Raises:
        ConfigurationError: the file has faults, each as ``file:line:column: message``.
        UsageError: one of the two providers is not an Ollama server.
    """
    loaded = _loaded(find_paths(None if path is None else Path(path)).existing_config())
    settings = loaded.settings
    cloud, local = _ollama(settings, CLOUD), _ollama(settings, LOCAL)
    off = {name for name, found in ((CLOUD, cloud), (LOCAL, local)) if found is None or name in loaded.disabled}
    reference = cloud or local
    if reference is None:
        raise UsageError(
            "The configuration has neither a provider 'cloud' nor 'local'. OllamaClient needs one of them."
        )
    return LLMConfig(
        cloud_endpoint=cloud.base_url if cloud is not None and CLOUD not in off else CLOUD_ENDPOINT,
        cloud_api_key="" if CLOUD in off else None,
        local_endpoint="" if LOCAL in off else None,
        request_timeout_seconds=reference.timeouts.first_token_s,
        retry_max_attempts=reference.retry.attempts,
        retry_delay_seconds=reference.retry.delay_s,
        rate_limit_cooldown_seconds=reference.cooldown_s,
        local_models=local.fallback_models if local is not None else (),
        base=settings,
    )


def settings_of(config: LLMConfig) -> Settings:
    """Turn a configuration into the settings of a desk that has one lane: the cloud, then this machine.

    Raises:
        UsageError: there is nobody to ask.
    """
    from llmdesk.config.settings import LaneSettings, RoutingSettings

    base = config.base
    assert base is not None
    providers = {
        name: _told(provider, config)
        for name, provider in ((CLOUD, _cloud(config, base)), (LOCAL, _local(config, base)))
        if provider is not None
    }
    if not providers:
        raise UsageError("There is nobody to ask: no key for the cloud and no local server. Set OLLAMA_API_KEY.")
    told = base.model_copy(update={"providers": providers})
    lane = LaneSettings.model_construct(targets=tuple(map(str, targets_of(told))))
    return told.model_copy(
        update={
            "lanes": {base.default_lane: lane},
            "agents": {},
            "routing": RoutingSettings.model_construct(),
        }
    )


def targets_of(settings: Settings) -> tuple[ModelRef, ...]:
    """Who is asked, in order: the cloud's default model, then whatever this machine has."""
    return tuple(
        ModelRef(name, LARGEST if name == LOCAL else settings.providers[name].default_model or CLOUD_MODEL)
        for name in settings.providers
    )


def cloud_name(model: str, endpoint: str) -> str:
    """The name of a model at ``endpoint``: what a local server calls ``x:8b-cloud`` or ``x:cloud`` is ``x:8b``, ``x``.

    Source: ``internal/modelref/modelref.go`` of ollama/ollama. A server on this machine that passes requests on to the
    cloud needs the name with its ending.
    """
    from llmdesk.core.addresses import is_loopback

    return model if is_loopback(endpoint) else cloud_base_name(model)


# --- from fields to settings --------------------------------------------------------------------------------------


def _cloud(config: LLMConfig, base: Settings) -> OllamaSettings | None:
    from llmdesk.config.provider_settings import OllamaSettings
    from llmdesk.config.secret import Secret
    from llmdesk.config.template import escape

    found = _ollama(base, CLOUD)
    keyless = found is not None and found.api_key is None and found.base_url == config.cloud_endpoint
    if config.cloud_api_key == "" and not keyless:
        return None
    cloud = found or OllamaSettings.model_construct(base_url=config.cloud_endpoint)
    update: dict[str, object] = {"base_url": config.cloud_endpoint, "default_model": cloud.default_model or CLOUD_MODEL}
    if config.cloud_api_key:
        update["api_key"] = Secret(escape(config.cloud_api_key))
    return cloud.model_copy(update=update)


def _local(config: LLMConfig, base: Settings) -> OllamaSettings | None:
    from llmdesk.config.provider_settings import OllamaSettings

    if not config.local_endpoint:
        return None
    local = _ollama(base, LOCAL) or OllamaSettings.model_construct(base_url=config.local_endpoint)
    # Naming a server in the program is the same wish as naming it in OLLAMA_HOST, which may be another machine.
    return local.model_copy(
        update={"base_url": config.local_endpoint, "allow_http": True, "fallback_models": config.local_models}
    )


def _told(provider: OllamaSettings, config: LLMConfig) -> OllamaSettings:
    """Lay over ``provider`` what differs from the configuration it comes from."""
    assert config.base is not None
    reference = _ollama(config.base, CLOUD) or _ollama(config.base, LOCAL) or provider
    update: dict[str, object] = {}
    retry = {"attempts": config.retry_max_attempts, "delay_s": float(config.retry_delay_seconds)}
    if retry != {name: getattr(reference.retry, name) for name in retry}:
        update["retry"] = provider.retry.model_copy(update=retry)
    limit = config.request_timeout_seconds
    if limit is not None and limit != reference.timeouts.first_token_s:
        connect_s = min(provider.timeouts.connect_s or 5.0, limit)
        limits = {"connect_s": connect_s, "first_token_s": float(limit), "idle_s": float(limit)}
        update["timeouts"] = provider.timeouts.model_copy(update=limits)
    if config.rate_limit_cooldown_seconds != reference.cooldown_s:
        update["cooldown_s"] = float(config.rate_limit_cooldown_seconds)
    return provider.model_copy(update=update)


def _ollama(settings: Settings, name: str) -> OllamaSettings | None:
    """The provider of that name, ``None`` if there is none.

    Raises:
        UsageError: it is no Ollama server.
    """
    from llmdesk.config.provider_settings import OllamaSettings

    found = settings.providers.get(name)
    if found is None or isinstance(found, OllamaSettings):
        return found
    raise UsageError(f"The provider '{name}' is of kind {found.kind}. OllamaClient asks providers of kind ollama only.")


def _loaded(file: Path | None) -> Loaded:
    from llmdesk.config.loader import load_settings

    return load_settings(file, process_environment())


# --- what the fields may be ---------------------------------------------------------------------------------------


def _address(name: str, given: object, *, plain_http: bool) -> str:
    from llmdesk.core.addresses import is_loopback, split_address
    from llmdesk.core.ollama_host import parse_ollama_host

    if not isinstance(given, str) or not given.strip():
        raise UsageError(f"{name} is an address such as {CLOUD_ENDPOINT}.")
    if "@" in given.rpartition("://")[2].partition("/")[0]:  # Ollama would take the user for the host
        raise UsageError(f"{name} must hold no user name or password.")
    url = parse_ollama_host(given)
    try:
        plain = split_address(url).scheme == "http"
    except ValueError as error:
        raise UsageError(f"{name} {error}.") from None
    if plain and not plain_http and not is_loopback(url):
        raise UsageError(
            f"{name} must begin with https://, because the key is sent there; http:// is for this machine."
        )
    return url


def _local_address(given: str | None, base: Settings) -> str:
    if given == "":
        return ""
    if given is not None:
        return _address("local_endpoint", given, plain_http=True)
    local = _ollama(base, LOCAL)
    return "" if local is None else local.base_url


def _key(given: str | None, base: Settings) -> str | None:
    """The key itself; ``None`` = a command or the keychain knows it, and tells it when the cloud is asked."""
    from llmdesk.config.secret import key_fault, resolve_secret

    if given is None:
        cloud = _ollama(base, CLOUD)
        secret = None if cloud is None else cloud.api_key
        if secret is None:
            return ""
        if secret.late:
            return None
        try:
            return resolve_secret(secret.template, process_environment(), provider=CLOUD) or ""
        except SetupBroken as error:
            raise UsageError(str(error)) from None
    if not isinstance(given, str):
        raise UsageError("cloud_api_key is a text.")
    key = given.strip()
    redact.learn(key)
    if fault := key_fault(key):
        raise UsageError(f"cloud_api_key {fault}.")
    return key


def _names(name: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) and item.strip() for item in given):
        raise UsageError(f"{name} takes names of models, not {one_line(repr(given), 60)}.")
    return tuple(given)


def _number(name: str, given: object, *, least: float, most: float, whole: bool = False) -> None:
    kind = int if whole else int | float
    if isinstance(given, bool) or not isinstance(given, kind) or not math.isfinite(given) or not least <= given <= most:
        what = "a whole number" if whole else "a number of seconds"
        raise UsageError(f"{name} is {what} from {least:g} to {most:g}, not {one_line(repr(given), 40)}.")
