"""What holds without a file, as Python data, so that the common start reads and parses nothing.

The same as ``defaults.yaml``, which holds the presets too and is what people read; a test keeps the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmdesk.core.lanes import DEFAULT_LANES, LARGEST
from llmdesk.core.ollama_host import LOCAL_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.config.settings import Settings

CLOUD_URL = "https://ollama.com"
CLOUD_MODEL = "gpt-oss:120b"
CLOUD_KEY = "${OLLAMA_API_KEY}"
LOCAL_ADDRESS = f"${{OLLAMA_HOST:-{LOCAL_URL}}}"

PROVIDERS: dict[str, dict[str, Any]] = {
    "cloud": {
        "kind": "ollama",
        "base_url": CLOUD_URL,
        "api_key": CLOUD_KEY,
        "default_model": CLOUD_MODEL,
        "cooldown_s": 600.0,
    },
    "local": {"kind": "ollama", "base_url": LOCAL_ADDRESS, "cooldown_s": 600.0},
}

USUAL: dict[str, tuple[str, str]] = {
    "openai": ("https://api.openai.com/v1", "${OPENAI_API_KEY}"),
    "anthropic": ("https://api.anthropic.com", "${ANTHROPIC_API_KEY}"),
    "google": ("https://generativelanguage.googleapis.com", "${GEMINI_API_KEY:-${GOOGLE_API_KEY}}"),
}
"""Kind -> the vendor's own address and the usual name of its key; the key belongs to that address only."""

ALIASES: dict[str, dict[str, str]] = {
    "anthropic": {"haiku": "claude-haiku-5-5", "sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5"},
    "google": {
        "flash": "gemini-flash-latest",
        "flash-lite": "gemini-flash-lite-latest",
        "pro": "gemini-pro-latest",
    },
    "openai": {"mini": "gpt-5-mini", "nano": "gpt-5-nano"},
}
"""Kind -> short names of models; where each comes from stands in ``defaults.yaml``."""

OVERRIDES: dict[str, tuple[str, ...]] = {
    "LLMDESK_LANE": ("default_lane",),
    "LLMDESK_THEME": ("ui", "theme"),
    "LLMDESK_NETWORK": ("privacy", "network"),
    "LLMDESK_RECORD": ("privacy", "record"),
}
"""Variables of the environment that go before the file, and what they set."""


def default_targets(providers: Mapping[str, Any]) -> list[str]:
    """The targets of a lane that names none: the cloud's default model, then the largest local one.

    Args:
        providers: name -> settings as plain values. Where neither ``cloud`` nor ``local`` is left, every provider
            with a default model is a target, in order.
    """
    targets = []
    if isinstance(cloud := providers.get("cloud"), dict):
        model = cloud.get("default_model") or (CLOUD_MODEL if cloud.get("kind") == "ollama" else None)
        targets += [f"cloud/{model}"] if model else []
    if isinstance(local := providers.get("local"), dict):
        model = LARGEST if local.get("kind") == "ollama" else local.get("default_model")
        targets += [f"local/{model}"] if model else []
    return targets or [
        f"{name}/{provider['default_model']}"
        for name, provider in providers.items()
        if isinstance(provider, dict) and provider.get("default_model")
    ]


def default_settings(local_url: str, *, allow_http: bool) -> Settings:
    """The settings of a start without a file, unvalidated (a test validates them): building validators takes longer.

    Args:
        local_url: where the local Ollama is.
        allow_http: whether that may be another machine.
    """
    from llmdesk.config.provider_settings import OllamaSettings
    from llmdesk.config.secret import Secret
    from llmdesk.config.settings import LaneSettings, Settings

    cloud = {**PROVIDERS["cloud"], "api_key": Secret(CLOUD_KEY)}
    local = {**PROVIDERS["local"], "base_url": local_url, "allow_http": allow_http}
    targets = tuple(default_targets(PROVIDERS))
    return Settings.model_construct(
        providers={"cloud": OllamaSettings.model_construct(**cloud), "local": OllamaSettings.model_construct(**local)},
        lanes={name: LaneSettings.model_construct(targets=targets) for name in DEFAULT_LANES},
    )
