"""What a hostile server can make the program hold: many values in few bytes, calls, lists, progress (policy I16)."""

from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import AnswerCut, ServerFailed
from llmdesk.core.types import ChatRequest
from llmdesk.providers.model_list import MOST_MODELS
from llmdesk.providers.ndjson import FrameBroken, objects
from llmdesk.providers.ollama.models import listed
from tests.support.fault_server import FaultServer, Mark, Play, chat_chunk, done_chunk, line
from tests.support.ollama_answers import NDJSON
from tests.support.ollama_asking import events_of, ollama_at, text_of
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.ollama.adapter import OllamaProvider

MIB = 1 << 20
HEAD = b'{"message":{"content":"x"},"x":'
ROOM = 8 * MIB - 1_000


def many(piece: bytes, *, head: bytes = HEAD) -> bytes:
    return head + b"[" + piece * (ROOM // len(piece)) + b"0]}\n"


KEYS = HEAD + b"{" + b",".join(b'"%x":1' % n for n in range(700_000)) + b"}}\n"


def tool_calls(*calls: object) -> bytes:
    return line({"message": {"role": "assistant", "content": "", "tool_calls": list(calls)}, "done": False})


CALL = {"function": {"name": "n", "arguments": {}}}
BODIES: dict[str, Callable[[], object]] = {
    "lists": lambda: [many(b"[],")],
    "objects": lambda: [many(b'{"a":1},')],
    "keys": lambda: [KEYS],
    "floats": lambda: [many(b"1e5,")],
    "strings": lambda: [many(b'"",')],
    "lone surrogates": lambda: [many(b"[],", head=b'{"message":{"content":"\\ud800"},"x":')],
    "names of calls": lambda: itertools.repeat(tool_calls({"function": {"name": "n" * 500_000}})),
    "ids of calls": lambda: itertools.repeat(tool_calls({"id": "i" * 500_000, **CALL})),
    "empty calls": lambda: itertools.repeat(tool_calls(*[CALL] * 2_000)),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_what_is_held_of_a_hostile_answer_stays_bounded(body: Callable[[], object]) -> None:
    with FaultServer.in_thread() as server:
        async with ollama_at(server.url) as provider:
            await events_of(provider)
            server.play("/api/chat", Play(headers=NDJSON, body=body))  # type: ignore[arg-type]
            tracemalloc.start()
            try:
                begun = time.thread_time()
                with pytest.raises(AnswerCut):
                    await events_of(provider)
                spent_s = time.thread_time() - begun
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < 64 * MIB, f"{peak / MIB:.0f} MiB"
    assert spent_s < allowed(5)  # and tracing memory is most of it


@pytest.mark.parametrize("text", ["a, [b] {c}: " * 300_000, '"\\,[' * 400_000], ids=["prose", "escapes"])
def test_long_text_with_commas_and_brackets_is_no_structure(text: str) -> None:
    (value,) = objects(json.dumps({"content": text}).encode())
    assert value["content"] == text


def test_a_line_just_too_finely_divided_is_broken_and_an_embedding_is_not() -> None:
    numbers = b'{"embeddings":[[' + b"0.25," * 300_000 + b"1]]}"
    with pytest.raises(FrameBroken, match="more values"):
        list(objects(numbers))
    (value,) = objects(numbers, leaves=1_000_000)
    assert len(value["embeddings"][0]) == 300_001  # type: ignore[index]


async def test_a_large_batch_of_embeddings_is_read() -> None:
    vectors = [[0.25] * 1_000] * 400
    with FaultServer.in_thread() as server:
        server.always("/api/embed", Play(body=(json.dumps({"embeddings": vectors}).encode(),), framing="length"))
        async with ollama_at(server.url) as provider:
            request = ChatRequest(model="embed", messages=(), endpoint="embed", extra={"input": ["x"] * 400})
            (event,) = await events_of(provider, request)
    assert len(event.wire["embeddings"]) == 400  # type: ignore[index,arg-type]


def test_a_list_of_models_without_end_is_read_quickly_and_cut() -> None:
    tags = {"models": [{"name": f"m{n}"} for n in range(200_000)]}
    running = {"models": [{"name": f"z{n}", "context_length": 1} for n in range(200_000)]}
    begun = time.thread_time()
    assert len(listed("local", tags, running)) == MOST_MODELS
    assert time.thread_time() - begun < allowed(2)


def test_a_loaded_window_is_found_under_the_other_spelling_of_a_name() -> None:
    (model,) = listed("local", {"models": [{"name": "x:latest"}]}, {"models": [{"name": "X", "context_length": 8}]})
    assert model.loaded_context_tokens == 8


ENDLESS = {
    "progress": ("/api/pull", lambda: itertools.repeat(b"x" * 65_536), 200, AnswerCut),
    "a copy": ("/api/copy", lambda: itertools.repeat(b"\n" * 65_536), 200, AnswerCut),
    "a removal": ("/api/delete", lambda: itertools.repeat(b"x" * 65_536), 200, AnswerCut),
    "an error": ("/api/pull", lambda: itertools.repeat(b"x" * 65_536), 500, ServerFailed),
}


async def keep_models(provider: OllamaProvider, path: str) -> list[str]:
    match path:
        case "/api/pull":
            return [progress.status async for progress in provider.pull_model("x")]
        case "/api/copy":
            await provider.copy_model("x", "y")
        case _:
            await provider.delete_model("x")
    return []


@pytest.mark.parametrize(("path", "body", "status", "error"), ENDLESS.values(), ids=ENDLESS)
async def test_an_endless_answer_about_models_is_cut(
    path: str, body: Callable[[], object], status: int, error: type[ProviderError]
) -> None:
    with FaultServer.in_thread() as server:
        server.always(path, Play(status=status, headers=NDJSON, body=body))  # type: ignore[arg-type]
        async with ollama_at(server.url) as provider:
            tracemalloc.start()
            try:
                with pytest.raises(error):
                    await keep_models(provider, path)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < 64 * MIB, f"{peak / MIB:.0f} MiB"


async def test_progress_longer_than_any_cap_is_followed_to_its_end() -> None:
    step = line({"status": "pulling", "digest": "d" * 50_000})
    with FaultServer.in_thread() as server:
        server.always("/api/pull", Play(headers=NDJSON, body=(*[step] * 400, line({"status": "success"}))))
        async with ollama_at(server.url) as provider:
            seen = await keep_models(provider, "/api/pull")
    assert (len(seen), seen[-1]) == (401, "success")


async def test_packed_progress_is_refused_before_it_is_unpacked() -> None:
    packed = Play(headers={**NDJSON, "Content-Encoding": "gzip"}, body=(b"\x1f\x8b", Mark.HOLD))
    with FaultServer.in_thread() as server:
        server.always("/api/pull", packed)
        async with ollama_at(server.url) as provider:
            with pytest.raises(AnswerCut, match="packed"):
                await keep_models(provider, "/api/pull")


@pytest.mark.parametrize("count", [10**20, 10**400, -1, 2**63, True, 1.5, "7"])
async def test_a_count_that_cannot_be_is_unknown_and_costs_no_answer(count: object) -> None:
    end = {**done_chunk(), "eval_count": count, "prompt_eval_count": count}
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", Play(headers=NDJSON, body=(line(chat_chunk("hi")) + line(end),)))
        events = await events_of(provider)
    assert text_of(events) == "hi"
    assert (events[-1].usage.input_tokens, events[-1].usage.output_tokens) == (None, None)  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["\u200b\u2060\ufeff", "\u202e \u00ad", "\x00\x1b\x9b", "\n\t "])
async def test_an_answer_that_nobody_could_see_is_empty(text: str) -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", Play(headers=NDJSON, body=(line(chat_chunk(text)) + line(done_chunk()),)))
        with pytest.raises(AnswerCut, match="empty"):
            await events_of(provider)


async def test_the_name_of_the_model_that_answered_is_one_short_line_without_keys() -> None:
    key = "canary-key-of-the-service"
    end = {**done_chunk(), "model": f"gemma3\n\x1b[31m {key} " + "x" * 1_000_000}
    async with FaultServer() as server, ollama_at(server.url, key=key) as provider:
        server.play("/api/chat", Play(headers=NDJSON, body=(line(chat_chunk("hi")) + line(end),)))
        served = (await events_of(provider))[-1].served_model  # type: ignore[union-attr]
    assert served.startswith("gemma3 ")
    assert len(served) <= 200
    assert key not in served
    assert "\x1b" not in served
