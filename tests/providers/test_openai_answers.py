"""Answers of OpenAI-compatible endpoints: streams as each of them sends it, cut anywhere, whole replies, tool calls.

The files in ``recorded/openai`` are named for the endpoint they come from; the comment each begins with names the
source of its shape.
"""

from __future__ import annotations

import asyncio
import json
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import AnswerCut, ModelRefused, ProviderError
from llmdesk.core.types import Completed, FinishReason, TextDelta, ToolCall, Usage
from llmdesk.providers.base import Caps, Endpoint
from llmdesk.providers.ndjson import FrameBroken
from llmdesk.providers.openai.reader import AnswerReader
from llmdesk.providers.sse import EventSplitter
from tests.support.fault_server import FaultServer, Play, json_answer
from tests.support.openai_answers import DONE, MODEL, SSE, answer, chunk, event, events, tokens, usage_chunk, whole
from tests.support.openai_asking import PATH, asking, events_of, openai_at, text_of, thoughts_of

RECORDED = Path(__file__).with_name("recorded") / "openai"


class Told(NamedTuple):
    """What a stream tells."""

    text: str
    thoughts: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    served: str = ""
    finish: FinishReason = FinishReason.STOP


STREAMS = {
    "openai-text": Told("Snow ☃ in Zürich.", usage=Usage(
        input_tokens=31, output_tokens=77, cached_input_tokens=16, reasoning_tokens=64),
        served="gpt-5-mini-2025-08-07"),
    "openai-tools": Told("", calls=(
        ToolCall(name="weather", arguments={"place": "Zürich"}, id="call_a"),
        ToolCall(name="clock", arguments={}, id="call_b"),
    ), usage=Usage(input_tokens=80, output_tokens=40), served="gpt-5-mini-2025-08-07", finish=FinishReason.TOOL_CALLS),
    "groq-text": Told("Hello there", "Short greeting.", usage=Usage(
        input_tokens=72, output_tokens=18, reasoning_tokens=5), served="openai/gpt-oss-20b"),
    "mistral-thinking": Told("It is four.", "Two and two is four.", usage=Usage(
        input_tokens=10, output_tokens=20), served="magistral-medium-2509"),
    "openrouter-reasoning": Told("Yes", "Hm, yes.", usage=Usage(
        input_tokens=9, output_tokens=15, cached_input_tokens=4, reasoning_tokens=6), served="deepseek/deepseek-v4"),
    "vllm-reasoning": Told("Done.", "Thinking.", usage=Usage(
        input_tokens=14, output_tokens=8), served="Qwen/Qwen3-8B"),
    "llamacpp-text": Told("One two", "Let me see.", usage=Usage(
        input_tokens=5, output_tokens=6, cached_input_tokens=0), served="gpt-3.5-turbo", finish=FinishReason.LENGTH),
    "deepseek-reasoning": Told("Then.", "First.", usage=Usage(
        input_tokens=20, output_tokens=9, cached_input_tokens=16, reasoning_tokens=3), served="deepseek-v4-flash"),
    "github-models-text": Told("Bonjour!", usage=Usage(input_tokens=12, output_tokens=2), served="gpt-4o-2024-11-20"),
    "lmstudio-tools": Told("Looking.", calls=(ToolCall(name="find", arguments={"q": 1}, id="365174485"),),
                           served="qwen/qwen3-4b", finish=FinishReason.TOOL_CALLS),
}  # fmt: skip


def reader(**caps: int) -> AnswerReader:
    return AnswerReader(Endpoint(name="there", base_url="http://127.0.0.1", caps=Caps(**caps)), MODEL)


def read(pieces: list[bytes]) -> list[Any]:
    """Follow a stream as the exchange does."""
    splitter, following = EventSplitter(1 << 20), reader()
    found: list[Any] = []
    split = chain(chain.from_iterable(splitter.feed(piece) for piece in pieces), splitter.finish())
    for each in split:
        try:
            found += following.read(each)
        except FrameBroken as problem:
            if following.ended:
                break
            raise following.cut(str(problem)) from None
        if following.completed:
            break
    return [*found, *following.end()]


def told(found: list[Any]) -> Told:
    last = found[-1]
    assert isinstance(last, Completed)
    assert [each for each in found if isinstance(each, Completed)] == [last]
    calls = tuple(each for each in found if isinstance(each, ToolCall))
    return Told(text_of(found), thoughts_of(found), calls, last.usage, last.served_model, last.finish_reason)


def test_every_recorded_stream_is_tried() -> None:
    assert {path.stem for path in RECORDED.glob("*.sse")} == STREAMS.keys()


@pytest.mark.parametrize("name", STREAMS)
async def test_a_recorded_stream_tells_what_it_held(name: str) -> None:
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, Play(headers=SSE, body=((RECORDED / f"{name}.sse").read_bytes(),)))
        assert told(await events_of(provider)) == STREAMS[name]


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_tells_the_same_at_every_cut(name: str) -> None:
    data = (RECORDED / f"{name}.sse").read_bytes()
    for point in range(len(data) + 1):
        assert told(read([data[:point], data[point:]])) == STREAMS[name]


@given(st.data())
def test_a_recorded_stream_tells_the_same_at_many_cuts(draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(sorted(STREAMS)))
    data = (RECORDED / f"{name}.sse").read_bytes()
    points = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=20)))
    pieces = [data[start:end] for start, end in zip([0, *points], [*points, len(data)], strict=True)]
    assert told(read(pieces)) == STREAMS[name]


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_that_stops_early_is_never_complete(name: str) -> None:
    data = (RECORDED / f"{name}.sse").read_bytes()
    ended = data.index(b'"finish_reason":"')
    for point in range(0, ended, 7):
        with pytest.raises(ProviderError) as caught:
            read([data[:point]])
        assert isinstance(caught.value, AnswerCut)


async def test_missing_usage_is_unknown_and_not_zero() -> None:
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, events([chunk("Hi"), chunk(finish="stop")]))
        last = (await events_of(provider))[-1]
    assert isinstance(last, Completed)
    assert last.usage == Usage(input_tokens=None, output_tokens=None)


@pytest.mark.parametrize("bad", [-1, 1.5, "7", True, 1 << 60, None, [], {}])
def test_a_count_that_is_none_is_unknown(bad: object) -> None:
    body = event(chunk("Hi")) + event(chunk(finish="stop", usage={"prompt_tokens": bad, "completion_tokens": bad}))
    assert told(read([body])).usage == Usage()


async def test_the_end_is_not_waited_for_when_usage_came_with_it() -> None:
    hung = Play(headers=SSE, body=(event(chunk("Hi")), event(chunk(finish="stop", usage=tokens())), 60.0))
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, hung)
        async with asyncio.timeout(20):
            assert told(await events_of(provider)).text == "Hi"


async def test_usage_that_never_comes_is_not_waited_for_long() -> None:
    silly = [chunk("Hi"), chunk(finish="stop"), *[{**chunk(), "choices": []}] * 200]
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, events(silly, pause_s=0.1))
        async with asyncio.timeout(15):
            assert told(await events_of(provider)).text == "Hi"


def test_an_event_with_nothing_in_it_only_keeps_the_line_open() -> None:
    assert told(read([b"data:\n\n" + event(chunk("Hi")) + b"data: \n\n" + event(chunk(finish="stop"))])).text == "Hi"


def test_what_is_said_after_the_reason_to_end_is_part_of_the_answer() -> None:
    late = event(chunk("Hi")) + event(chunk(finish="stop")) + event(chunk(" and more")) + event(usage_chunk()) + DONE
    assert told(read([late])).text == "Hi and more"


def test_other_choices_than_the_first_are_not_ours() -> None:
    second = {**chunk(), "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}]}
    assert told(read([event(second) + event(chunk("yes")) + event(chunk(finish="stop"))])).text == "yes"


async def test_events_carry_their_wire_objects_where_that_is_wanted() -> None:
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.always(PATH, answer("Hello", usage=tokens(3, 4)))
        kept = await events_of(provider, asking(keep_wire=True))
        plain = await events_of(provider)
    said, ended = kept
    assert isinstance(said, TextDelta)
    assert isinstance(ended, Completed)
    assert [wire["object"] for wire in said.wires] == ["chat.completion.chunk"]
    assert ended.wire is not None
    assert ended.wire["object"] == "chat.completion.chunk"
    assert ended.wire["usage"] == tokens(3, 4)
    assert (plain[0].wires, plain[1].wire) == ((), None)


# --- whole replies ----------------------------------------------------------------------------------------------------


async def test_a_reply_that_does_not_stream_is_an_answer_too() -> None:
    reply = whole("Hello", reasoning_content="Well.", tool_calls=[
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ], finish="tool_calls")  # fmt: skip
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, json_answer(reply))
        found = told(await events_of(provider))
    assert found == Told("Hello", "Well.", (
        ToolCall(name="f", arguments={"x": 1}, id="a"), ToolCall(name="g", arguments={}, id="b"),
    ), Usage(input_tokens=12, output_tokens=5), MODEL, FinishReason.TOOL_CALLS)  # fmt: skip


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, {"choices": 3}, {"choices": [7]}, {"choices": [{"message": 1}]}]
)
def test_a_reply_that_is_none_is_cut(value: object) -> None:
    with pytest.raises(AnswerCut):
        reader().read_whole(value)


# --- tool calls -------------------------------------------------------------------------------------------------------


def calls_of(*pieces: object, finish: str = "tool_calls") -> tuple[ToolCall, ...]:
    body = b"".join(event(chunk(delta={"tool_calls": [piece]})) for piece in pieces)
    return told(read([body + event(chunk(finish=finish)) + DONE])).calls


def test_calls_without_an_index_are_told_apart_by_their_names() -> None:
    assert calls_of(
        {"id": "a", "function": {"name": "f", "arguments": '{"x":'}},
        {"function": {"arguments": "1}"}},
        {"id": "b", "function": {"name": "g", "arguments": {"y": 2}}},
    ) == (ToolCall(name="f", arguments={"x": 1}, id="a"), ToolCall(name="g", arguments={"y": 2}, id="b"))


def test_calls_may_come_interleaved_and_end_with_stop() -> None:
    assert calls_of(
        {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}},
        {"index": 0, "id": "a", "function": {"name": "f"}},
        {"index": 1, "function": {"arguments": "}"}},
        finish="stop",
    ) == (ToolCall(name="g", arguments={}, id="b"), ToolCall(name="f", arguments={}, id="a"))


def test_the_old_way_of_calling_is_understood() -> None:
    body = event(chunk(delta={"function_call": {"name": "f", "arguments": '{"x"'}}))
    body += event(chunk(delta={"function_call": {"arguments": ":1}"}})) + event(chunk(finish="function_call"))
    assert told(read([body])).calls == (ToolCall(name="f", arguments={"x": 1}),)


@pytest.mark.parametrize(
    "piece",
    [
        7,
        {"index": 0, "function": 7},
        {"index": 0, "function": {"name": 7}},
        {"index": 0, "function": {"name": "f", "arguments": 7}},
        {"index": 0, "function": {"name": "f", "arguments": "[1]"}},
        {"index": 0, "function": {"name": "f", "arguments": '{"a": NaN}'}},
        {"index": 0, "function": {"name": "f", "arguments": "{} {}"}},
        {"index": 0, "function": {"name": "f", "arguments": '{"a":' * 9_000}},
        {"index": 0, "function": {"arguments": "{}"}},
    ],
)
def test_a_damaged_call_is_a_cut_answer(piece: object) -> None:
    with pytest.raises(AnswerCut):
        calls_of(piece)


def test_calls_that_were_cut_by_the_limit_are_none() -> None:
    assert calls_of({"index": 0, "function": {"name": "f", "arguments": '{"x":'}}, finish="length") == ()


@pytest.mark.parametrize("piece", [{"index": 0, "function": {"arguments": "x" * 1_000}}, None], ids=["long", "many"])
def test_calls_are_bounded_like_any_answer(piece: dict[str, object] | None) -> None:
    def feed_all() -> None:
        following, splitter = reader(answer=100_000), EventSplitter(1 << 20)
        for number in range(1_000):
            one = piece or {"index": number, "function": {"name": "f"}}
            for each in splitter.feed(event(chunk(delta={"tool_calls": [one]}))):
                following.read(each)

    with pytest.raises(AnswerCut, match="larger"):
        feed_all()


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_a_model_said_when_it_declined_is_kept() -> None:
    body = event(chunk(delta={"refusal": "I will not. " * 100})) + event(chunk(finish="stop"))
    with pytest.raises(ModelRefused) as caught:
        read([body])
    assert len(caught.value.message) <= 200
    assert caught.value.details.startswith("I will not. I will not.")
    assert len(caught.value.details) > 1_000


@pytest.mark.parametrize(
    "broken",
    [
        {"choices": 7},
        {"choices": [7]},
        {"choices": [{"delta": 7}]},
        {"choices": [{"delta": {"content": 7}}]},
        {"choices": [{"delta": {"content": [7]}}]},
        {"choices": [{"delta": {"reasoning": 7}}]},
        {"choices": [{"delta": {"tool_calls": 7}}]},
    ],
)
def test_a_chunk_that_is_none_cuts_the_answer(broken: object) -> None:
    with pytest.raises(AnswerCut):
        read([event(chunk("Hi")) + event(broken)])


# --- many at once -----------------------------------------------------------------------------------------------------


async def test_twenty_streams_on_one_adapter_do_not_mix() -> None:
    def play(number: int) -> Play:
        name = f"model-{number}"
        words = [chunk(f"{number} ", model=name) for _ in range(30)]
        return events(
            [*words, chunk(finish="stop", model=name), usage_chunk(tokens(number, 30), model=name)], pause_s=0.002
        )

    async with FaultServer() as server, openai_at(server.url) as provider:

        def answer_by_prompt(seen: Any) -> None:
            server.play(PATH, play(int(json.loads(seen.body)["messages"][0]["content"])))

        server.on_request = answer_by_prompt
        found = await asyncio.gather(*(events_of(provider, asking(str(number))) for number in range(20)))
    for number, each in enumerate(found):
        assert told(each) == Told(f"{number} " * 30, usage=Usage(input_tokens=number, output_tokens=30),
                                  served=f"model-{number}")  # fmt: skip
