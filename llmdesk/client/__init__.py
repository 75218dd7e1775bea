"""llmdesk for programs: Ollama's cloud first, then this machine, with the calls of the ``ollama`` package.

``OllamaClient`` is the client, ``LLMConfig`` what it may be told, ``load_config`` reads that from ``llmdesk.yaml``.
Nothing heavy is imported before a client is used.
"""

from __future__ import annotations

from llmdesk.client.config import LLMConfig, load_config
from llmdesk.client.errors import LLMUnavailableError
from llmdesk.client.ollama_client import OllamaClient

__all__ = ["LLMConfig", "LLMUnavailableError", "OllamaClient", "load_config"]
