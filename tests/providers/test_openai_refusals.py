"""Refusals of OpenAI-compatible endpoints: every wrapping, no key in any message, what is told of a retired service."""

from __future__ import annotations

import json
import tracemalloc
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import ErrorKind, ProviderError, QuotaReached
from llmdesk.providers.base import Caps, Endpoint
from llmdesk.providers.openai.errors import RULES, failure
from llmdesk.providers.openai.said import Said, read_error, unwrap
from tests.support.fault_server import FaultServer, Play, gzip_bomb, plain
from tests.support.openai_answers import DONE, SSE, answer, chunk, event, events, refused, said
from tests.support.openai_asking import PATH, asking, events_of, openai_at
from tests.support.openai_scenes import endless_error, endless_line

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-canary-7f3a9c+Zq/1d24e8b0aa"
MIB = 1 << 20
HERE = Endpoint(name="there", base_url="https://api.example/v1", key=KEY, key_source="$THE_KEY")

WRAPPED = {
    "object": {"error": {"message": "the words", "type": "t", "param": None, "code": None}},
    "text": {"error": "the words"},
    "message": {"message": "the words"},
    "detail": {"detail": "the words"},
    "list": [{"error": {"message": "the words"}}],
    "vllm": {"object": "error", "message": "the words", "type": "BadRequestError", "param": None, "code": 400},
    "fastapi": {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "the words"}]},
    "mistral": {"object": "error", "message": {"detail": [{"loc": ["body", "x"], "msg": "the words"}]}},
    "in a string": {"error": json.dumps({"error": {"message": "the words"}})},
    "in a string twice": {"error": {"message": json.dumps({"error": json.dumps({"message": "the words"})})}},
    "bare": "the words",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_the_words_are_found_in_every_wrapping(name: str) -> None:
    assert read_error(400, json.dumps(WRAPPED[name]).encode()).text == "the words"


def test_plain_text_is_its_own_words_and_a_page_has_none() -> None:
    assert read_error(500, b"  upstream connect error  ") == Said(status=500, text="upstream connect error")
    assert read_error(502, b"<html><h1>Bad Gateway</h1></html>") == Said(status=502, page=True)
    assert read_error(502, b"") == Said(status=502)


def test_marks_numbers_and_names_stand_beside_the_words() -> None:
    found = unwrap(400, {"error": {"message": "no", "code": "c", "type": "t", "param": "p", "n_ctx": 4096}})
    assert (found.marks, found.param, found.window) == ("c t p", "p", 4096)


def test_openrouter_passes_on_what_its_provider_said_and_when_a_limit_ends() -> None:
    found = unwrap(429, {"error": {"message": "Provider returned error", "code": 429, "metadata": {
        "raw": "context_length_exceeded upstream", "provider_name": "x",
        "headers": {"X-RateLimit-Reset": "1790000090000"}}}})  # fmt: skip
    assert "context_length_exceeded upstream" in found.text
    assert found.reset_ms == 1_790_000_090_000


@pytest.mark.parametrize(
    ("code", "status"), [(502, 502), (429, 429), (200, None), (7, None), ("502", None), (True, None)]
)
def test_a_status_inside_a_stream_counts_if_it_is_one(code: object, status: int | None) -> None:
    assert unwrap(None, {"error": {"message": "x", "code": code}}).status == status


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "param", "loc", "metadata"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(values, st.sampled_from([None, 200, 400, 401, 403, 404, 410, 413, 418, 422, 429, 500, 503, 599]))
def test_no_refusal_is_too_strange_for_a_message(value: object, status: int | None) -> None:
    for told in (unwrap(status, value), read_error(status or 500, json.dumps(value).encode())):
        problem = failure(HERE, told, model="m")
        assert problem.message.startswith("there: ")
        assert len(problem.message) <= 200
        assert "\n" not in problem.message
        assert len(problem.details) <= 2_000


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange_either(body: bytes) -> None:
    assert failure(HERE, read_error(500, body)).kind is not None


def test_the_table_ends_with_a_row_for_everything() -> None:
    assert RULES.rows[-1].statuses == frozenset()
    assert failure(HERE, Said(status=599, text="???")).kind is ErrorKind.SERVER


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "play",
    [
        refused(
            401, f"Incorrect API key provided: {KEY}. You can find yours at https://x.example", code="invalid_api_key"
        ),
        said(401, {"detail": {"headers": {"authorization": f"Bearer {KEY}"}}}),
        plain(401, f"bad key {KEY}"),
        refused(400, f"Unsupported parameter: '{KEY}'", code=KEY, kind=KEY, param=KEY),
        refused(500, "x", code=KEY, kind=KEY),
        refused(403, "x" * 110 + KEY),
        events([chunk("Hi"), {"error": {"message": f"key {KEY} was revoked", "code": KEY}}]),
        events([chunk("Hi"), chunk(finish=KEY)]),
        events([chunk(delta={"refusal": f"I know {KEY}"}), chunk(finish="stop")]),
    ],
)
async def test_the_key_is_never_in_what_a_refusal_leaves_behind(play: Play) -> None:
    async with FaultServer() as server, openai_at(server.url, key=KEY, key_source="$THE_KEY") as there:
        server.play(PATH, play)
        with pytest.raises(ProviderError) as caught:
            await events_of(there)
    for text in (caught.value.message, caught.value.details, repr(caught.value)):
        assert "canary" not in text
        assert KEY[:20] not in text
        assert KEY[12:] not in text


async def test_the_model_that_served_is_named_without_the_key() -> None:
    async with FaultServer() as server, openai_at(server.url, key=KEY) as there:
        server.play(PATH, events([chunk("Hi", model=KEY), chunk(finish="stop", model=KEY)]))
        assert "canary" not in (await events_of(there))[-1].served_model


@pytest.mark.parametrize(
    ("key", "url", "words"),
    [
        (KEY, "https://api.example/v1", "Check $THE_KEY"),
        (None, "https://api.example/v1", "a key is needed"),
        (None, "http://127.0.0.1:8000/v1", "this server wants a key"),
    ],
)
def test_the_remedy_for_a_rejected_key_names_what_there_is(key: str | None, url: str, words: str) -> None:
    endpoint = Endpoint(name="there", base_url=url, key=key, key_source="$THE_KEY")
    assert words in failure(endpoint, Said(status=401)).message


async def test_a_used_up_quota_is_asked_for_exactly_once() -> None:
    async with FaultServer() as server, openai_at(server.url) as there:
        server.always(PATH, refused(429, "You exceeded your current quota", code="insufficient_quota"))
        with pytest.raises(QuotaReached):
            await events_of(there)
        assert server.count() == 1


# --- a service that is gone -------------------------------------------------------------------------------------------

BROWNOUT = "GitHub Models is temporarily unavailable as part of a scheduled retirement brownout"


@pytest.mark.parametrize(
    "body", [b"", b"Gone", BROWNOUT.encode(), json.dumps({"error": {"message": BROWNOUT}}).encode()]
)
@pytest.mark.parametrize("base", ["/inference", "/orgs/acme/inference"])
async def test_the_retired_service_says_when_and_what_to_do(body: bytes, base: str) -> None:
    async with FaultServer() as server, openai_at(server.url, preset="github-models", base=base) as there:
        server.play(f"{base}/chat/completions", Play(status=410, body=(body,), framing="length"))
        with pytest.raises(ProviderError) as caught:
            await events_of(there, asking(model="openai/gpt-4.1"))
        assert server.count() == 1
    problem = caught.value
    assert (problem.kind, problem.http_status) == (ErrorKind.GONE, 410)
    assert "GitHub Models was retired on 30 July 2026 (410)" in problem.message
    assert "Put another target into the lane" in problem.message
    assert len(problem.message) <= 200


@pytest.mark.parametrize(
    ("preset", "command"),
    [("vllm", "vllm serve"), ("llamacpp", "llama-server"), ("lmstudio", "lms server start"), ("openai", "")],
)
async def test_a_server_that_is_not_running_is_named_with_its_command(preset: str, command: str) -> None:
    async with openai_at("http://127.0.0.1:9", preset=preset) as there:
        with pytest.raises(ProviderError, match="connection refused") as caught:
            await events_of(there)
    assert caught.value.kind is ErrorKind.NET
    assert command in caught.value.message


# --- hostile bodies ---------------------------------------------------------------------------------------------------


def deep() -> bytes:
    return b'data: {"choices":' + b"[" * 200_000 + b"\n\n"


def keys() -> bytes:
    return b'data: {"x":{' + b",".join(b'"%x":1' % number for number in range(1_000_000)) + b"}}\n\n"


def deltas() -> bytes:
    return event(
        chunk(delta={"tool_calls": [{"index": number, "function": {"name": "f"}} for number in range(90_000)]})
    )


HOSTILE: dict[str, Callable[[], Play]] = {
    "line": lambda: Play(headers=SSE, body=endless_line),
    "depth": lambda: Play(headers=SSE, body=(deep(), DONE)),
    "keys": lambda: Play(headers=SSE, body=(keys(), DONE)),
    "calls": lambda: Play(headers=SSE, body=(deltas(), DONE)),
    "empty data": lambda: Play(headers=SSE, body=lambda: repeat(b"data:\n" * 1_000)),
    "bomb": lambda: gzip_bomb(64 * MIB, content_type="text/event-stream"),
    "packed events": lambda: gzip_bomb(2 * MIB, b": ping\n\n", content_type="text/event-stream"),
    "whole": lambda: Play(headers={"Content-Type": "application/json"}, body=(b'{"choices":' + b"[{}," * 500_000,)),
    "refusal": lambda: Play(status=400, body=(b'{"error":' * 1_000_000,)),
    "endless refusal": lambda: Play(status=500, body=endless_error),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_memory_stays_bounded_under_a_hostile_body(name: str) -> None:
    play = HOSTILE[name]()
    caps = Caps(line=MIB // 4, answer=MIB)
    with FaultServer.in_thread() as server:
        async with openai_at(server.url, caps=caps) as there:
            server.play(PATH, answer("Hello"))
            await events_of(there)  # everything is imported and connected
            server.play(PATH, play)
            tracemalloc.start()
            try:
                with pytest.raises(ProviderError) as caught:
                    await events_of(there)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert caught.value.kind in (ErrorKind.TRUNCATED, ErrorKind.SERVER, ErrorKind.REQUEST)
    assert peak < 24 * MIB, f"{peak / MIB:.1f} MiB"


async def test_an_answer_without_end_is_cut_at_its_cap() -> None:
    def words() -> Any:
        while True:
            yield event(chunk("x" * 4_000))

    async with FaultServer() as server, openai_at(server.url, caps=Caps(line=MIB, answer=MIB)) as there:
        server.play(PATH, Play(headers=SSE, body=words))
        with pytest.raises(ProviderError, match="larger than 1 MiB"):
            await events_of(there)
