"""Memory and time stay bounded under bodies that never end, and the loop stays awake."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import AnswerCut, ErrorKind, ProviderError, ServerFailed
from llmdesk.providers.base import Caps
from tests.support.fault_server import FaultServer, Play, chat_chunk, gzip_bomb, line
from tests.support.held_loop import held_loop
from tests.support.ollama_answers import NDJSON
from tests.support.ollama_asking import events_of, ollama_at
from tests.support.ollama_scenes import endless_error, endless_line
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20


def endless_answer() -> Iterator[bytes]:
    return itertools.repeat(line(chat_chunk("x" * 4_000)))


def endless_blanks() -> Iterator[bytes]:
    return itertools.repeat(b"\n" * 65_536)


PACKED = Play(
    headers={**NDJSON, "Content-Encoding": "gzip"},
    body=(gzip.compress(line(chat_chunk("Hello")) + b'{"message":{"content":"!"},"done":true}'),),
    framing="length",
)


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (Play(headers=NDJSON, body=endless_line), ErrorKind.TRUNCATED),
        (Play(headers=NDJSON, body=endless_answer), ErrorKind.TRUNCATED),
        (Play(status=500, body=endless_error), ErrorKind.SERVER),
        (gzip_bomb(256 * MIB), ErrorKind.TRUNCATED),
        (gzip_bomb(256 * MIB, b"\n"), ErrorKind.TRUNCATED),
    ],
    ids=["line", "answer", "error", "bomb", "blank bomb"],
)
async def test_memory_stays_under_three_caps(play: Play, kind: ErrorKind) -> None:
    caps = Caps(line=MIB, answer=MIB)
    async with FaultServer() as server, ollama_at(server.url, caps=caps) as provider:
        await events_of(provider)  # everything is imported and connected
        server.play("/api/chat", play)
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError) as caught:
                async for _ in provider.stream(_asked()):
                    pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert caught.value.kind is kind
    assert peak < 3 * MIB + MIB // 2, f"{peak / MIB:.1f} MiB"  # half a MiB for the server, which lives here too


def _asked() -> object:
    from tests.support.ollama_asking import asking

    return asking()


async def test_an_endless_error_is_read_no_further_than_its_cap() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", Play(status=500, body=endless_error))
        with pytest.raises(ServerFailed) as caught:
            await events_of(provider)
        assert len(caught.value.details) <= 2_000
        assert len(caught.value.message) <= 200


@pytest.mark.parametrize("play", [gzip_bomb(64 * MIB, b"\n"), gzip_bomb(64 * MIB)], ids=["blanks", "zeros"])
async def test_a_bomb_does_not_hold_the_loop(play: Play) -> None:
    with FaultServer.in_thread() as server:
        server.always("/api/chat", play)
        async with ollama_at(server.url) as provider, held_loop() as held:
            with pytest.raises(AnswerCut):
                await events_of(provider)
    assert held.worst_s < allowed(0.25)


async def test_what_is_packed_unasked_but_sound_is_read() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", PACKED)
        events = await events_of(provider)
        assert len(events) == 3


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x-unknown"])
async def test_other_packings_cut_the_answer(encoding: str) -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", Play(headers={**NDJSON, "Content-Encoding": encoding}, body=(b"\x1b\x00",)))
        with pytest.raises(AnswerCut, match="packed as"):
            await events_of(provider)


async def test_damaged_packing_cuts_the_answer() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", Play(headers={**NDJSON, "Content-Encoding": "gzip"}, body=(b"no gzip at all",)))
        with pytest.raises(AnswerCut, match="damaged"):
            await events_of(provider)
