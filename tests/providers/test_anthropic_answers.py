"""Anthropic's answers: recorded streams, paused turns, many at once, bodies without end."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import AnswerCut, ErrorKind, ModelRefused, ProviderError, ServerFailed
from llmdesk.core.types import Completed, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from llmdesk.providers.answer_log import AnswerLog
from llmdesk.providers.anthropic.blocks import Spent
from llmdesk.providers.anthropic.reader import AnswerReader
from llmdesk.providers.base import Caps, Endpoint
from tests.support.anthropic_answers import (
    END,
    MODEL,
    PATH,
    SSE,
    answer,
    begun,
    block,
    call_block,
    event,
    played,
    stopped,
    text_block,
    thinking_block,
)
from tests.support.anthropic_asking import anthropic_at, asking, events_of
from tests.support.anthropic_scenes import SCENES, endless_error, endless_line
from tests.support.fault_server import FaultServer, Play
from tests.support.wire_readers import RECORDED, cut, read, told

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
SEARCH = {"type": "web_search_20260209", "name": "web_search"}
ENDPOINT = Endpoint(name="there", base_url="https://api.anthropic.com")
FIXTURES = {path.stem: path.read_bytes() for path in sorted((RECORDED / "anthropic").glob("*.sse"))}


def reader(*, keep_blocks: bool = False) -> AnswerReader:
    return AnswerReader(
        ENDPOINT, MODEL, log=AnswerLog(ENDPOINT), spent=Spent(), keep_blocks=keep_blocks, now=lambda: 0.0
    )


ANSWERS = {
    "messages-text": (("Grüße from ☃\n", ""), [], Completed(
        finish_reason=FinishReason.STOP, served_model="claude-sonnet-5-5",
        usage=Usage(input_tokens=1_211, output_tokens=6, cached_input_tokens=1_000, cache_write_tokens=200))),
    "messages-thinking": (("Four.", "Two and two."), [], Completed(
        finish_reason=FinishReason.STOP, served_model="claude-opus-5-5",
        usage=Usage(
            input_tokens=25, output_tokens=40, cached_input_tokens=0, cache_write_tokens=0, reasoning_tokens=33))),
    "messages-tools": (("I will look.", ""), [
        ToolCall(name="get_weather", arguments={"location": "Lisbon"}, id="toolu_01"),
        ToolCall(name="now", arguments={}, id="toolu_02")], Completed(
        finish_reason=FinishReason.TOOL_CALLS, served_model="claude-sonnet-5-5",
        usage=Usage(input_tokens=377, output_tokens=65, cached_input_tokens=0, cache_write_tokens=0))),
    "messages-fallback": (("Hello there.", ""), [], Completed(
        finish_reason=FinishReason.STOP, served_model="claude-sonnet-5-5",
        usage=Usage(input_tokens=25, output_tokens=8))),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_is_read_whole(name: str) -> None:
    texts, calls, last = ANSWERS[name]
    events = read([FIXTURES[name]], reader)
    assert told(events) == texts
    assert [event for event in events if isinstance(event, ToolCall)] == calls
    assert events[-1] == last


@pytest.mark.parametrize("name", FIXTURES)
def test_no_cut_of_a_recorded_stream_changes_what_is_read(name: str) -> None:
    data = FIXTURES[name]
    whole = read([data], reader)
    for point in range(len(data) + 1):
        assert read([data[:point], data[point:]], reader) == whole


@given(st.sampled_from(sorted(FIXTURES)), st.lists(st.integers(0, 5_000), max_size=40))
def test_many_cuts_change_nothing_either(name: str, points: list[int]) -> None:
    assert read(cut(FIXTURES[name], points), reader) == read([FIXTURES[name]], reader)


@pytest.mark.parametrize("name", sorted(set(FIXTURES) - {"messages-pause"}))
def test_a_stream_that_stops_anywhere_before_its_end_is_cut(name: str) -> None:
    data = FIXTURES[name].rstrip()
    for point in range(0, len(data) - len('{"type":"message_stop"}'), 7):
        with pytest.raises((AnswerCut, ValueError)):
            read([data[:point]], reader)


def test_every_row_that_can_be_played_has_a_scene() -> None:
    rows = {scene.row.partition(".")[0] for scene in SCENES}
    assert {f"A{number}" for number in range(1, 10)} <= rows
    assert {f"N{number}" for number in range(1, 17)} - rows == {"N4", "N15"}
    assert len({scene.row for scene in SCENES}) == len(SCENES)


# --- over a socket ----------------------------------------------------------------------------------------------------


async def test_thinking_comes_before_the_answer_and_apart_from_it() -> None:
    play = played([begun(), *thinking_block("Let me ", "think."), *text_block("Four.", index=1), stopped(), END])
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(PATH, play)
        events = await events_of(provider)
    assert [type(event) for event in events] == [ReasoningDelta, ReasoningDelta, TextDelta, Completed]
    assert told(events) == ("Four.", "Let me think.")


async def test_a_paused_turn_is_continued_with_what_was_said() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(PATH, Play(headers=SSE, body=(FIXTURES["messages-pause"],)), answer("It is ", "warm."))
        events = await events_of(provider, asking("Weather?", tools=(SEARCH,)))
        first, second = (seen.json for seen in server.seen(PATH))
    assert told(events) == ("Searching. It is warm.", "")
    assert [event for event in events if isinstance(event, Completed)] == [
        Completed(
            finish_reason=FinishReason.STOP,
            usage=Usage(input_tokens=61, output_tokens=26),
            served_model=MODEL,
        )
    ]
    assert second["messages"] == [
        *first["messages"],
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Searching. "},
                {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "weather"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_01",
                    "content": [
                        {
                            "type": "web_search_result",
                            "title": "Weather",
                            "url": "https://weather.example/",
                            "encrypted_content": "Eo8B",
                        }
                    ],
                },
            ],
        },
    ]
    assert {**second, "messages": []} == {**first, "messages": []}


async def test_a_turn_is_continued_three_times_and_no_more() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.always(PATH, answer("Still ", reason="pause_turn"))
        with pytest.raises(ServerFailed, match="still paused after 3"):
            await events_of(provider, asking(tools=(SEARCH,)))
        assert server.count(PATH) == 4
        content = server.seen(PATH)[-1].json["messages"][-1]["content"]
        assert content == [{"type": "text", "text": "Still "}] * 3


async def test_a_refusal_in_a_continued_turn_is_a_refusal() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(PATH, answer("Hm. ", reason="pause_turn"), answer(reason="refusal"))
        with pytest.raises(ModelRefused):
            await events_of(provider, asking(tools=(SEARCH,)))


async def test_where_it_is_wanted_events_carry_what_they_were_made_of() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(PATH, answer("Hello"))
        text, last = await events_of(provider, asking(keep_wire=True))
        server.play(PATH, answer("Hello"))
        plain = await events_of(provider)
    assert text.wires == (
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    )
    assert last.wire is not None
    assert last.wire["usage"] == {"output_tokens": 6}
    assert (plain[0].wires, plain[1].wire) == ((), None)


async def test_usage_that_is_not_told_is_unknown() -> None:
    silent = event("message_start", message={"type": "message", "model": MODEL, "content": []})
    ended = event("message_delta", delta={"stop_reason": "end_turn"})
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(PATH, played([silent, *text_block("Hello"), ended, END]))
        last = (await events_of(provider))[-1]
    assert isinstance(last, Completed)
    assert last.usage == Usage()


async def test_twenty_answers_at_once_do_not_mix() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:

        async def ask(number: int) -> str:
            return told(await events_of(provider, asking(f"Number {number}")))[0]

        server.on_request = lambda seen: server.play(
            PATH, answer(*f"[{seen.json['messages'][0]['content'][0]['text']}]".partition(" "))
        )
        said = await asyncio.gather(*(ask(number) for number in range(20)))
    assert said == [f"[Number {number}]" for number in range(20)]


# --- bodies without end -----------------------------------------------------------------------------------------------


def endless_text() -> Iterator[bytes]:
    delta = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 4_000})
    return itertools.chain([begun()], itertools.repeat(delta))


def endless_call() -> Iterator[bytes]:
    delta = event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "1" * 4_000})
    return itertools.chain([begun(), call_block("weather")[0]], itertools.repeat(delta))


def endless_results() -> Iterator[bytes]:
    result = b"".join(block(0, {"type": "web_search_tool_result", "content": "x" * 4_000}))
    return itertools.chain([begun()], itertools.repeat(result))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (endless_line, ErrorKind.TRUNCATED),
        (endless_text, ErrorKind.TRUNCATED),
        (endless_call, ErrorKind.TRUNCATED),
        (endless_results, ErrorKind.TRUNCATED),
        (endless_error, ErrorKind.SERVER),
    ],
)
async def test_memory_stays_bounded_under_bodies_without_end(body: object, kind: ErrorKind) -> None:
    caps = Caps(line=MIB, answer=MIB)
    async with FaultServer() as server, anthropic_at(server.url, caps=caps) as provider:
        server.play(PATH, answer("Hello"))
        await events_of(provider)  # everything is imported and connected
        server.play(PATH, Play(headers=SSE, body=body, status=500 if kind is ErrorKind.SERVER else 200))  # type: ignore[arg-type]
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError) as caught:
                await events_of(provider, asking(tools=(SEARCH,)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert caught.value.kind is kind
    assert peak < 8 * MIB
