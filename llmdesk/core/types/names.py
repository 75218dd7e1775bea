"""Who is meant, and the few words a request chooses among."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line

Json = Mapping[str, object]
"""A decoded JSON object."""

Reasoning = Literal["off", "low", "medium", "high"]

Failover = Literal["auto", "ask", "never"]

Resume = Literal["auto", "ask", "never"]

Endpoint = Literal["chat", "generate", "embed"]


class ModelRef(NamedTuple):
    """``provider/model``, split at the first slash; Ollama tags keep their colon."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Read ``provider/model``.

        Raises:
            UsageError: there is no slash, or nothing on one side of it.
        """
        provider, slash, model = text.strip().partition("/")
        if not (slash and provider and model):
            shown = one_line(text, 80)
            raise UsageError(f"'{shown}' is not a model ref. Write provider/model, for example local/gemma3:27b.")
        return cls(provider, model)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"
