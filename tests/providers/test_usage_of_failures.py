"""What had been reported before an attempt failed is told with the failure: it is billed, whatever came of it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.types import ChatRequest, Message, Role, TextDelta, Usage
from llmdesk.providers.base import Timeouts
from tests.support import anthropic_answers as claude
from tests.support import google_answers as gemini
from tests.support import ollama_answers as ollama
from tests.support import openai_answers as openai
from tests.support.anthropic_asking import anthropic_at
from tests.support.fault_server import FaultServer
from tests.support.google_asking import google_at
from tests.support.ollama_asking import ollama_at
from tests.support.openai_asking import PATH as OPENAI_PATH
from tests.support.openai_asking import openai_at
from tests.support.plays import Mark, Play, error
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from llmdesk.providers.base import Provider

QUICK = Timeouts(first_token_s=PATIENCE_S, idle_s=1.0)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A wire: how to reach it, and where it answers."""

    at: Callable[..., AbstractAsyncContextManager[Provider]]
    path: str
    model: str = "m"


CLAUDE = Kind(at=anthropic_at, path=claude.PATH, model=claude.MODEL)
GEMINI = Kind(at=google_at, path=gemini.PATH, model=gemini.MODEL)
OLLAMA = Kind(at=ollama_at, path="/api/chat")
OPENAI = Kind(at=openai_at, path=OPENAI_PATH)


async def failure_of(kind: Kind, *plays: Play, **more: Any) -> tuple[ProviderError, str]:
    """What an answer ended with, and its text."""
    request = ChatRequest(model=kind.model, messages=(Message(role=Role.USER, content="Say hello."),), **more)
    text = ""
    async with FaultServer() as server, kind.at(server.url, timeouts=QUICK) as provider:
        server.play(kind.path, *plays)
        try:
            async with aclosing(provider.stream(request)) as events:
                async for event in events:
                    text += event.text if isinstance(event, TextDelta) else ""
        except ProviderError as problem:
            return problem, text
    raise AssertionError(f"it did not fail, and said: {text}")


CONTINUOUS = {"usage": openai.tokens(9, 2)}

SAID_BEFORE = [
    pytest.param(
        CLAUDE, claude.played([claude.begun(), claude.failed("overloaded_error")]),
        Usage(input_tokens=11, output_tokens=1), id="claude: an error first of all",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun(cache_read_input_tokens=5), *claude.text_block("Hel"),
                               claude.failed("overloaded_error")]),
        Usage(input_tokens=16, output_tokens=1, cached_input_tokens=5, estimated=True), id="claude: error after text",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun(), *claude.text_block("Hel")]),
        Usage(input_tokens=11, output_tokens=1, estimated=True), id="claude: cut after text",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun(), *claude.call_block("f", '{"a"')[:2]], Mark.RST),
        Usage(input_tokens=11, output_tokens=1, estimated=True), id="claude: cut in a call",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun()], Mark.HOLD),
        Usage(input_tokens=11, output_tokens=1), id="claude: silent",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun(), *claude.text_block("Hel"), claude.stopped("refusal", 9), claude.END]),
        Usage(input_tokens=11, output_tokens=9), id="claude: refused",
    ),
    pytest.param(
        CLAUDE, claude.played([claude.begun(), claude.stopped("end_turn", 2), claude.END]),
        Usage(input_tokens=11, output_tokens=2), id="claude: empty",
    ),
    pytest.param(
        GEMINI, gemini.played([gemini.response({"text": "Hel"}, usageMetadata={"promptTokenCount": 4,
                                                                                 "candidatesTokenCount": 1})]),
        Usage(input_tokens=4, output_tokens=1), id="gemini: cut, each piece counted",
    ),
    pytest.param(
        GEMINI, gemini.played([gemini.response({"text": "Hel"}, usageMetadata={"promptTokenCount": 4}),
                               *gemini.texts("lo")], Mark.RST),
        Usage(input_tokens=4, estimated=True), id="gemini: cut after an uncounted piece",
    ),
    pytest.param(
        GEMINI, gemini.played([*gemini.texts("Hel"), gemini.last("SAFETY")]),
        Usage(input_tokens=11, output_tokens=6), id="gemini: refused",
    ),
    pytest.param(
        GEMINI, gemini.played([{"promptFeedback": {"blockReason": "SAFETY"},
                                "usageMetadata": {"promptTokenCount": 8}}]),
        Usage(input_tokens=8), id="gemini: a blocked prompt",
    ),
    pytest.param(
        GEMINI, gemini.played([gemini.last("MALFORMED_FUNCTION_CALL")]),
        Usage(input_tokens=11, output_tokens=6), id="gemini: stumbled",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk("Hel"), openai.chunk(finish="content_filter"),
                               openai.usage_chunk(openai.tokens(12, 3, cached=8))]),
        Usage(input_tokens=12, output_tokens=3, cached_input_tokens=8), id="openai: filtered",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk(delta={"refusal": "No."}), openai.chunk(finish="stop"),
                               openai.usage_chunk()]),
        Usage(input_tokens=12, output_tokens=5), id="openai: declined",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk("Hel"), openai.chunk(finish="eos"), openai.usage_chunk()]),
        Usage(input_tokens=12, output_tokens=5), id="openai: an unknown end",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk(finish="stop"), openai.usage_chunk(openai.tokens(12, 0))]),
        Usage(input_tokens=12, output_tokens=0), id="openai: empty",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk("Hel", **CONTINUOUS)], done=False),
        Usage(input_tokens=9, output_tokens=2), id="openai: cut, each piece counted",
    ),
    pytest.param(
        OPENAI, openai.events([openai.chunk("Hel", **CONTINUOUS), openai.chunk("lo"),
                               {"error": {"message": "boom", "type": "server_error"}}]),
        Usage(input_tokens=9, output_tokens=2, estimated=True), id="openai: an error after an uncounted piece",
    ),
    pytest.param(
        OLLAMA, ollama.stream([ollama.chat_chunk("Hel"), ollama.done_chunk(reason="strange")]),
        Usage(input_tokens=12, output_tokens=5), id="ollama: an unknown end",
    ),
    pytest.param(
        OLLAMA, ollama.stream([ollama.done_chunk(output_tokens=None)]),
        Usage(input_tokens=12), id="ollama: empty",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "play", "used"), SAID_BEFORE)
async def test_a_failure_tells_what_the_provider_had_counted(kind: Kind, play: Play, used: Usage) -> None:
    problem, _ = await failure_of(kind, play)
    assert problem.usage == used


@pytest.mark.parametrize(
    ("kind", "play"),
    [
        pytest.param(CLAUDE, claude.refusal(429, "rate_limit_error", "slow down"), id="claude"),
        pytest.param(GEMINI, gemini.refusal(503, "UNAVAILABLE", "overloaded"), id="gemini"),
        pytest.param(GEMINI, gemini.played(gemini.texts("Hel")), id="gemini: cut without a count"),
        pytest.param(OPENAI, openai.refused(500, "boom"), id="openai"),
        pytest.param(OPENAI, openai.events([openai.chunk("Hel")], done=False), id="openai: cut"),
        pytest.param(OLLAMA, error(500, "boom"), id="ollama"),
        pytest.param(OLLAMA, ollama.chat_answer("Hello", done=False), id="ollama: cut"),
    ],
)
async def test_a_failure_before_any_count_tells_none(kind: Kind, play: Play) -> None:
    problem, _ = await failure_of(kind, play)
    assert problem.usage is None


async def test_what_was_said_before_a_filter_stays_and_the_refusal_comes_when_its_usage_is_there() -> None:
    chunks = [openai.chunk("Hel"), openai.chunk("lo", finish="content_filter"), openai.usage_chunk()]
    problem, text = await failure_of(OPENAI, openai.events(chunks))
    assert (problem.kind, text) == (ErrorKind.REFUSED, "Hello")


@pytest.mark.parametrize("rest", [(Mark.RST,), (b"data: {broken\n\n",), (b"data: [DONE]\n\n",)])
async def test_a_refusal_stands_when_its_usage_does_not_come(rest: tuple[bytes | Mark, ...]) -> None:
    body = (openai.event(openai.chunk("Hel")), openai.event(openai.chunk(finish="content_filter")), *rest)
    problem, _ = await failure_of(OPENAI, Play(headers=openai.SSE, body=body))
    assert (problem.kind, problem.usage) == (ErrorKind.REFUSED, None)


async def test_a_turn_that_fails_after_a_pause_has_used_what_came_before_it() -> None:
    tool = {"type": "web_search", "name": "web_search"}
    paused = claude.played([claude.begun(), *claude.text_block("I look."), claude.stopped("pause_turn", 7), claude.END])
    problem, _ = await failure_of(
        CLAUDE, paused, claude.refusal(429, "rate_limit_error", "slow down"), tools=({**tool, "input_schema": {}},)
    )
    assert problem.kind is ErrorKind.RATE
    assert problem.usage == Usage(input_tokens=11, output_tokens=7)
