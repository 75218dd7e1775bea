"""Everything a user can set: the frozen models of ``llmdesk.yaml``. A docstring stands under each field."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from llmdesk.config.common_settings import ParamSettings
from llmdesk.config.provider_settings import ProviderSettings
from llmdesk.config.section import Money, Name, Number, Section, Share, Text, Texts, Tokens, Whole
from llmdesk.core.addresses import split_address


class LaneSettings(Section):
    """A purpose: where its requests go, and what applies to them."""

    targets: Annotated[Texts, Field(min_length=1)]
    """Model refs in the order in which they are asked; `lane:NAME` stands for that lane's targets. Not set: the
    default targets."""
    failover: Literal["auto", "ask", "never"] = "auto"
    """Whether the next target is asked by itself, after a question, or not at all."""
    resume: Literal["auto", "ask", "never"] = "ask"
    """Whether a paused request is tried again by itself, after a question, or only on a command."""
    system: Text | None = None
    """A text file with the system prompt; its path is relative to the configuration."""
    params: ParamSettings = Field(default_factory=ParamSettings.model_construct)
    """Parameters of every request."""
    schema_file: Text | None = Field(default=None, alias="schema")
    """The JSON Schema every answer must meet: `builtin:codegen` or a file; its path is relative to the
    configuration."""
    schema_repairs: Annotated[Whole, Field(ge=0, le=10)] = 1
    """How often a model is shown what its answer lacks."""
    max_wait_s: Annotated[Number, Field(ge=0, le=86_400)] = 30.0
    """The longest a request waits for a provider's `rate_limit`, seconds; after that the next target is asked."""


class AgentSettings(Section):
    """A named caller."""

    lane: Text | None = None
    """The lane of its requests. Not set: the default lane."""
    params: ParamSettings = Field(default_factory=ParamSettings.model_construct)
    """Parameters of its requests; they go before those of the lane."""


class PriceSettings(Section):
    """What a model costs."""

    input_usd_per_mtok: Money
    """US dollars for a million tokens sent."""
    output_usd_per_mtok: Money
    """US dollars for a million tokens received; reasoning counts as received."""
    cached_input_usd_per_mtok: Money | None = None
    """The same for tokens that the provider read from its cache. Not set: as other tokens sent."""
    cache_write_usd_per_mtok: Money | None = None
    """The same for tokens that the provider wrote to its cache. Not set: as other tokens sent."""
    per_request_usd: Money | None = None
    """US dollars for each call, on top. Not set: nothing."""


def _price(value: Any) -> Any:
    if value == 0 and not isinstance(value, bool):
        return {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0}
    if not isinstance(value, dict | PriceSettings):
        wanted = "must be 0 (it costs nothing) or {input_usd_per_mtok: ..., output_usd_per_mtok: ...}"
        raise ValueError(wanted)  # noqa: TRY004 - pydantic takes this one for a fault of the file
    return value


Price = Annotated[PriceSettings, BeforeValidator(_price, json_schema_input_type=Literal[0] | PriceSettings)]


class ModelSettings(Section):
    """What is known of one model."""

    context_window: Tokens | None = None
    """The longest prompt and answer together, tokens. Not set: what the provider tells, if it does."""
    price: Price | None = None
    """What it costs; 0 = nothing. Not set: unknown, which a hard budget refuses."""


class BudgetSettings(Section):
    """A limit in tokens or money."""

    scope: Literal["request", "conversation", "job", "day", "month"]
    """What is added up."""
    limit_usd: Money | None = None
    """The limit in US dollars. Exactly one of the two limits is set."""
    limit_tokens: Tokens | None = None
    """The limit in tokens, whatever they cost."""
    kind: Literal["soft", "hard"] = "hard"
    """A soft budget warns, a hard one blocks."""
    warn_at: Share = 0.8
    """The share of the limit at which a warning appears, 0 to 1."""
    when_exhausted: Literal["free", "block"] = "block"
    """What a hard budget does: go on with the lane's free targets (with `limit_usd` only), or block."""
    lane: Text | None = None
    """Counts this lane only."""
    provider: Text | None = None
    """Counts this provider only."""
    agent: Text | None = None
    """Counts this agent only."""

    @field_validator("when_exhausted")
    @classmethod
    def _not_in_vain(cls, then: str, info: ValidationInfo) -> str:
        if then == "free" and info.data.get("kind") == "soft":
            raise ValueError("free is for hard budgets; a soft one warns and goes on")
        return then

    @model_validator(mode="after")
    def _one_limit(self) -> "BudgetSettings":
        if (self.limit_usd is None) == (self.limit_tokens is None):
            raise ValueError("must have exactly one of limit_usd and limit_tokens")
        if self.when_exhausted == "free" and self.limit_usd is None:
            raise ValueError("when_exhausted: free needs limit_usd; tokens are counted for every target")
        return self


class SmallPromptSettings(Section):
    """A rule that keeps small prompts cheap."""

    below_tokens: Tokens
    """Prompts with fewer tokens than this …"""
    prefer: Annotated[Texts, Field(min_length=1)]
    """… ask these model refs before the lane's own targets."""


class RoutingSettings(Section):
    """Rules on top of the lanes."""

    small_prompt: SmallPromptSettings | None = None
    """Where small prompts go first. Not set: no such rule."""


class PrivacySettings(Section):
    """What leaves this machine, and what stays on its disk."""

    network: Literal["any", "local-only"] = "any"
    """`local-only`: no byte leaves loopback; other targets are skipped."""
    record: Literal["full", "metadata", "off-record"] = "full"
    """`metadata`: requests are kept without their text. `off-record`: no prompt, answer or conversation on disk."""


class TelemetrySettings(Section):
    """Measurements, kept on this machine; see [telemetry.md](telemetry.md) for sending them to another one."""

    retention_days: Annotated[Whole, Field(ge=1, le=36_500)] = 400
    """How long they are kept, days."""
    otlp_endpoint: Text | None = None
    """A collector of OpenTelemetry that is told of each request, by its OTLP/HTTP address:
    `http://127.0.0.1:4318`. Not set: none."""

    @field_validator("otlp_endpoint")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is not None:
            split_address(url)
        return url


class ScreenSection(Section):
    """How the desk looks and which keys it has."""

    theme: Text = "midnight"
    """The palette."""
    sidebar: Literal["auto", "on", "off"] = "auto"
    """Whether the panels beside the transcript show; `auto` = when there is room."""
    motion: Literal["full", "reduced"] = "full"
    """`reduced` = nothing moves by itself: no spinners, no animation, no smooth scrolling."""
    images: Literal["auto", "off"] = "auto"
    """Whether attached images are drawn in the transcript; `auto` = as well as the terminal can."""
    notify: Literal["off", "bell", "desktop"] = "off"
    """How the terminal calls you when an answer ends that you do not look at; `desktop` = a message of the desktop,
    where the terminal has them ([terminals.md](terminals.md#being-called))."""
    keys: dict[Text, Text] = Field(default_factory=dict)
    """Action -> key, for keys of your own; `none` unbinds."""


class Settings(Section):
    """The whole of `llmdesk.yaml`."""

    version: Literal[1] = 1
    """The version of this format."""
    default_lane: Text = "chat"
    """The lane where none is named."""
    providers: dict[Name, ProviderSettings]
    """Name -> provider. They extend the defaults (`cloud`, `local`) by name; `null` removes one."""
    lanes: dict[Name, LaneSettings]
    """Name -> lane, in the order of the screen. They extend the seven defaults by name; `null` removes one."""
    agents: dict[Name, AgentSettings] = Field(default_factory=dict)
    """Name -> agent."""
    models: dict[Text, ModelSettings] = Field(default_factory=dict)
    """Model ref -> what is known of that model."""
    budgets: Annotated[tuple[BudgetSettings, ...], Field(strict=False)] = ()
    """Limits; all that apply to a request must hold."""
    routing: RoutingSettings = Field(default_factory=RoutingSettings.model_construct)
    """Rules on top of the lanes."""
    privacy: PrivacySettings = Field(default_factory=PrivacySettings.model_construct)
    """What leaves this machine, and what stays on its disk."""
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings.model_construct)
    """Measurements."""
    ui: ScreenSection = Field(default_factory=ScreenSection.model_construct)
    """The desk."""
