"""Simulated embeddings: vectors of length one that depend on nothing but the text (server/routes.go EmbedHandler)."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from llmdesk.demo.wire import WireError

if TYPE_CHECKING:
    from llmdesk.core.types import Json
    from llmdesk.demo.catalogue import SimModel


def embed(body: Json, model: SimModel) -> Json:
    """The answer of ``/api/embed``.

    Raises:
        WireError: the model does not embed.
    """
    _check(model)
    given = body.get("input", [])
    texts = [given] if isinstance(given, str) else [str(text) for text in given] if isinstance(given, list) else []
    return {
        "model": body["model"],
        "embeddings": [_vector(text, model.embedding_length) for text in texts if text],
        "total_duration": 14_143_917,
        "load_duration": 1_019_500,
        "prompt_eval_count": sum(max(1, len(text) // 4) for text in texts),
    }


def embed_one(body: Json, model: SimModel) -> Json:
    """The answer of the older ``/api/embeddings``.

    Raises:
        WireError: the model does not embed.
    """
    _check(model)
    return {"embedding": _vector(str(body.get("prompt", "")), model.embedding_length)}


def _check(model: SimModel) -> None:
    if not model.can("embedding"):
        raise WireError(501, "This server does not support embeddings. Start it with `--embeddings`")


def _vector(text: str, length: int) -> list[float]:
    digest = hashlib.shake_256(text.encode("utf-8", "replace")).digest(length)
    values = [byte - 127.5 for byte in digest]
    norm = math.sqrt(sum(value * value for value in values))
    return [value / norm for value in values]
