"""What a server can say to hold a request for ever, to fill the memory, to stop the screen, or to get a key printed."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import tracemalloc
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.errors import AnswerCut, NoAnswer, ProviderError, RequestRejected, ServerFailed, SetupBroken
from llmdesk.core.types import Completed, Message, Params, Role, TextDelta, ToolCall
from llmdesk.providers import make_provider
from llmdesk.providers.base import Caps, Endpoint, Timeouts
from tests.support import anthropic_answers, google_answers, openai_answers
from tests.support.fault_server import FaultServer, Mark, Play, json_answer
from tests.support.held_loop import held_loop
from tests.support.openai_answers import SSE
from tests.support.slowness import PATIENCE_S, allowed
from tests.support.wire import CANARY, hello

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from llmdesk.core.types import ProviderEvent
    from llmdesk.providers.base import Provider
    from tests.support.fault_server import Step

MIB = 1 << 20
PATHS = {"openai": "/chat/completions", "anthropic": anthropic_answers.PATH, "google": google_answers.PATH}
MODELS = {
    "openai": openai_answers.MODEL,
    "anthropic": anthropic_answers.MODEL,
    "google": google_answers.MODEL,
}


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def stream(*values: object) -> Play:
    return Play(headers=SSE, body=tuple(v if isinstance(v, bytes | float | Mark) else event(v) for v in values))


def delta(**fields: object) -> dict[str, object]:
    return openai_answers.chunk(delta=fields)


def piece(kind: str, **fields: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **fields}}


def begins(index: int = 0, **block: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


@asynccontextmanager
async def there(kind: str, play: Play, *, key: str | None = None, **settings: Any) -> AsyncIterator[Provider]:
    async with FaultServer() as server:
        server.always(PATHS[kind], play)
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url, key=key, **settings))
        try:
            yield provider
        finally:
            await provider.aclose()


async def told(provider: Provider, kind: str, **request: Any) -> list[ProviderEvent]:
    async with aclosing(provider.stream(replace(hello(MODELS[kind]), **request))) as events:
        return [event async for event in events]


def text_of(events: list[ProviderEvent]) -> str:
    return "".join(each.text for each in events if isinstance(each, TextDelta))


# --- nothing, for ever ------------------------------------------------------------------------------------------------

NOTHING: dict[str, tuple[str, object]] = {
    "a call begun again": ("openai", delta(tool_calls=[{"index": 0}])),
    "a call without an index": ("openai", delta(tool_calls=[{}])),
    "arguments without a letter": ("openai", delta(tool_calls=[{"index": 0, "function": {"arguments": ""}}])),
    "an old call": ("openai", delta(function_call={})),
    "text without a letter": ("anthropic", piece("text_delta", text="")),
    "thinking without a letter": ("anthropic", piece("thinking_delta", thinking="")),
    "JSON without a letter": ("anthropic", piece("input_json_delta", partial_json="")),
    "a piece of an unknown kind": ("anthropic", piece("unheard_of")),
    "a block begun again": ("anthropic", begins(type="text", text="")),
    "an end without a beginning": ("anthropic", {"type": "content_block_stop", "index": 0}),
    "an unknown event": ("anthropic", {"type": "content_block_unheard_of"}),
    "parts without text": ("google", google_answers.response({"text": ""})),
    "a part of nothing": ("google", google_answers.response({})),
}


@pytest.mark.parametrize(("kind", "nothing"), NOTHING.values(), ids=NOTHING)
async def test_saying_nothing_again_and_again_is_silence(kind: str, nothing: object) -> None:
    def body() -> Iterator[Step]:
        while True:
            yield event(nothing)
            yield 0.05

    limits = Timeouts(content_s=0.4)
    async with asyncio.timeout(PATIENCE_S), there(kind, Play(headers=SSE, body=body), timeouts=limits) as provider:
        with pytest.raises(NoAnswer, match="no text"):
            await told(provider, kind)


# --- too much ---------------------------------------------------------------------------------------------------------


def numbered(make: Callable[[int], object]) -> Iterator[bytes]:
    return (event(make(number)) for number in itertools.count())


FLOODS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "a refusal": ("openai", lambda: itertools.repeat(event(delta(refusal="no " * 1_000)))),
    "blocks that never end": (
        "anthropic",
        lambda: numbered(lambda n: begins(n, type="tool_use", name="f", junk="z" * 50_000)),
    ),
    "small blocks that never end": ("anthropic", lambda: numbered(lambda n: begins(n, type="text", x=[[], [], []]))),
    "JSON in crumbs": ("anthropic", lambda: itertools.repeat(event(piece("input_json_delta", partial_json="ab")) * 50)),
}


@pytest.mark.parametrize(("kind", "body"), FLOODS.values(), ids=FLOODS)
async def test_what_is_no_text_counts_as_answer_too(kind: str, body: Callable[[], Iterator[bytes]]) -> None:
    async with there(kind, Play(headers=SSE, body=body), caps=Caps(line=MIB, answer=MIB)) as provider:
        tracemalloc.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(AnswerCut, match="larger than"):
                    await told(provider, kind)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 4 * MIB, f"{peak / MIB:.1f} MiB"


async def test_counts_that_nobody_asked_for_are_not_kept() -> None:
    usage = (event({"usageMetadata": {f"{n}.{i}" + "x" * 50: 1 for i in range(1_000)}}) for n in range(300))
    play = Play(headers=SSE, body=(*usage, event(google_answers.last("STOP", {"text": "Hello"}))))
    async with there("google", play) as provider:
        tracemalloc.start()
        try:
            events = await told(provider, "google")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(ended := events[-1], Completed)
    assert (ended.usage.input_tokens, ended.usage.output_tokens) == (11, 6)
    assert peak < 8 * MIB, f"{peak / MIB:.1f} MiB"


@pytest.mark.parametrize("words", ["y", "usage limits ", "model ", "retry in ", "http://", "sk-"])
@pytest.mark.parametrize("kind", PATHS)
async def test_an_error_of_megabytes_does_not_hold_the_loop(kind: str, words: str) -> None:
    said = {"type": "invalid_request_error", "message": words * (3 * MIB // len(words)), "code": 400}
    async with there(kind, stream({"type": "error", "error": said})) as provider:
        with pytest.raises(ProviderError):
            await told(provider, kind)  # everything is imported
        async with held_loop() as held:
            with pytest.raises(ProviderError) as caught:
                await told(provider, kind)
    assert held.worst_s < allowed(0.25)
    assert len(caught.value.details) <= 2_000


# --- what stands where something else belongs -------------------------------------------------------------------------

NO_REASON: tuple[object, ...] = ([], {}, ["stop"], {"stop": 1}, 0, True, 1.5, "\x1b[31m")


@pytest.mark.parametrize("reason", NO_REASON, ids=repr)
@pytest.mark.parametrize("kind", PATHS)
async def test_a_reason_of_any_type_is_an_unknown_one(kind: str, reason: object) -> None:
    streams: dict[str, list[object]] = {
        "openai": [{**openai_answers.chunk("Hi"), "choices": [{"delta": {}, "finish_reason": reason}]}],
        "anthropic": [{"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"}],
        "google": [{"candidates": [{"finishReason": reason}]}],
    }
    async with there(kind, stream(*streams[kind])) as provider:
        with pytest.raises(ServerFailed, match="unknown reason"):
            await told(provider, kind)


@pytest.mark.parametrize("kind", ["anthropic", "google"])
async def test_an_event_with_nothing_in_it_keeps_the_line_open_and_is_no_damage(kind: str) -> None:
    streams: dict[str, list[object]] = {
        "anthropic": [
            piece("text_delta", text="Hello"), b"event: ping\ndata:\n\n",
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, b"data: \n\n", {"type": "message_stop"},
        ],
        "google": [
            google_answers.response({"text": "Hel"}), b"data: \n\n", google_answers.last("STOP", {"text": "lo"}),
        ],
    }  # fmt: skip
    async with there(kind, stream(*streams[kind])) as provider:
        assert text_of(await told(provider, kind)) == "Hello"


@pytest.mark.parametrize("kind", PATHS)
async def test_a_call_without_a_name_is_none(kind: str) -> None:
    streams = {
        "openai": [
            openai_answers.chunk(
                finish="tool_calls", delta={"tool_calls": [{"index": 0, "function": {"name": "", "arguments": "{}"}}]}
            )
        ],
        "anthropic": [begins(type="tool_use", id="a", name="", input={}), {"type": "content_block_stop", "index": 0}],
        "google": [google_answers.last("STOP", {"functionCall": {"name": "", "args": {}}})],
    }
    async with there(kind, stream(*streams[kind])) as provider:
        with pytest.raises(AnswerCut, match="malformed tool call"):
            await told(provider, kind)


# --- the end, and what comes after it ---------------------------------------------------------------------------------


async def test_a_gemini_that_says_stop_with_every_piece_is_heard_to_its_end() -> None:
    pieces = itertools.chain.from_iterable(
        (google_answers.response({"text": f"{number} "}, reason="STOP"), 0.4) for number in range(8)
    )
    async with there("google", stream(*pieces)) as provider:
        assert text_of(await told(provider, "google")) == "0 1 2 3 4 5 6 7 "


async def test_only_the_first_candidate_is_the_answer() -> None:
    other = {"candidates": [{"index": 1, "content": {"parts": [{"text": "no"}]}, "finishReason": "STOP"}]}
    async with there("google", stream(other, google_answers.last("STOP", {"text": "yes"}), other)) as provider:
        assert text_of(await told(provider, "google")) == "yes"


@pytest.mark.parametrize("late", [{"choices": "x"}, {"choices": [1]}, {"choices": [{"delta": 1}]}, [1], 7], ids=repr)
async def test_damage_after_the_end_takes_nothing_back(late: object) -> None:
    begun = (openai_answers.chunk("Hello"), openai_answers.chunk(finish="stop"))
    async with there("openai", stream(*begun, late, openai_answers.usage_chunk())) as provider:
        assert text_of(await told(provider, "openai")) == "Hello"


@pytest.mark.parametrize("late", [[1, 2], 7, {"candidates": 7}, {"candidates": [{"content": {"parts": 1}}]}], ids=repr)
async def test_damage_after_gemini_stopped_takes_nothing_back(late: object) -> None:
    async with there("google", stream(google_answers.last("STOP", {"text": "Hello"}), late)) as provider:
        assert text_of(await told(provider, "google")) == "Hello"


# --- keys -------------------------------------------------------------------------------------------------------------


def partly(problem: ProviderError) -> bool:
    """Whether so much of the key shows that it was cut before it was taken out."""
    return any(CANARY[:10] in text for text in (problem.message, problem.details))


@pytest.mark.parametrize("before", [50, 190, 1_990])
@pytest.mark.parametrize("kind", PATHS)
async def test_a_key_is_taken_out_before_a_text_is_cut(kind: str, before: int) -> None:
    text = "x" * before + CANARY
    stops = {"type": "message_stop"}
    declined = {"stop_reason": "refusal", "stop_details": {"explanation": text}}
    streams: dict[str, list[list[object]]] = {
        "openai": [
            [openai_answers.chunk(finish=text)],
            [delta(refusal=text), openai_answers.chunk(finish="stop")],
            [{"error": {"code": "unsupported_parameter", "param": text, "message": "no"}}],
            [{"error": {"message": f"Unsupported parameter: '{text}'"}}],
            [{"error": {"message": text, "code": text}}],
        ],
        "anthropic": [
            [{"type": "message_delta", "delta": {"stop_reason": text}}, stops],
            [{"type": "message_delta", "delta": declined}, stops],
            [{"type": "error", "error": {"type": "invalid_request_error", "message": text}}],
        ],
        "google": [
            [google_answers.last(text)],
            [google_answers.last("SAFETY", finishMessage=text)],
            [google_answers.last("OTHER", finishMessage=text)],
            [{"promptFeedback": {"blockReason": text, "blockReasonMessage": text}}],
            [{"error": {"code": 400, "message": text}}],
        ],
    }  # fmt: skip
    for each in streams[kind]:
        async with there(kind, stream(*each), key=CANARY) as provider:
            with pytest.raises(ProviderError) as caught:
                await told(provider, kind)
            assert not partly(caught.value), caught.value.message


# --- lists of models --------------------------------------------------------------------------------------------------

LISTS: dict[str, tuple[str, Callable[[str], object]]] = {
    "openai": ("/models", lambda name: {"data": [{"id": name}]}),
    "anthropic": ("/v1/models", lambda name: {"data": [{"id": name, "created_at": "\x1b[2J" + "x" * 1_000}]}),
    "google": ("/v1beta/models", lambda name: {"models": [{"name": f"models/{name}"}]}),
}


@pytest.mark.parametrize("kind", LISTS)
async def test_the_name_of_a_listed_model_is_one_short_line_without_keys(kind: str) -> None:
    path, listing = LISTS[kind]
    async with FaultServer() as server:
        server.always(path, json_answer(listing(f"m\n\x1b[31m {CANARY} " + "x" * 100_000)))
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url, key=CANARY))
        (model,) = await provider.list_models()
        await provider.aclose()
    assert model.name.startswith("m ")
    assert len(model.name) <= 300
    assert len(model.modified_at) <= 40
    for text in (model.name, model.modified_at):
        assert "\x1b" not in text
        assert CANARY[:10] not in text


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("anthropic",
         lambda n: {"data": [{"id": f"{n}-{i}"} for i in range(5_000)], "has_more": True, "last_id": f"{n}"}),
        ("google", lambda n: {"models": [{"name": f"{n}-{i}"} for i in range(5_000)], "nextPageToken": f"{n}"}),
    ],
    ids=["anthropic", "google"],
)  # fmt: skip
async def test_a_list_of_models_without_end_is_cut(kind: str, page: Callable[[int], object]) -> None:
    path, _ = LISTS[kind]
    async with FaultServer() as server:
        server.play(path, *(json_answer(page(number)) for number in range(20)))
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url))
        found = await provider.list_models()
        await provider.aclose()
        assert len(found) == 10_000
        assert server.count(path) == 2


@pytest.mark.parametrize(("kind", "page"), [
    ("anthropic", lambda n: {"data": [], "has_more": True, "last_id": f"{n}"}),
    ("google", lambda n: {"models": [], "nextPageToken": f"{n}"}),
], ids=["anthropic", "google"])  # fmt: skip
async def test_all_pages_of_models_share_one_limit(kind: str, page: Callable[[int], object]) -> None:
    path, _ = LISTS[kind]
    async with FaultServer() as server:
        slow = (json.dumps(page(number)).encode() for number in range(100))
        server.play(path, *(Play(body=(0.2, text), before=()) for text in slow))
        limits = Timeouts(first_token_s=0.5)
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url, timeouts=limits))
        begun = time.monotonic()
        with pytest.raises(NoAnswer):
            await provider.list_models()
        await provider.aclose()
    assert time.monotonic() - begun < 7  # a third of what all pages would take


# --- requests that cannot be sent as they are -------------------------------------------------------------------------

ANSWERS = {
    "openai": openai_answers.answer("Hello"),
    "anthropic": anthropic_answers.answer("Hello"),
    "google": google_answers.answer("Hello"),
}
ROUND: dict[str, object] = {}
ROUND["a"] = ROUND
NOT_JSON: dict[str, dict[object, object]] = {
    "round": ROUND,  # type: ignore[dict-item]
    "a set": {"type": "string", "enum": {1, 2}},
    "an object": {"type": "object", "x": object()},
}


@pytest.mark.parametrize("schema", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("kind", PATHS)
async def test_a_schema_that_is_no_json_is_refused_before_anything_is_sent(
    kind: str, schema: dict[object, object]
) -> None:
    async with there(kind, ANSWERS[kind]) as provider:
        with pytest.raises(RequestRejected, match="no JSON value"):
            await told(provider, kind, format=schema)


async def test_a_format_that_is_no_word_only_costs_the_strictness() -> None:
    field = {"type": "string", "format": ["date"]}
    schema = {"type": "object", "properties": {"a": field}, "required": ["a"], "additionalProperties": False}
    async with there("openai", ANSWERS["openai"]) as provider:
        assert text_of(await told(provider, "openai", format=schema)) == "Hello"


@pytest.mark.parametrize("kind", PATHS)
async def test_an_empty_list_of_stops_says_nothing(kind: str) -> None:
    async with FaultServer() as server:
        server.always(PATHS[kind], ANSWERS[kind])
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url))
        await told(provider, kind, params=Params(stop=()))
        await provider.aclose()
        assert b"stop" not in server.requests[0].body.lower()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("anthropic", {"api_version": "2026\u201310\u201321"}),
        ("anthropic", {"api_version": "2026\n10"}),
        ("openai", {"preset": "openai", "organization": "m\u00fcller"}),
    ],
)
async def test_an_option_that_no_header_can_hold_is_a_fault_of_the_setup(kind: str, options: dict[str, str]) -> None:
    async with there(kind, ANSWERS[kind], options=options) as provider:
        with pytest.raises(SetupBroken, match="characters that cannot be sent"):
            await told(provider, kind)


@pytest.mark.parametrize("tail", ["?api-version=2", "/v1?x=1", "/v1#part"])
@pytest.mark.parametrize("kind", PATHS)
async def test_an_address_with_a_query_is_refused_for_no_path_can_follow(kind: str, tail: str) -> None:
    provider = make_provider(kind, Endpoint(name="there", base_url=f"http://127.0.0.1:9{tail}"))
    with pytest.raises(SetupBroken, match="query"):
        await told(provider, kind)
    await provider.aclose()


@pytest.mark.parametrize("model", ["\ud800", "a\x00b", "../x", "\x1b[31m[/red]"], ids=ascii)
@pytest.mark.parametrize("kind", PATHS)
async def test_a_model_name_of_any_characters_is_asked_for_as_one_name(kind: str, model: str) -> None:
    async with FaultServer() as server:
        server.always(PATHS[kind], ANSWERS[kind])
        provider = make_provider(kind, Endpoint(name="there", base_url=server.url))
        with suppress(ProviderError):
            await told(provider, kind, model=model)
        await provider.aclose()
        (seen,) = server.requests
    assert seen.path.count("/") == PATHS[kind].count("/")


@pytest.mark.parametrize(
    "content", ['{"a":NaN}', '{"a":' * 2_000 + "1" + "}" * 2_000, "\ud800"], ids=["nan", "deep", "half"]
)
@pytest.mark.parametrize("kind", PATHS)
async def test_a_result_of_a_tool_goes_back_whatever_it_looks_like(kind: str, content: str) -> None:
    call = Message(role=Role.ASSISTANT, content="", tool_calls=(ToolCall(name="f", arguments={}),))
    talk = (Message(role=Role.USER, content="Go."), call, Message(role=Role.TOOL, content=content, tool_name="f"))
    async with there(kind, ANSWERS[kind]) as provider:
        assert text_of(await told(provider, kind, messages=talk)) == "Hello"
