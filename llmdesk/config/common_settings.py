"""What every kind of provider has: parameters, retries, limits."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from llmdesk.config.section import LongTime, Number, Section, Share, ShortTime, Text, Texts, Tokens, Whole

Billing = Literal["metered", "free"]

COOLDOWN_S = 60.0


def _stops(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _keep_alive(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None) or value != value:  # noqa: PLR0124 - NaN
        raise ValueError("must be a duration like 10m, or a number of seconds")
    return value


class ParamSettings(Section):
    """Parameters of a request; what is not set is left to the model."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    """Randomness, 0 to 2."""
    top_p: Share | None = None
    """Nucleus sampling, 0 to 1."""
    top_k: Annotated[Whole, Field(ge=0)] | None = None
    """Sample from this many tokens only; 0 = from all."""
    seed: Annotated[Whole, Field(ge=-(2**63), lt=2**63)] | None = None
    """Makes answers repeatable where the model allows it."""
    stop: Annotated[Texts, BeforeValidator(_stops, json_schema_input_type=str | list[str])] | None = None
    """Texts that end the answer; one text or a list."""
    max_output_tokens: Tokens | None = None
    """The longest answer, tokens."""
    reasoning: Literal["off", "low", "medium", "high"] | None = None
    """How much the model thinks before it answers."""
    context_tokens: Tokens | None = None
    """The window asked of a local model, tokens; llmdesk chooses one when this is not set."""
    keep_alive: Annotated[Any, BeforeValidator(_keep_alive, json_schema_input_type=str | float)] = None
    """How long Ollama keeps the model in memory: a duration like `10m`, or seconds; -1 = for good."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Passed to the provider as it is, on top of everything else."""


class RetrySettings(Section):
    """How often and how soon the same target is asked again after a server or network failure."""

    attempts: Annotated[Whole, Field(ge=1, le=20)] = 3
    """Tries of one target in all."""
    delay_s: Annotated[Number, Field(ge=0, le=600)] = 2.0
    """Pause after a failed try, seconds."""
    wait: Literal["fixed", "exponential"] = "fixed"
    """Whether the pause stays the same or doubles each time."""
    max_delay_s: Annotated[Number, Field(ge=0, le=600)] = 20.0
    """The longest pause when it doubles, seconds."""
    short_wait_s: Annotated[Number, Field(ge=0, le=600)] = 5.0
    """The longest pause a server may ask for and be waited for, seconds; a longer one means the next target."""


class TimeoutSettings(Section):
    """Limits of one call, seconds. What is not set depends on where the provider is."""

    connect_s: ShortTime | None = None
    """To connect. Not set: 5; on this machine 2."""
    write_s: ShortTime | None = None
    """To send the request. Not set: 10."""
    pool_s: ShortTime | None = None
    """To get a free connection. Not set: 20; on this machine 5."""
    first_token_s: LongTime | None = None
    """From the request to the first byte of the answer. Not set: 60; where models are loaded first or a program
    runs, 330, which is above Ollama's own limit for loading."""
    idle_s: LongTime | None = None
    """Between two bytes of the answer. Not set: 60."""
    content_s: LongTime | None = None
    """Between two pieces of content, however many empty signs of life come between them. Not set: 300."""
    total_s: LongTime | None = None
    """The whole request; its end pauses the request. Not set: no limit."""


class RateLimitSettings(Section):
    """Delays on this side, before the provider has to refuse."""

    requests_per_minute: Annotated[Number, Field(gt=0, le=1_000_000)] | None = None
    """Requests begun in any minute."""
    parallel: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    """Requests under way at the same time."""


class CommonSettings(Section):
    """What every kind of provider has."""

    default_model: Text | None = None
    """The model of this provider where only the provider is named."""
    models: dict[Text, Text] = Field(default_factory=dict)
    """Short names: `{haiku: claude-haiku-5-5}` makes `provider/haiku` a model ref. The usual ones of some kinds
    are there already. For kind `command` a lane may then name no other model."""
    params: ParamSettings = Field(default_factory=ParamSettings.model_construct)
    """Parameters of every request to this provider; those of lane, agent and command line go before them."""
    rate_limit: RateLimitSettings | None = None
    """Delays on this side. Not set: none."""
    retry: RetrySettings = Field(default_factory=RetrySettings.model_construct)
    """When the same target is asked again."""
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings.model_construct)
    """Limits of one call."""
    cooldown_s: Annotated[Number, Field(ge=0, le=604_800)] = COOLDOWN_S
    """How long a provider that refused (429) is left alone, seconds, where it does not say how long itself. Kind
    `ollama`: 600, and never shorter."""
