"""Adapters, one folder for each kind; the module of a kind is imported when a lane needs it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from llmdesk.providers.base import Endpoint, Provider

KINDS = {
    "anthropic": ("llmdesk.providers.anthropic.adapter", "AnthropicProvider"),
    "command": ("llmdesk.providers.command.adapter", "CommandProvider"),
    "google": ("llmdesk.providers.google.adapter", "GoogleProvider"),
    "ollama": ("llmdesk.providers.ollama.adapter", "OllamaProvider"),
    "openai": ("llmdesk.providers.openai.adapter", "OpenAIProvider"),
}
"""Provider kind -> module and class; the class takes one ``Endpoint``."""


def make_provider(kind: str, endpoint: Endpoint) -> Provider:
    """Build the adapter of ``kind``.

    Raises:
        SetupBroken: there is no adapter of that kind, or the endpoint cannot be used as it is.
    """
    from llmdesk.core.errors import SetupBroken

    if kind not in KINDS:
        raise SetupBroken(f"{endpoint.name}: kind {kind} is not available in this version.")
    module, name = KINDS[kind]
    return cast("Provider", getattr(import_module(module), name)(endpoint))
