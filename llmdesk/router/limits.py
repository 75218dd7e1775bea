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
    "maxtokens",  # OpenAI, Anthropic and most servers like them
    "maxcompletiontokens",  # OpenAI
    "maxoutputtokens",  # Gemini, in its generationConfig
    "maxnewtokens",  # text-generation-inference
    "npredict",  # llama.cpp
    "numpredict",  # Ollama, among its options
})  # fmt: skip
"""Names of fields that limit an answer, tokens."""

COUNTS = frozenset({"n", "bestof", "candidatecount"})
"""Names of fields that ask for several answers (OpenAI, vLLM, Gemini)."""

HOLDERS = frozenset({"options", "generationconfig"})
"""Names of objects within which such fields stand too."""


def _plain(name: str) -> str:
    """A field's name as the names above are written, plain.

    Gemini takes ``candidate_count`` for ``candidateCount`` (protobuf.dev, ProtoJSON Format), and Ollama ``Options`` for
    ``options`` (Go, ``encoding/json``: names match whatever their case).
    """
    return name.replace("_", "").lower()


def wanted_output(request: ChatRequest) -> int | None:
    """The limit that its answer would have, tokens; ``None`` = none.

    Among raw fields the smallest counts. One that is no positive number (Ollama reads -1 as endless) is no limit.
    """
    written = [
        limit for name, value in _raw(request) if _plain(name) in LIMITS and (limit := _count(value)) is not None
    ]
    return min(written, default=request.params.max_output_tokens)


def wanted_answers(request: ChatRequest) -> tuple[str, int]:
    """How many answers it asks for, and the name of the field that says so; empty = no field does."""
    written = [(count, name) for name, value in _raw(request) if _plain(name) in COUNTS and (count := _count(value))]
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
        for name, inner in extra.items():
            if _plain(name) in HOLDERS and isinstance(inner, Mapping):
                found += inner.items()
    return found


def _without(extra: Json, names: frozenset[str], holders: frozenset[str] = frozenset()) -> Json:
    return {
        name: _without(value, names) if _plain(name) in holders and isinstance(value, Mapping) else value
        for name, value in extra.items()
        if _plain(name) not in names
    }


def _count(value: object) -> int | None:
    """A count as servers read it: digits in a text are one too (vLLM)."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:18])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value < float("inf") else None
