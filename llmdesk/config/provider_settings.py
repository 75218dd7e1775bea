"""Settings of one provider, one model for each kind."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from llmdesk.config.addresses import is_loopback, split_address
from llmdesk.config.secret import Secret
from llmdesk.config.section import (
    Flag,
    LongTime,
    Number,
    Section,
    Share,
    ShortTime,
    Text,
    Texts,
    Tokens,
    Whole,
)
from llmdesk.core.ollama_host import parse_ollama_host

Kind = Literal["ollama", "openai", "anthropic", "google", "command"]
Billing = Literal["metered", "free"]

PLACEHOLDERS = ("prompt", "model", "max_tokens", "file")
"""What may stand in braces in a ``command`` and its ``stdin``."""

OLLAMA_COOLDOWN_S = 600.0
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
    """Short names: `{haiku: claude-haiku-4-5}` makes `provider/haiku` a model ref. For kind `command` a lane may then
    name no other model."""
    params: ParamSettings = Field(default_factory=ParamSettings.model_construct)
    """Parameters of every request to this provider; those of lane, agent and command line go before them."""
    rate_limit: RateLimitSettings | None = None
    """Delays on this side. Not set: none."""
    retry: RetrySettings = Field(default_factory=RetrySettings.model_construct)
    """When the same target is asked again."""
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings.model_construct)
    """Limits of one call."""
    cooldown_s: Annotated[Number, Field(ge=0, le=604_800)] = COOLDOWN_S
    """The least time a provider that refused (429) is left alone, seconds. Kind `ollama`: 600."""


class HttpSettings(CommonSettings):
    """What every kind that is reached over HTTP has."""

    allow_http: Flag = False
    """Whether `base_url` may be plain `http://` to another machine: prompts and key are readable on the way."""
    base_url: Text
    """Where the provider is. Not set: the vendor's own address."""
    api_key: Secret | None = None
    """The key, as `"${NAME}"` or `"$(command)"`; written out only in a private file. It is sent to `base_url` only."""
    headers: dict[Text, Secret] = Field(default_factory=dict)
    """More headers of every request, sent to `base_url` only."""

    @field_validator("base_url")
    @classmethod
    def _usable(cls, url: str, info: ValidationInfo) -> str:
        if "${" in url:  # a variable is missing: the provider is off, and shows what was written
            return url
        scheme = split_address(url).scheme
        if scheme == "http" and not is_loopback(url) and not info.data.get("allow_http"):
            raise ValueError("plain http:// to another machine needs allow_http: true")
        return url.rstrip("/")


class OllamaSettings(HttpSettings):
    """An Ollama server: ollama.com, this machine, or another one."""

    kind: Literal["ollama"] = "ollama"
    """The wire format."""
    billing: Billing = "free"
    """Whether tokens cost money; a plan counts as free."""
    cooldown_s: Annotated[Number, Field(ge=0, le=604_800)] = OLLAMA_COOLDOWN_S
    """The least time a provider that refused (429) is left alone, seconds."""
    fallback_models: Texts = ()
    """For `provider/largest`: these, where they are pulled, are tried first, in this order."""

    @field_validator("base_url", mode="before")
    @classmethod
    def _as_ollama_reads_it(cls, url: Any) -> Any:
        return parse_ollama_host(url) if isinstance(url, str) and "${" not in url else url


class OpenAISettings(HttpSettings):
    """Anything that speaks the OpenAI chat format: OpenAI, vLLM, llama.cpp, LM Studio, gateways."""

    kind: Literal["openai"] = "openai"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""
    preset: Text | None = None
    """A known endpoint of this format; sets `base_url` and the name of the key."""
    organization: Text | None = None
    """The organization to bill, where the endpoint knows one."""


class AnthropicSettings(HttpSettings):
    """Anthropic's own format."""

    kind: Literal["anthropic"] = "anthropic"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""
    api_version: Text | None = None
    """The version header. Not set: the one the adapter was written for."""


class GoogleSettings(HttpSettings):
    """Google's Gemini format."""

    kind: Literal["google"] = "google"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""


def _words(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('must be a list of words: ["program", "argument"]; there is no shell')  # noqa: TRY004 - pydantic collects this
    return value


def _no_unknown_placeholder(words: tuple[str, ...]) -> tuple[str, ...]:
    for name in re.findall(r"\{([a-z_]+)\}", " ".join(words)):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"unknown placeholder {{{name}}}; known are {known}")
    return words


CommandWords = Annotated[Texts, Field(min_length=1), BeforeValidator(_words, json_schema_input_type=list[str])]


class PlatformSettings(Section):
    """What differs on one platform; each key replaces the provider's own."""

    command: CommandWords | None = None
    """The program and its arguments."""
    env: dict[Text, Secret] | None = None
    """Its environment."""
    cwd: Text | None = None
    """Its working folder."""
    install: Text | None = None
    """How to install it."""

    _placeholders = field_validator("command")(lambda words: words and _no_unknown_placeholder(words))


class OutputSettings(Section):
    """Where the answer stands in what a program prints. Exactly one is set."""

    json_path: Annotated[str, Field(pattern=r"^\$")] | None = Field(default=None, alias="json")
    """The output is one JSON document; the path of the answer in it, like `$.result`."""
    jsonl_path: Annotated[str, Field(pattern=r"^\$")] | None = Field(default=None, alias="jsonl")
    """The output is one JSON document a line; the path of each piece of the answer, like `$.delta`."""

    @model_validator(mode="after")
    def _one(self) -> "OutputSettings":
        if self.json_path and self.jsonl_path:
            raise ValueError("must have one of json and jsonl, not both")
        return self


def _output(value: Any) -> Any:
    if value == "text":
        return OutputSettings()
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, OutputSettings):
        return value
    raise ValueError('must be text, {json: "$.path"} or {jsonl: "$.path"}')


Output = Annotated[OutputSettings, BeforeValidator(_output, json_schema_input_type=Literal["text"] | OutputSettings)]


class LimitSettings(Section):
    """Texts on stderr or stdout of a failed run that tell what kind of failure it was; case does not matter."""

    quota: Texts = ()
    """A limit of the plan is used up."""
    rate: Texts = ()
    """Too many requests just now."""
    auth: Texts = ()
    """Not logged in."""


class CommandSettings(CommonSettings):
    """A program on this machine that answers prompts."""

    kind: Literal["command"] = "command"
    """The wire format."""
    billing: Billing = "free"
    """Whether tokens cost money; a plan counts as free."""
    command: CommandWords
    """The program and its arguments, one word an item, never a shell. `{prompt}` `{model}` `{max_tokens}` `{file}`
    stand for values of the request."""
    stdin: str = "{prompt}"
    """What the program reads."""
    output: Output = Field(default_factory=OutputSettings.model_construct)
    """Where the answer stands in what it prints: `text`, `{json: "$.path"}` or `{jsonl: "$.path"}`."""
    env: dict[Text, Secret] = Field(default_factory=dict)
    """Variables of its environment, on top of a small allow-list."""
    cwd: Text | None = None
    """Its working folder. Not set: an empty private one, because such programs edit files."""
    platforms: dict[Literal["linux", "macos", "windows"], PlatformSettings] = Field(default_factory=dict)
    """What differs on a platform."""
    limits: LimitSettings = Field(default_factory=LimitSettings.model_construct)
    """Texts that tell failures apart."""
    install: Text | None = None
    """How to install the program; shown when it is missing."""

    _placeholders = field_validator("command")(_no_unknown_placeholder)


ProviderSettings = Annotated[
    OllamaSettings | OpenAISettings | AnthropicSettings | GoogleSettings | CommandSettings,
    Field(discriminator="kind"),
]

KIND_MODELS: dict[str, type[CommonSettings]] = {
    "ollama": OllamaSettings,
    "openai": OpenAISettings,
    "anthropic": AnthropicSettings,
    "google": GoogleSettings,
    "command": CommandSettings,
}
