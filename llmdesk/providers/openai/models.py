"""The list of models of an OpenAI-compatible endpoint, with what each kind of server tells beyond the name.

Beside ``id`` and ``created`` (openai-python: ``types/model.py``): ``context_length`` and ``architecture``
(openrouter.ai docs, list models), ``context_window`` (console.groq.com, API reference), ``max_model_len``
(vllm-project/vllm: ``entrypoints/openai/models/protocol.py``), ``max_context_length`` and ``capabilities``
(mistralai/client-python: ``models/basemodelcard.py``), ``max_context_length`` and ``type`` (lmstudio.ai, REST API),
``meta.n_ctx_train`` (ggml-org/llama.cpp: ``tools/server/README.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelInfo
from llmdesk.providers.answer_log import count
from llmdesk.providers.model_list import MODEL_NAME_LIMIT, MOST_MODELS
from llmdesk.providers.refusals import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

_WINDOWS = ("context_length", "context_window", "max_model_len", "max_context_length")


def listed(name: str, answer: object) -> tuple[ModelInfo, ...]:
    """Read the answer of ``GET models``: ``{"data": […]}``, or a bare list (Together).

    Raises:
        AnswerCut: it is neither.
    """
    entries = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(entries, list):
        raise AnswerCut(f"{name}: the answer is damaged (it lists no models).")
    found = (_info(entry) for entry in islice(entries, MOST_MODELS) if isinstance(entry, dict))
    return tuple(info for info in found if info is not None)


def _info(entry: Mapping[str, object]) -> ModelInfo | None:
    name = entry.get("id")
    if not isinstance(name, str) or not name:
        return None
    meta = entry.get("meta")
    trained = meta.get("n_ctx_train") if isinstance(meta, dict) else None
    told = (count(entry.get(field)) for field in _WINDOWS)
    return ModelInfo(
        name=brief(name, MODEL_NAME_LIMIT),
        context_tokens=next((number for number in told if number), None) or count(trained) or None,
        loaded_context_tokens=count(entry.get("loaded_context_length")) or None,
        capabilities=_capabilities(entry),
        modified_at=_moment(entry.get("created")),
        quantization=one_line(str(entry["quantization"]), 40) if isinstance(entry.get("quantization"), str) else "",
    )


def _capabilities(entry: Mapping[str, object]) -> frozenset[str]:
    """In the words of Ollama's list, which the house uses; empty = nothing is told."""
    found: set[str] = set()
    told = entry.get("capabilities")
    if isinstance(told, dict):  # Mistral
        found |= {ours for theirs, ours in _MISTRAL.items() if told.get(theirs) is True}
    look = entry.get("architecture")
    if isinstance(look, dict):  # OpenRouter
        found |= {"completion"} if "text" in _words(look.get("output_modalities")) else set()
        found |= {"vision"} if "image" in _words(look.get("input_modalities")) else set()
        asked = _words(entry.get("supported_parameters"))
        found |= {ours for theirs, ours in _OPENROUTER.items() if theirs in asked}
    kind = entry.get("type")
    if isinstance(kind, str):  # LM Studio, Together
        found |= _KINDS.get(kind, set())
    return frozenset(found)


_MISTRAL = {"completion_chat": "completion", "vision": "vision", "function_calling": "tools", "reasoning": "thinking"}
_OPENROUTER = {"tools": "tools", "reasoning": "thinking"}
_KINDS = {
    "vlm": {"completion", "vision"},
    "embeddings": {"embedding"},
    "embedding": {"embedding"},
}


def _words(value: object) -> frozenset[str]:
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, Iterable) else frozenset()


def _moment(created: object) -> str:
    """Epoch seconds as an ISO time; empty = not told."""
    seconds = count(created)
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ""
