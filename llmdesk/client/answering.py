"""Chunks of an answer, as they came over the wire, put together into the objects of the ``ollama`` package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import ModuleType

    import ollama

    from llmdesk.core.types import Json

RESTART = "restart"
"""The ``done_reason`` of the chunk that voids everything streamed before it."""

Route = Literal["chat", "generate"]


class Chunks:
    """Collects the chunks of one attempt and joins them into the answer a call without ``stream`` returns."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._texts: dict[str, list[str]] = {}
        self._lists: dict[str, list[object]] = {}
        self._last: Json = {}

    def add(self, chunk: Json) -> None:
        """Take the next chunk."""
        self._last = chunk
        spoken = self._spoken(chunk)
        for name in ("content", "response", "thinking"):
            if isinstance(text := spoken.get(name), str):
                self._texts.setdefault(name, []).append(text)
        for name, holder in (("tool_calls", spoken), ("logprobs", chunk)):
            if isinstance(items := holder.get(name), list):
                self._lists.setdefault(name, []).extend(items)

    def whole(self) -> Json:
        """The last chunk with everything that was said in it."""
        said: dict[str, object] = {name: "".join(texts) for name, texts in self._texts.items()}
        lists = dict(self._lists)
        beside = {"logprobs": lists.pop("logprobs")} if "logprobs" in lists else {}
        said |= lists
        if self._route == "generate":
            return {**self._last, **beside, **said}
        return {**self._last, **beside, "message": {"role": "assistant", **self._spoken(self._last), **said}}

    def _spoken(self, chunk: Json) -> Mapping[str, object]:
        message = chunk.get("message") if self._route == "chat" else chunk
        return message if isinstance(message, Mapping) else {}


def restart_chunk(route: Route, model: str) -> Json:
    """The chunk that says: forget what came, ``model`` begins from scratch."""
    said = {"message": {"role": "assistant", "content": ""}} if route == "chat" else {"response": ""}
    return {"model": model, "done": False, "done_reason": RESTART, **said}


def chat_response(chunk: Json) -> ollama.ChatResponse:
    """Read a chunk of ``/api/chat``."""
    read: type[ollama.ChatResponse] = _package().ChatResponse
    return read.model_validate(chunk)


def generate_response(chunk: Json) -> ollama.GenerateResponse:
    """Read a chunk of ``/api/generate``."""
    read: type[ollama.GenerateResponse] = _package().GenerateResponse
    return read.model_validate(chunk)


def embed_response(answer: Json) -> ollama.EmbedResponse:
    """Read an answer of ``/api/embed``."""
    read: type[ollama.EmbedResponse] = _package().EmbedResponse
    return read.model_validate(answer)


@cache
def _package() -> ModuleType:
    """The ``ollama`` package, loaded for the first answer; an import statement for each token would take 2 µs."""
    import ollama

    return ollama
