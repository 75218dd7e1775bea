"""Every wire, spoken with a server that nobody here wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ProviderError
from llmdesk.core.types import Completed, FinishReason, TextDelta, ToolCall
from tests.outside import aimock
from tests.outside.aimock import CHUNK_CHARACTERS, TEXTS
from tests.outside.asking import KEY, MODELS, events_of, open_provider, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.outside.programs import Program

WIRES = tuple(MODELS)
BASE_PATHS = {"ollama": "", "openai": "/v1", "anthropic": "", "google": ""}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of the next days.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


@pytest.mark.parametrize("word", TEXTS)
@pytest.mark.parametrize("kind", WIRES)
async def test_a_streamed_answer_arrives_whole_and_in_pieces(kind: str, word: str, aimock_server: Program) -> None:
    async with open_provider(kind, aimock_server.url + BASE_PATHS[kind]) as provider:
        events = await events_of(provider, request(kind, f"Tell me: {word}.", keep_wire=True))
    said = [event for event in events if isinstance(event, TextDelta)]
    assert "".join(event.text for event in said) == TEXTS[word]
    assert sum(len(event.wires) for event in said) >= len(TEXTS[word]) // CHUNK_CHARACTERS
    assert isinstance(events[-1], Completed)
    assert events[-1].finish_reason is FinishReason.STOP


@pytest.mark.parametrize("kind", WIRES)
async def test_a_tool_call_arrives_with_its_arguments(kind: str, aimock_server: Program) -> None:
    """Gemini ends a call with STOP; FUNCTION_CALL, this server's own idea, is overruled in its answers."""
    async with open_provider(kind, aimock_server.url + BASE_PATHS[kind]) as provider:
        events = await events_of(provider, request(kind, "And the weather?", tools=(WEATHER,)))
    calls = [(event.name, event.arguments) for event in events if isinstance(event, ToolCall)]
    assert calls == [("get_weather", {"city": "Lisbon", "days": 3})]
    assert isinstance(events[-1], Completed)


@pytest.mark.parametrize("kind", WIRES)
async def test_a_refused_key_is_class_auth(kind: str, aimock_server: Program) -> None:
    async with open_provider(kind, aimock_server.url + BASE_PATHS[kind]) as provider:
        with pytest.raises(ProviderError) as caught:
            await events_of(provider, request(kind, "This is forbidden."))
    assert caught.value.kind == "auth"
    assert caught.value.http_status == 403


@pytest.mark.parametrize("kind", [kind for kind in WIRES if kind != "google"])  # it has no such list
async def test_the_models_are_listed(kind: str, aimock_server: Program) -> None:
    async with open_provider(kind, aimock_server.url + BASE_PATHS[kind]) as provider:
        assert await provider.list_models()


@pytest.fixture(scope="module")
def guarded(aimock_program: Path) -> Iterator[Program]:
    """A server that answers one key only."""
    server = aimock.start(aimock_program, keys=KEY)
    yield server
    server.close()


@pytest.mark.parametrize("kind", WIRES)
async def test_the_key_goes_where_the_wire_wants_it(kind: str, guarded: Program) -> None:
    async with open_provider(kind, guarded.url + BASE_PATHS[kind]) as provider:
        events = await events_of(provider, request(kind, "Answer in short."))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXTS["short"]
    wrong = f"{KEY}-of-yesterday"
    async with open_provider(kind, guarded.url + BASE_PATHS[kind], key=wrong) as provider:
        with pytest.raises(ProviderError) as caught:
            await events_of(provider, request(kind, "Answer in short."))
    assert (caught.value.kind, caught.value.http_status) == ("auth", 401)
    assert wrong not in f"{caught.value} {caught.value.details}"
