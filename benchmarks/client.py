"""CPU of streamed tokens without a screen: the desk that ``llmdesk exec`` asks, beside the ``ollama`` package.

All read the same stream from a server in another process, sent as fast as it is read, and count the characters they
get. The desk also writes down request and answer. Everything that a candidate does in this process counts, whatever
thread.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import TYPE_CHECKING

import httpx
import ollama

from benchmarks.apparatus.token_server import MODEL, tokens
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import turns
from benchmarks.judging.figures import HTTPX, OLLAMA
from benchmarks.judging.samples import OURS, Sample
from llmdesk import LLMConfig, OllamaClient
from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from benchmarks.apparatus.told import Told
    from llmdesk.desk import Desk

    Stream = Callable[[], Awaitable[int]]

BEGIN, END = "BEGIN", "END"
LIBRARY = "OllamaClient"
SAID = [{"role": "user", "content": "hello"}]


def measure(told: Told) -> Iterator[Sample]:
    """Microseconds of CPU a token, for each length of an answer."""

    async def gathered() -> list[Sample]:
        return [sample async for sample in _measured(told)]

    yield from asyncio.run(gathered())


async def _measured(told: Told) -> AsyncIterator[Sample]:
    with TokenSource() as source:
        env = {"LLMDESK_HOME": str(told.folder / "desk"), "OLLAMA_HOST": source.url}
        config = LLMConfig(cloud_api_key="", local_endpoint=source.url)
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as client,
            make_desk(env=env) as desk,
            OllamaClient(config, home=told.folder / "library") as library,
        ):
            package = ollama.AsyncClient(source.url)
            candidates: dict[str, Stream] = {
                HTTPX: lambda: by_httpx(client, source.url),
                OLLAMA: lambda: by_package(package),
                OURS: lambda: by_desk(desk),
                LIBRARY: lambda: by_package(library),
            }
            for size in told.sizes(200, 2_000, 10_000, quick=(50, 200)):
                source.plan(size, begin=BEGIN, end=END)
                for counts, name in turns(told.rounds, list(candidates)):
                    cpu = await cpu_per_token(candidates[name], size, told.count(max(1, 10_000 // size), 1))
                    if not counts:
                        continue
                    if name == LIBRARY:
                        yield Sample(figure="library cpu", value=cpu, size=size)
                        continue
                    yield Sample(figure="client cpu", of=name, value=cpu, size=size)
                    if name == OLLAMA:
                        yield Sample(figure="library cpu", of=name, value=cpu, size=size)


async def cpu_per_token(stream: Stream, count: int, times: int) -> float:
    """Microseconds of this process for each token of so many answers, each of which came whole."""
    whole = sum(map(len, tokens(count, BEGIN, END)))
    gc.collect()
    begun = time.process_time()
    for _ in range(times):
        came = await stream()
        assert came == whole, (came, whole)
    return (time.process_time() - begun) * 1e6 / count / times


async def by_httpx(client: httpx.AsyncClient, url: str) -> int:
    """Read the lines by hand."""
    body = {"model": MODEL, "messages": SAID, "stream": True}
    came = 0
    async with client.stream("POST", f"{url}/api/chat", json=body) as reply:
        async for line in reply.aiter_lines():
            came += len(json.loads(line)["message"]["content"])
    return came


async def by_package(client: ollama.AsyncClient | OllamaClient) -> int:
    """Ask as the ``ollama`` package is asked, which ``OllamaClient`` takes too."""
    came = 0
    async for part in await client.chat(MODEL, SAID, stream=True):
        came += len(part.message.content or "")
    return came


async def by_desk(desk: Desk) -> int:
    """Take the events of a request, as ``llmdesk exec`` does."""
    came = 0
    async for event in desk.send(Ask(prompt="hello")):
        if isinstance(event, TextDelta):  # of a reader that falls behind, pieces are joined
            came += len(event.text)
    return came
