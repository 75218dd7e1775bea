"""Gemini's answers: recorded streams, lists instead of streams, many at once, bodies without end."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import AnswerCut, ErrorKind, ModelRefused, ProviderError, QuotaReached
from llmdesk.core.types import Completed, FinishReason, Message, Role, ToolCall, Usage
from llmdesk.providers.base import Caps, Endpoint
from llmdesk.providers.google.reader import FINISH_REASONS, AnswerReader
from tests.support.fault_server import FaultServer, Play
from tests.support.google_answers import MODEL, PATH, SSE, answer, event, last, played, response
from tests.support.google_asking import asking, events_of, google_at
from tests.support.google_scenes import SCENES, endless_error, endless_line
from tests.support.wire_readers import RECORDED, cut, read, told

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
ENDPOINT = Endpoint(name="there", base_url="https://generativelanguage.googleapis.com")
FIXTURES = {path.stem: path.read_bytes() for path in sorted((RECORDED / "google").glob("*.sse"))}
SERVED = "gemini-3.8-flash"


def reader() -> AnswerReader:
    return AnswerReader(ENDPOINT, MODEL)


ANSWERS = {
    "generate-text": (("Grüße from ☃\n", ""), [], Completed(
        finish_reason=FinishReason.STOP, served_model=SERVED,
        usage=Usage(input_tokens=8, output_tokens=6, cached_input_tokens=3))),
    "generate-thinking": (("Four.", "**Adding**\n\nTwo and two."), [], Completed(
        finish_reason=FinishReason.STOP, served_model=SERVED,
        usage=Usage(input_tokens=12, output_tokens=36, reasoning_tokens=33))),
    "generate-tools": (("", ""), [
        ToolCall(name="get_weather", arguments={"location": "Lisbon"}, id="fc-1"), ToolCall(name="now", arguments={})],
        Completed(finish_reason=FinishReason.TOOL_CALLS, served_model=SERVED,
                  usage=Usage(input_tokens=64, output_tokens=20))),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_is_read_whole(name: str) -> None:
    texts, calls, ended = ANSWERS[name]
    events = read([FIXTURES[name]], reader)
    assert told(events) == texts
    assert [event for event in events if isinstance(event, ToolCall)] == calls
    assert events[-1] == ended


@pytest.mark.parametrize("name", ANSWERS)
def test_no_cut_of_a_recorded_stream_changes_what_is_read(name: str) -> None:
    data = FIXTURES[name]
    whole = read([data], reader)
    for point in range(len(data) + 1):
        assert read([data[:point], data[point:]], reader) == whole


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 5_000), max_size=40))
def test_many_cuts_change_nothing_either(name: str, points: list[int]) -> None:
    assert read(cut(FIXTURES[name], points), reader) == read([FIXTURES[name]], reader)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_that_stops_before_its_reason_is_cut(name: str) -> None:
    data = FIXTURES[name]
    for point in range(0, data.index(b'"finishReason"'), 7):
        with pytest.raises((AnswerCut, ValueError)):
            read([data[:point]], reader)


def test_a_blocked_prompt_is_a_refusal_with_its_reason() -> None:
    with pytest.raises(ModelRefused, match="PROHIBITED_CONTENT"):
        read([FIXTURES["generate-blocked"]], reader)


def test_every_row_that_can_be_played_has_a_scene() -> None:
    rows = {scene.row.partition(".")[0] for scene in SCENES}
    assert {f"E{number}" for number in range(1, 9)} - rows == {"E7"}
    assert {f"N{number}" for number in range(1, 17)} - rows == {"N4", "N15"}
    assert len({scene.row for scene in SCENES}) == len(SCENES)


def test_every_known_reason_to_stop_has_a_scene() -> None:
    shown = {scene.row.partition(".")[2] for scene in SCENES if scene.row.startswith("E6.")}
    assert shown == FINISH_REASONS | {"unknown"}
    assert len(FINISH_REASONS) == 24


# --- over a socket ----------------------------------------------------------------------------------------------------


async def test_a_list_instead_of_a_stream_is_the_same_answer() -> None:
    play = Play(body=((RECORDED / "google" / "generate-array.json").read_bytes(),))
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(PATH, play)
        events = await events_of(provider)
    assert told(events) == ("Hello you.", "")
    assert events[-1] == Completed(
        finish_reason=FinishReason.STOP, usage=Usage(input_tokens=8, output_tokens=3), served_model=SERVED
    )


async def test_a_daily_quota_among_others_is_class_quota() -> None:
    body = (RECORDED / "google" / "gemini-cli-8437-quota.json").read_bytes()
    async with FaultServer() as server, google_at(server.url) as provider:
        server.always(PATH, Play(status=429, body=(body,)))
        with pytest.raises(QuotaReached, match="daily limit") as caught:
            await events_of(provider)
        assert server.count(PATH) == 1
    assert caught.value.hint_s == pytest.approx(34.07, abs=0.01)


async def test_counts_after_the_reason_to_stop_are_read() -> None:
    usage = {"usageMetadata": {"promptTokenCount": 3, "thoughtsTokenCount": 4}}
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(PATH, played([response({"text": "Hello"}, reason="STOP"), usage]))
        ended = (await events_of(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == Usage(input_tokens=3, output_tokens=4, reasoning_tokens=4)


async def test_usage_that_is_not_told_is_unknown() -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(PATH, played([response({"text": "Hello"}, reason="STOP", usageMetadata={"promptTokenCount": -1})]))
        ended = (await events_of(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == Usage()


async def test_where_it_is_wanted_events_carry_what_they_were_made_of() -> None:
    ends = last()
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(PATH, played([response({"text": "Hello"}), ends]))
        text, ended = await events_of(provider, asking(keep_wire=True))
        server.play(PATH, answer("Hello"))
        plain = await events_of(provider)
    assert text.wires == (response({"text": "Hello"}),)
    assert ended.wire == ends
    assert (plain[0].wires, plain[1].wire) == ((), None)


async def test_a_call_goes_back_with_the_signature_it_came_with() -> None:
    call = {"functionCall": {"name": "now", "args": {}}, "thoughtSignature": "c2ln"}
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(PATH, played([last("STOP", call)]))
        made, _ = await events_of(provider, asking(keep_wire=True))
        assert isinstance(made, ToolCall)
        server.play(PATH, answer("Noon."))
        talk = (
            Message(role=Role.USER, content="Time?"),
            Message(role=Role.ASSISTANT, content="", tool_calls=(made,)),
            Message(role=Role.TOOL, content="12:00", tool_name="now"),
        )
        await events_of(provider, type(asking())(model=MODEL, messages=talk))
        sent = server.seen(PATH)[-1].json["contents"][1]
    assert sent == {"role": "model", "parts": [call]}


async def test_twenty_answers_at_once_do_not_mix() -> None:
    async with FaultServer() as server, google_at(server.url) as provider:

        async def ask(number: int) -> str:
            return told(await events_of(provider, asking(f"Number {number}")))[0]

        server.on_request = lambda seen: server.play(
            PATH, answer(*f"[{seen.json['contents'][0]['parts'][0]['text']}]".partition(" "))
        )
        said = await asyncio.gather(*(ask(number) for number in range(20)))
    assert said == [f"[Number {number}]" for number in range(20)]


# --- bodies without end -----------------------------------------------------------------------------------------------


def endless_text() -> Iterator[bytes]:
    return itertools.repeat(event(response({"text": "x" * 4_000})))


def endless_empty() -> Iterator[bytes]:
    return itertools.repeat(event(response({"functionCall": {"name": "now"}})) * 100)


def endless_stopping() -> Iterator[bytes]:
    return itertools.repeat(event(last("STOP", {"text": "x" * 4_000})))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (endless_line, ErrorKind.TRUNCATED),
        (endless_text, ErrorKind.TRUNCATED),
        (endless_empty, ErrorKind.TRUNCATED),
        (endless_stopping, ErrorKind.TRUNCATED),
        (endless_error, ErrorKind.SERVER),
    ],
)
async def test_memory_stays_bounded_under_bodies_without_end(body: object, kind: ErrorKind) -> None:
    caps = Caps(line=MIB, answer=MIB)
    async with FaultServer() as server, google_at(server.url, caps=caps) as provider:
        server.play(PATH, answer("Hello"))
        await events_of(provider)  # everything is imported and connected
        server.play(PATH, Play(headers=SSE, body=body, status=500 if kind is ErrorKind.SERVER else 200))  # type: ignore[arg-type]
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError) as caught:
                await events_of(provider)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert caught.value.kind is kind
    assert peak < 8 * MIB
