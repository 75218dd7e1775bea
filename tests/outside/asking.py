"""llmdesk in front of a server somebody else wrote: providers as configuration, adapters by kind, a real desk."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core.types import ChatRequest, Message, Role
from llmdesk.providers import make_provider
from llmdesk.providers.base import Endpoint
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from llmdesk.core.types import Outcome, ProviderEvent
    from llmdesk.desk import Desk
    from llmdesk.providers.base import Provider

KEY = "outside-test-key"
KEY_VARIABLE = "OUTSIDE_TEST_KEY"

MODELS = {
    "ollama": "gemma3:4b",
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-2.5-flash",
}
"""Kind -> a model name of that vendor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A provider as the configuration tells of it; no delay between tries unless said otherwise."""

    name: str
    kind: str
    base_url: str
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    retry: Mapping[str, object] = field(default_factory=lambda: {"attempts": 3, "delay_s": 0})
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Its model ref."""
        return f"{self.name}/{self.model or MODELS[self.kind]}"

    @property
    def line(self) -> str:
        """Its line of the configuration."""
        fields: dict[str, object] = {"kind": self.kind, "base_url": self.base_url, "retry": dict(self.retry)}
        if self.kind != "ollama":
            fields["api_key"] = f"${{{KEY_VARIABLE}}}"
        if self.headers:
            fields["headers"] = dict(self.headers)
        return f"  {self.name}: {json.dumps({**fields, **self.more})}"


def configuration(*providers: Told, lane: str = "") -> str:
    """A configuration whose lane asks these providers in this order."""
    targets = json.dumps([told.target for told in providers])
    lines = ["version: 1", "providers:", *(told.line for told in providers)]
    return "\n".join([*lines, "lanes:", f"  chat: {{targets: {targets}{lane}}}"]) + "\n"


def write_configuration(home: Path, text: str) -> None:
    """Write the configuration of a home folder."""
    folder = home / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "llmdesk.yaml").write_text(text, encoding="utf-8")


@asynccontextmanager
async def open_desk(home: Path, *providers: Told, lane: str = "") -> AsyncIterator[Desk]:
    """A desk as the program makes it, over these providers."""
    write_configuration(home, configuration(*providers, lane=lane))
    env = {"LLMDESK_HOME": str(home), KEY_VARIABLE: KEY}
    async with make_desk(env=env, log=lambda *_, **__: None) as desk:
        yield desk


@asynccontextmanager
async def open_provider(kind: str, base_url: str, *, key: str | None = KEY) -> AsyncIterator[Provider]:
    """One adapter."""
    endpoint = Endpoint(name=kind, base_url=base_url, key=key)
    provider = make_provider(kind, endpoint)
    try:
        yield provider
    finally:
        await provider.aclose()


def request(kind: str, prompt: str, **more: object) -> ChatRequest:
    """A prompt for the usual model of a kind."""
    fields = {"model": MODELS[kind], "messages": (Message(role=Role.USER, content=prompt),), **more}
    return ChatRequest(**fields)  # type: ignore[arg-type]


async def events_of(provider: Provider, asked: ChatRequest) -> list[ProviderEvent]:
    """All events of one answer."""
    return [event async for event in provider.stream(asked)]


def story(outcome: Outcome) -> list[tuple[str, str]]:
    """What was tried, in short: provider, and class or outcome."""
    return [(attempt.target.provider, attempt.reason or attempt.outcome.value) for attempt in outcome.attempts]
