"""What a request says of the length and number of its answers, wherever it says it: parameters and raw wire fields.

Raw fields go over the parameters on every wire, so that a limit that a budget sets would not hold beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.types import ChatRequest, Json

LIMITS = frozenset({
    "max_tokens",  # OpenAI, Anthropic and most servers like them
    "max_completion_tokens",  # OpenAI
    "max_output_tokens",
    "max_new_tokens",  # text-generation-inference
    "n_predict",  # llama.cpp
    "num_predict",  # Ollama, among its options
    "maxOutputTokens",  # Gemini, in its generationConfig
})  # fmt: skip
"""Names of fields that limit an answer, tokens."""

COUNTS = frozenset({"n", "best_of", "candidateCount"})
"""Names of fields that ask for several answers (OpenAI, vLLM, Gemini)."""

HOLDERS = frozenset({"options", "generationConfig"})
"""Names of objects within which such fields stand too."""


def wanted_output(request: ChatRequest) -> int | None:
    """The limit that its answer would have, tokens; ``None`` = none.

    Among raw fields the smallest counts. One that is no positive number (Ollama reads -1 as endless) is no limit.
    """
    written = [limit for name, value in _raw(request) if name in LIMITS and (limit := _count(value)) is not None]
    return min(written, default=request.params.max_output_tokens)


def wanted_answers(request: ChatRequest) -> tuple[str, int]:
    """How many answers it asks for, and the name of the field that says so; empty = no field does."""
    written = [(count, name) for name, value in _raw(request) if name in COUNTS and (count := _count(value))]
    count, name = max(written, default=(1, ""))
    return name, count


def limited(request: ChatRequest, output_tokens: int | None) -> ChatRequest:
    """The request with this limit on its answer, and with nothing beside it that says otherwise."""
    params = replace(
        request.params, max_output_tokens=output_tokens, extra=_without(request.params.extra, LIMITS, HOLDERS)
    )
    return replace(request, params=params, extra=_without(request.extra, LIMITS, HOLDERS))


def _raw(request: ChatRequest) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for extra in (request.params.extra, request.extra):
        found += extra.items()
        for name in HOLDERS:
            if isinstance(inner := extra.get(name), Mapping):
                found += inner.items()
    return found


def _without(extra: Json, names: frozenset[str], holders: frozenset[str] = frozenset()) -> Json:
    return {
        name: _without(value, names) if name in holders and isinstance(value, Mapping) else value
        for name, value in extra.items()
        if name not in names
    }


def _count(value: object) -> int | None:
    """A count as servers read it: digits in a text are one too (vLLM)."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:18])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value < float("inf") else None
