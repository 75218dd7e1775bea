"""Small ways to ask a provider that speaks Gemini's format in a test."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import ChatRequest, Message, Role
from llmdesk.providers.base import Endpoint
from llmdesk.providers.google.adapter import GoogleProvider
from tests.support.google_answers import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llmdesk.core.types import ProviderEvent


def asking(prompt: str = "Say hello.", *, model: str = MODEL, **more: Any) -> ChatRequest:
    """A request with one user message."""
    return ChatRequest(model=model, messages=(Message(role=Role.USER, content=prompt),), **more)


@asynccontextmanager
async def google_at(
    url: str, *, now: Callable[[], float] = lambda: 0.0, **settings: Any
) -> AsyncIterator[GoogleProvider]:
    """A provider named ``there`` at ``url``, closed at the end."""
    provider = GoogleProvider(Endpoint(**{"name": "there", "base_url": url, **settings}), now=now)
    try:
        yield provider
    finally:
        await provider.aclose()


async def events_of(provider: GoogleProvider, request: ChatRequest | None = None) -> list[ProviderEvent]:
    """Every event of one answer."""
    async with aclosing(provider.stream(request or asking())) as stream:
        return [event async for event in stream]
