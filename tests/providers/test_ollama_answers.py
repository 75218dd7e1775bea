"""What comes back: events out of streams, in every form a server sends them."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import AnswerCut, ErrorKind, ProviderError, RateLimited
from llmdesk.core.types import ChatRequest, Completed, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from llmdesk.providers.base import Caps, Endpoint, Timeouts
from llmdesk.providers.ndjson import LineSplitter, objects
from llmdesk.providers.ollama.wire import AnswerReader
from tests.support.fault_server import (
    FaultServer,
    Play,
    chat_answer,
    chat_chunk,
    done_chunk,
    embeddings,
    generate_answer,
    line,
    stream,
)
from tests.support.ollama_answers import NDJSON
from tests.support.ollama_asking import asking, events_of, ollama_at, text_of
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from llmdesk.core.types import ProviderEvent

CALL = {"id": "call_c1ari8k4", "function": {"index": 0, "name": "web_search", "arguments": {"query": "nota"}}}
SECOND = {"function": {"name": "clock", "arguments": {}}}


async def answered(play: Play, request: ChatRequest | None = None, *, caps: Caps | None = None) -> list[ProviderEvent]:
    request = request or asking()
    async with FaultServer() as server:
        server.play({"chat": "/api/chat", "generate": "/api/generate", "embed": "/api/embed"}[request.endpoint], play)
        async with ollama_at(server.url, caps=caps or Caps()) as provider:
            return await events_of(provider, request)


async def failed(play: Play, **more: Caps) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await answered(play, **more)
    return caught.value


async def test_text_usage_and_served_model_come_from_the_wire() -> None:
    events = await answered(chat_answer("Hello from Ollama.", model="gpt-oss:120b", input_tokens=7, output_tokens=9))
    assert text_of(events) == "Hello from Ollama."
    assert events[-1] == Completed(
        finish_reason=FinishReason.STOP, usage=Usage(input_tokens=7, output_tokens=9), served_model="gpt-oss:120b"
    )


async def test_the_last_event_of_each_object_carries_it_where_that_is_wanted() -> None:
    first = chat_chunk("Hi", thinking="Hm", logprobs=[{"token": "Hi", "logprob": -0.1}])
    last = done_chunk("!", tool_calls=[CALL])
    events = await answered(stream([first, last]), asking(keep_wire=True))
    thought, *said, called, ended = events  # what was said may come in one piece or in two
    assert isinstance(thought, ReasoningDelta)
    assert isinstance(called, ToolCall)
    assert isinstance(ended, Completed)
    assert "".join(event.text for event in said if isinstance(event, TextDelta)) == "Hi!"
    assert [wire for event in (thought, *said) for wire in event.wires] == [first]
    assert (called.wire, ended.wire) == (None, last)


async def test_counts_the_server_left_out_are_unknown() -> None:
    events = await answered(chat_answer("Hi", input_tokens=None, output_tokens=None))
    assert isinstance(events[-1], Completed)
    assert events[-1].usage == Usage(input_tokens=None, output_tokens=None)


@pytest.mark.parametrize("value", [True, -1, 1.5, "12", None])
async def test_counts_that_are_none_are_unknown(value: object) -> None:
    events = await answered(stream([chat_chunk("Hi"), {**done_chunk(), "eval_count": value}]))
    assert isinstance(events[-1], Completed)
    assert events[-1].usage == Usage(input_tokens=12, output_tokens=None)


async def test_reasoning_is_apart_from_text() -> None:
    events = await answered(chat_answer("42", thinking="Six times seven."))
    assert "".join(e.text for e in events if isinstance(e, ReasoningDelta)) == "Six times seven."
    assert text_of(events) == "42"


async def test_text_on_the_done_line_belongs_to_the_answer() -> None:
    assert text_of(await answered(stream([chat_chunk("Hello "), done_chunk("world")]))) == "Hello world"


@pytest.mark.parametrize("on_done", [False, True])
async def test_tool_calls_are_read_on_either_line(on_done: bool) -> None:
    calls = [CALL, SECOND]
    chunks = [done_chunk(tool_calls=calls)] if on_done else [chat_chunk(tool_calls=calls), done_chunk()]
    events = await answered(stream(chunks))
    assert [event for event in events if isinstance(event, ToolCall)] == [
        ToolCall(name="web_search", arguments={"query": "nota"}, id="call_c1ari8k4"),
        ToolCall(name="clock", arguments={}),
    ]
    assert isinstance(events[-1], Completed)
    assert events[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "message",
    [
        "text",
        None,
        {"content": 3},
        {"content": "", "thinking": []},
        {"content": "", "tool_calls": {}},
        {"content": "", "tool_calls": ["f"]},
        {"content": "", "tool_calls": [{"function": {"name": 3, "arguments": {}}}]},
        {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    ],
)
async def test_a_malformed_object_cuts_the_answer(message: object) -> None:
    problem = await failed(stream([chat_chunk("Hello"), {"message": message, "done": False}, done_chunk()]))
    assert problem.kind is ErrorKind.TRUNCATED
    assert "5 characters" in problem.message


async def test_a_null_content_is_no_text() -> None:
    chunk = {"message": {"role": "assistant", "content": None}, "done": False}
    assert text_of(await answered(stream([chunk, chat_chunk("Hi"), done_chunk()]))) == "Hi"


@pytest.mark.parametrize("done", ["true", 1, None])
async def test_only_a_true_done_completes(done: object) -> None:
    problem = await failed(stream([chat_chunk("Hello"), {**done_chunk(), "done": done}]))
    assert problem.kind is ErrorKind.TRUNCATED


async def test_an_absent_reason_is_a_stop() -> None:
    events = await answered(chat_answer("Hi", reason=None))
    assert isinstance(events[-1], Completed)
    assert events[-1].finish_reason is FinishReason.STOP


async def test_an_empty_answer_cut_by_its_limit_is_complete() -> None:
    events = await answered(chat_answer("", reason="length"))
    assert isinstance(events[-1], Completed)
    assert events[-1].finish_reason is FinishReason.LENGTH


async def test_surrogates_in_an_answer_are_replaced() -> None:
    body = rb'{"message":{"content":"a\ud800b"},"done":false}' + b"\n" + line(done_chunk())
    assert text_of(await answered(Play(headers=NDJSON, body=(body,)))) == "a\ufffdb"


async def test_escape_sequences_pass_as_received() -> None:
    hostile = "\x1b]52;c;aGk=\x07 [/red] \u202e"
    assert text_of(await answered(chat_answer(hostile))) == hostile


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("you've reached your weekly usage limit, please wait", ErrorKind.QUOTA),
        ("rate limit exceeded", ErrorKind.RATE),
        ("unauthorized", ErrorKind.AUTH),
        ("unexpected EOF", ErrorKind.SERVER),
        ("", ErrorKind.SERVER),
    ],
)
async def test_an_error_in_mid_stream_is_classed_by_its_text(text: str, kind: ErrorKind) -> None:
    problem = await failed(stream([chat_chunk("Hello"), {"error": text}]))
    assert (problem.kind, problem.http_status) == (kind, None)


async def test_an_error_in_mid_stream_that_tells_its_status_is_classed_by_it() -> None:
    wrapped = {"StatusCode": 429, "Status": "429 Too Many Requests", "error": "slow down"}
    problem = await failed(stream([chat_chunk("Hello"), wrapped]))
    assert isinstance(problem, RateLimited)
    assert problem.http_status == 429


async def test_an_error_as_the_only_object_of_a_200_is_a_failure() -> None:
    problem = await failed(stream([{"error": {"message": "boom", "type": "api_error"}}]))
    assert problem.kind is ErrorKind.SERVER
    assert "boom" in problem.message


async def test_an_answer_larger_than_its_cap_is_cut() -> None:
    problem = await failed(chat_answer("x" * 3_000), caps=Caps(answer=2_000))
    assert isinstance(problem, AnswerCut)
    assert "larger than 2 000 bytes" in problem.message


async def test_lines_may_be_large_and_an_answer_small_under_its_cap() -> None:
    padding = {"logprobs": [{"token": "x" * 500}]}
    chunks = [chat_chunk("y", **padding) for _ in range(50)]
    events = await answered(stream([*chunks, done_chunk()]), caps=Caps(answer=2_000))
    assert text_of(events) == "y" * 50


async def test_generate_reads_response_and_thinking() -> None:
    events = await answered(generate_answer("Hello.", thinking="Hm."), asking(endpoint="generate", keep_wire=True))
    assert [type(event) for event in events] == [ReasoningDelta, TextDelta, Completed]
    assert text_of(events) == "Hello."
    assert events[-1].wire is not None
    assert events[-1].wire["context"] == [1, 2, 3]


async def test_generate_without_a_response_is_cut() -> None:
    with pytest.raises(AnswerCut):
        await answered(stream([chat_chunk("chat on the wrong route")]), asking(endpoint="generate"))


async def test_embed_is_one_event_with_the_whole_answer() -> None:
    request = ChatRequest(model="embeddinggemma", messages=(), endpoint="embed", extra={"input": ["a", "b"]})
    (event,) = await answered(embeddings([[0.1, 0.2], [0.3, 0.4]]), request)
    assert isinstance(event, Completed)
    assert event.wire is not None
    assert event.wire["embeddings"] == [[0.1, 0.2], [0.3, 0.4]]
    assert event.usage == Usage(input_tokens=3, output_tokens=None)
    assert event.served_model == "embeddinggemma:latest"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"model":"m"}', ErrorKind.TRUNCATED),
        (b"", ErrorKind.TRUNCATED),
        (b'{"embeddings":[[NaN]]}', ErrorKind.TRUNCATED),
        (b'{"embeddings":[[1', ErrorKind.TRUNCATED),
        (b'{"error":"boom"}', ErrorKind.SERVER),
    ],
)
async def test_a_broken_embed_answer_has_its_class(body: bytes, kind: ErrorKind) -> None:
    request = ChatRequest(model="m", messages=(), endpoint="embed", extra={"input": "a"})
    with pytest.raises(ProviderError) as caught:
        await answered(Play(body=(body,), framing="length"), request)
    assert caught.value.kind is kind


async def test_embedding_with_a_chat_model_is_gone() -> None:
    request = ChatRequest(model="m", messages=(), endpoint="embed", extra={"input": "a"})
    text = "This server does not support embeddings. Start it with `--embeddings`"
    with pytest.raises(ProviderError) as caught:
        await answered(Play(status=501, body=(line({"error": text}),)), request)
    assert caught.value.kind is ErrorKind.GONE


async def test_answers_share_a_connection() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        for _ in range(3):
            await events_of(provider)
        assert server.connections == 1


async def test_a_complete_answer_does_not_wait_for_a_server_that_stays() -> None:
    play = chat_answer("Hi", tail=())
    lingering = Play(headers=NDJSON, body=(*play.body, 30.0))
    started = time.monotonic()
    assert text_of(await answered(lingering)) == "Hi"
    assert time.monotonic() - started < 10.0


async def test_content_restarts_the_content_timer() -> None:
    pause_s = allowed(0.1)
    slow = chat_answer("0123456789" * 2, size=2, pause_s=pause_s)
    async with FaultServer() as server:
        server.play("/api/chat", slow)
        async with ollama_at(server.url, timeouts=Timeouts(content_s=6 * pause_s, idle_s=6 * pause_s)) as provider:
            assert text_of(await events_of(provider)) == "0123456789" * 2


async def test_the_whole_call_ends_at_its_total_limit() -> None:
    endless = stream([chat_chunk("x") for _ in range(600)], pause_s=0.05)
    async with FaultServer() as server:
        server.play("/api/chat", endless)
        async with ollama_at(server.url, timeouts=Timeouts(total_s=0.3)) as provider:
            started = time.monotonic()
            with pytest.raises(ProviderError) as caught:
                await events_of(provider)
    assert caught.value.kind is ErrorKind.SILENT
    assert 0.25 < time.monotonic() - started < 10


# --- every way to cut a whole stream into segments -------------------------------------------------------------------

WHOLE = b"\r\n".join(
    line(chunk).strip()
    for chunk in (
        chat_chunk(thinking="Überlegung ☃"),
        chat_chunk("zwölf \U0001f9a9 "),
        chat_chunk("Boxkämpfer", tool_calls=[CALL]),
        done_chunk("!"),
    )
)


def read(pieces: list[bytes]) -> list[ProviderEvent]:
    reader = AnswerReader(Endpoint(name="local", base_url="http://127.0.0.1"), "gemma3:4b", "chat")
    splitter = LineSplitter(1 << 20)
    lines = [found for piece in pieces for found in splitter.feed(piece)] + list(splitter.finish())
    events = [event for found in lines for chunk in objects(found) for event in reader.read(chunk)]
    assert reader.completed
    return events


def test_every_split_point_gives_the_same_events() -> None:
    expected = read([WHOLE])
    assert text_of(expected) == "zwölf \U0001f9a9 Boxkämpfer!"
    for point in range(len(WHOLE) + 1):
        assert read([WHOLE[:point], WHOLE[point:]]) == expected
    for size in range(1, 40):
        edges = [*range(0, len(WHOLE), size), len(WHOLE)]
        assert read([WHOLE[start:end] for start, end in pairwise(edges)]) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64])
async def test_segments_on_a_real_socket_give_the_same_events(size: int) -> None:
    steps = tuple(WHOLE[start : start + size] for start in range(0, len(WHOLE), size))
    assert await answered(Play(headers=NDJSON, body=steps)) == read([WHOLE])
