"""llmdesk: ask language models from the terminal; cloud first, local next, nothing lost.

The public names are loaded when they are first used, so that ``import llmdesk`` costs only the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Desk", "LLMConfig", "LLMUnavailableError", "OllamaClient", "__version__", "load_config"]

if TYPE_CHECKING:
    from llmdesk.client import LLMConfig, LLMUnavailableError, OllamaClient, load_config
    from llmdesk.core.version import __version__
    from llmdesk.desk import Desk

_HOMES = {
    "Desk": "llmdesk.desk",
    "LLMConfig": "llmdesk.client",
    "LLMUnavailableError": "llmdesk.client",
    "OllamaClient": "llmdesk.client",
    "load_config": "llmdesk.client",
    "__version__": "llmdesk.core.version",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
