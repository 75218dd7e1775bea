"""What a server tells about a model."""

from __future__ import annotations

from llmdesk.core.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model as its provider lists it.

    ``size_bytes`` is the file; ``parameters`` a count (7.6e9); ``context_tokens`` what it was trained for;
    ``loaded_context_tokens`` the window it is loaded with now, ``None`` = not loaded or unknown; ``capabilities``
    empty = unknown; ``remote`` marks an entry that only points to a cloud model.
    """

    name: str
    size_bytes: int | None = None
    parameters: float | None = None
    context_tokens: int | None = None
    loaded_context_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    remote: bool = False
    modified_at: str = ""
    quantization: str = ""
    family: str = ""
