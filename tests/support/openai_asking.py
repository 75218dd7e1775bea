"""Small ways to ask an OpenAI-compatible provider in a test."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import ChatRequest, Message, ReasoningDelta, Role, TextDelta
from llmdesk.providers.base import Endpoint
from llmdesk.providers.openai.adapter import OpenAIProvider
from tests.support.openai_answers import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from llmdesk.core.types import ProviderEvent

PATH = "/v1/chat/completions"


def asking(prompt: str = "Say hello.", *, model: str = MODEL, **more: Any) -> ChatRequest:
    """A request with one user message."""
    return ChatRequest(model=model, messages=(Message(role=Role.USER, content=prompt),), **more)


@asynccontextmanager
async def openai_at(url: str, *, preset: str = "", base: str = "/v1", **settings: Any) -> AsyncIterator[OpenAIProvider]:
    """A provider named ``there`` at ``url``, closed at the end."""
    options = {**settings.pop("options", {}), **({"preset": preset} if preset else {})}
    provider = OpenAIProvider(Endpoint(**{"name": "there", "base_url": url + base, "options": options, **settings}))
    try:
        yield provider
    finally:
        await provider.aclose()


async def events_of(provider: OpenAIProvider, request: ChatRequest | None = None) -> list[ProviderEvent]:
    """Every event of one answer."""
    async with aclosing(provider.stream(request or asking())) as stream:
        return [event async for event in stream]


def text_of(events: Sequence[ProviderEvent]) -> str:
    """The answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def thoughts_of(events: Sequence[ProviderEvent]) -> str:
    """The answer's reasoning."""
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))
