"""Settings of one provider, one model for each kind."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from llmdesk.config.command_settings import CommandSettings
from llmdesk.config.common_settings import Billing, CommonSettings
from llmdesk.config.secret import Secret
from llmdesk.config.section import Flag, Number, Text, Texts
from llmdesk.core.addresses import is_loopback, split_address
from llmdesk.core.ollama_host import parse_ollama_host

OLLAMA_COOLDOWN_S = 600.0


class HttpSettings(CommonSettings):
    """What every kind that is reached over HTTP has."""

    call_paths: ClassVar[tuple[str, ...]] = ()
    # What its adapter puts behind an address itself; copied from examples, it would stand there twice.
    allow_http: Flag = False
    """Whether `base_url` may be plain `http://` to another machine: prompts and key are readable on the way."""
    base_url: Text
    """Where the provider is. Not set: the vendor's own address."""
    api_key: Secret | None = None
    """The key, as `"${NAME}"`, `"$(command)"` or `"${keyring:SERVICE/NAME}"`; written out only in a private file. It
    is sent to `base_url` only."""
    headers: dict[Text, Secret] = Field(default_factory=dict)
    """More headers of every request, sent to `base_url` only."""

    @field_validator("base_url")
    @classmethod
    def _usable(cls, url: str, info: ValidationInfo) -> str:
        if "${" in url:  # a variable is missing: the provider is off, and shows what was written
            return url
        parts = split_address(url)
        scheme = parts.scheme
        for path in _call_paths():
            if parts.path.rstrip("/").endswith(path):
                raise ValueError(f"must not end with the path of a call ({path}): llmdesk adds it")
        if scheme == "http" and not is_loopback(url) and not info.data.get("allow_http"):
            raise ValueError("plain http:// to another machine needs allow_http: true")
        return url.rstrip("/")


class OllamaSettings(HttpSettings):
    """An Ollama server: ollama.com, this machine, or another one."""

    call_paths = ("/api/chat", "/api/generate")
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

    call_paths = ("/chat/completions", "/v1/completions")
    kind: Literal["openai"] = "openai"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""
    preset: Text | None = None
    """A known endpoint of this format; sets `base_url` and the name of the key."""
    organization: Text | None = None
    """The organization to bill, where the endpoint knows one."""
    native_schema: Flag = True
    """Whether the endpoint takes a JSON Schema for the answer. The answer is checked here in any case."""


class AnthropicSettings(HttpSettings):
    """Anthropic's own format."""

    call_paths = ("/v1/messages",)
    kind: Literal["anthropic"] = "anthropic"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""
    api_version: Text | None = None
    """The version header. Not set: the one the adapter was written for."""
    native_schema: Flag = True
    """Whether the endpoint takes a JSON Schema for the answer. The answer is checked here in any case."""


class GoogleSettings(HttpSettings):
    """Google's Gemini format."""

    kind: Literal["google"] = "google"
    """The wire format."""
    billing: Billing = "metered"
    """Whether tokens cost money."""
    native_schema: Flag = True
    """Whether the endpoint takes a JSON Schema for the answer. The answer is checked here in any case."""


AnyKind = OllamaSettings | OpenAISettings | AnthropicSettings | GoogleSettings | CommandSettings
"""Every kind there is, in the order in which messages and the reference page name them."""

ProviderSettings = Annotated[AnyKind, Field(discriminator="kind")]


def kinds_in(settings: Any) -> dict[str, type[CommonSettings]]:
    """Kind -> its settings, of a union of them."""
    return {model.model_fields["kind"].default: model for model in get_args(settings)}


def _call_paths() -> tuple[str, ...]:
    """Those of every kind: whoever names the wrong kind has copied another one's address."""
    kinds = KIND_MODELS.values()
    return tuple(path for model in kinds if issubclass(model, HttpSettings) for path in model.call_paths)


KIND_MODELS = kinds_in(AnyKind)
