"""Small ways to ask an Ollama provider in a test."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import ChatRequest, Message, Role, TextDelta
from llmdesk.providers.base import Endpoint
from llmdesk.providers.ollama.adapter import OllamaProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.core.types import ProviderEvent


def asking(prompt: str = "Say hello.", *, model: str = "gemma3:4b", **more: Any) -> ChatRequest:
    """A request with one user message."""
    return ChatRequest(model=model, messages=(Message(role=Role.USER, content=prompt),), **more)


@asynccontextmanager
async def ollama_at(url: str, **settings: Any) -> AsyncIterator[OllamaProvider]:
    """A provider named ``local`` at ``url``, closed at the end."""
    provider = OllamaProvider(Endpoint(**{"name": "local", "base_url": url, **settings}))
    try:
        yield provider
    finally:
        await provider.aclose()


async def events_of(provider: OllamaProvider, request: ChatRequest | None = None) -> list[ProviderEvent]:
    """Every event of one answer."""
    async with aclosing(provider.stream(request or asking())) as stream:
        return [event async for event in stream]


def text_of(events: list[ProviderEvent]) -> str:
    """The answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))
