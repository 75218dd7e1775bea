"""Settings as the plain values the rest of the house works with."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.config.command_options import command_options
from llmdesk.config.command_settings import CommandSettings
from llmdesk.config.credentials import Secrets, key_source
from llmdesk.config.defaults import CLOUD_URL
from llmdesk.config.limits import price_of
from llmdesk.config.provider_settings import HttpSettings, OllamaSettings
from llmdesk.config.references import LANE_PREFIX
from llmdesk.core.addresses import is_loopback, origin
from llmdesk.core.lanes import Lane, SmallPrompt
from llmdesk.core.policy import ProviderRules, RateLimit, RetryRule
from llmdesk.core.types import ModelRef, Params
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmdesk.config.common_settings import CommonSettings, ParamSettings
    from llmdesk.config.loader import Loaded
    from llmdesk.config.settings import Settings
    from llmdesk.core.prices import Price
    from llmdesk.core.types import Json

REMOTE_LIMITS = {
    "connect_s": 5.0,
    "write_s": 10.0,
    "pool_s": 20.0,
    "first_token_s": 60.0,
    "idle_s": 60.0,
    "content_s": 300.0,
}
"""Limits of one call to another machine, seconds (policy R11)."""

CLOUD = "cloud"
"""The provider whose cooldown is also the state file's oldest key: always somebody else's service."""

NEAR_LIMITS = {"connect_s": 2.0, "pool_s": 5.0}
"""What differs on this machine, seconds (policy R11)."""

LOADING_LIMITS = {"first_token_s": 330.0}
"""What differs where a model is loaded, or a program runs, before the first token, seconds (policy R11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one call, seconds; ``total_s`` ``None`` = no limit on the whole."""

    connect_s: float
    write_s: float
    pool_s: float
    first_token_s: float
    idle_s: float
    content_s: float
    total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Everything an adapter is told of one provider; ``options`` are the kind's own settings.

    ``key_source`` says where the key came from, never what it is.
    """

    name: str
    kind: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits
    allow_http: bool = False
    models: tuple[str, ...] = ()
    options: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRule:
    """A named caller: the lane of its requests (``None`` = the default lane) and its parameters."""

    name: str
    lane: str | None
    params: Params


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRule:
    """What the user said of a model: its window in tokens, and its price; ``None`` = nothing."""

    context_window: int | None = None
    price: Price | None = None


# --- for the router ---------------------------------------------------------------------------------------------------


def provider_rules(loaded: Loaded) -> dict[str, ProviderRules]:
    """What the router must know of each provider."""
    return {name: _rules(name, provider, loaded) for name, provider in loaded.settings.providers.items()}


def _rules(name: str, provider: CommonSettings, loaded: Loaded) -> ProviderRules:
    retry = provider.retry
    return ProviderRules(
        name=name,
        kind=_kind(provider),
        retry=RetryRule(
            attempts=retry.attempts,
            delay_s=retry.delay_s,
            wait=retry.wait,
            max_delay_s=retry.max_delay_s,
            short_wait_s=retry.short_wait_s,
        ),
        cooldown_s=provider.cooldown_s,
        retries_rate=not isinstance(provider, OllamaSettings),
        loopback=_on_loopback(provider),
        local_models=_runs_models(name, provider),
        fallback_models=provider.fallback_models if isinstance(provider, OllamaSettings) else (),
        free=getattr(provider, "billing", "metered") == "free",
        has_key=isinstance(provider, HttpSettings) and provider.api_key is not None,
        params=params(provider.params),
        native_schema=_native_schema(name, provider),
        rate_limit=(
            RateLimit(requests_per_minute=limit.requests_per_minute, parallel=limit.parallel)
            if (limit := provider.rate_limit) is not None
            else None
        ),
        disabled=loaded.disabled.get(name, ""),
    )


def _native_schema(name: str, provider: CommonSettings) -> bool:
    """Whether the wire carries a schema: an Ollama where the models run does, its cloud does not (policy R9)."""
    if isinstance(provider, OllamaSettings):
        return _runs_models(name, provider)
    return bool(getattr(provider, "native_schema", False))


def lanes(loaded: Loaded) -> dict[str, Lane]:
    """Every lane, in order, with the targets of lanes it names in their place and short model names written out."""
    settings = loaded.settings
    return {
        name: Lane(
            name=name,
            targets=tuple(dict.fromkeys(_targets(settings, lane.targets))),
            params=params(lane.params),
            system=loaded.systems.get(name),
            schema=loaded.schemas.get(name),
            schema_name=(lane.schema_file or "").replace("\\", "/").rpartition("/")[2],
            schema_repairs=lane.schema_repairs,
            failover=lane.failover,
            resume=lane.resume,
            max_wait_s=lane.max_wait_s,
        )
        for name, lane in settings.lanes.items()
    }


def _targets(settings: Settings, written: Iterable[str]) -> Iterable[ModelRef]:
    for text in written:
        if text.startswith(LANE_PREFIX):
            yield from _targets(settings, settings.lanes[text.removeprefix(LANE_PREFIX)].targets)
        else:
            yield resolve_ref(settings, ModelRef.parse(text))


def resolve_ref(settings: Settings, ref: ModelRef) -> ModelRef:
    """Write out a short model name of the provider's ``models``; any other model stays as it is."""
    provider = settings.providers.get(ref.provider)
    return ModelRef(ref.provider, provider.models.get(ref.model, ref.model)) if provider else ref


def params(section: ParamSettings) -> Params:
    """Parameters as a value of the core."""
    return Params(
        temperature=section.temperature,
        top_p=section.top_p,
        top_k=section.top_k,
        seed=section.seed,
        stop=section.stop,
        max_output_tokens=section.max_output_tokens,
        reasoning=section.reasoning,
        context_tokens=section.context_tokens,
        keep_alive=section.keep_alive,
        extra=section.extra,
    )


def small_prompt(loaded: Loaded) -> SmallPrompt | None:
    """Where small prompts go first; ``None`` = no such rule."""
    rule = loaded.settings.routing.small_prompt
    if rule is None:
        return None
    prefer = tuple(dict.fromkeys(resolve_ref(loaded.settings, ModelRef.parse(text)) for text in rule.prefer))
    return SmallPrompt(below_tokens=rule.below_tokens, prefer=prefer)


def agents(loaded: Loaded) -> dict[str, AgentRule]:
    """Every agent."""
    return {
        name: AgentRule(name=name, lane=agent.lane, params=params(agent.params))
        for name, agent in loaded.settings.agents.items()
    }


def model_rules(loaded: Loaded) -> dict[ModelRef, ModelRule]:
    """What the user said of single models, by the model's own name."""
    return {
        resolve_ref(loaded.settings, ModelRef.parse(text)): ModelRule(
            context_window=model.context_window, price=None if model.price is None else price_of(model.price)
        )
        for text, model in loaded.settings.models.items()
    }


# --- for the adapters -------------------------------------------------------------------------------------------------


def endpoint(loaded: Loaded, provider: str, secrets: Secrets | None = None) -> EndpointSettings:
    """What the adapter of ``provider`` is told."""
    section = loaded.settings.providers[provider]
    secrets = secrets or Secrets()
    http = section if isinstance(section, HttpSettings) else None
    return EndpointSettings(
        name=provider,
        kind=_kind(section),
        base_url=base_url(section),
        key=secrets.key,
        key_source=key_source(section),
        headers=secrets.headers,
        limits=limits(provider, section),
        allow_http=http.allow_http if http else False,
        models=tuple(dict.fromkeys(section.models.values())),
        options=_options(section, secrets),
    )


def base_url(section: CommonSettings) -> str:
    """The address of a provider; empty = it is a program."""
    return section.base_url if isinstance(section, HttpSettings) else ""


def limits(name: str, section: CommonSettings) -> Limits:
    """The limits of one call: what is written, else what policy R11 says for where the provider is."""
    chosen = dict(REMOTE_LIMITS)
    if _on_loopback(section):
        chosen |= NEAR_LIMITS
    near = _on_loopback(section) or isinstance(section, CommandSettings)
    if _runs_models(name, section) if isinstance(section, OllamaSettings) else near:
        chosen |= LOADING_LIMITS
    written = {name: getattr(section.timeouts, name) for name in (*chosen, "total_s")}
    return Limits(**{**chosen, **{name: value for name, value in written.items() if value is not None}})


_SHARED = frozenset({"kind", "billing", "fallback_models"})
"""Keys of a kind that are not for its adapter."""


def _options(section: CommonSettings, secrets: Secrets) -> Json:
    """What an adapter is told beyond what every kind over HTTP has: the keys that its kind adds."""
    if isinstance(section, CommandSettings):
        return command_options(section, secrets.env)
    own = [name for name in type(section).model_fields if name not in HttpSettings.model_fields and name not in _SHARED]
    return {name: value for name in own if (value := getattr(section, name)) is not None}


def _kind(section: CommonSettings) -> str:
    return str(getattr(section, "kind"))  # noqa: B009 - every kind has it, their common base does not


def _on_loopback(section: CommonSettings) -> bool:
    return isinstance(section, HttpSettings) and is_loopback(section.base_url)


def _runs_models(name: str, section: CommonSettings) -> bool:
    """Whether models run where the server runs: an Ollama that is not the cloud.

    A hosted service has a key; one that stands in for the cloud on loopback is told by its key or its name.
    """
    if not isinstance(section, OllamaSettings) or name == CLOUD or section.api_key is not None:
        return False
    return origin(section.base_url)[1] != origin(CLOUD_URL)[1]
