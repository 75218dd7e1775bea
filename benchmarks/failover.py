"""A whole failover beside loops written by hand, and beside LiteLLM's Router.

One to three servers answer 429 at once, the last one answers well; all speak Ollama's wire on loopback, in a process of
their own. llmdesk goes its whole way: the desk accepts the request on disk, the router asks, puts the refusing provider
on its cooldown on disk, records the attempt, asks the next target, passes the answer on, and stores it. The loop sends
the same requests with bare httpx to the same servers and makes the durable writes without which a prompt or a cooldown
would be lost: one SQLite row (WAL, synchronous=FULL) before the first byte, and one small JSON file (written, fsynced,
renamed, its folder fsynced) after each 429. It keeps no attempts and no answer, so that what is compared ends with the
answer; what the desk takes until its own is stored too is a figure beside it. The bare loop writes nothing at all, and
neither does LiteLLM's Router. All keep their connections open, and take turns; the Router, in an environment of its
own, has its turns last.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.apparatus.refusing_servers import ANSWER, MODEL, REFUSING
from benchmarks.apparatus.routing import routed
from benchmarks.judging.figures import BY_HAND, HTTPX
from benchmarks.judging.samples import OURS, Sample
from llmdesk.core.types import Completed, Status
from llmdesk.core.views import Ask
from llmdesk.paths import find_paths
from llmdesk.storage.cooldowns import CooldownFile
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from benchmarks.apparatus.told import Told
    from benchmarks.judging.samples import Failure
    from llmdesk.desk import Desk

WARM_UP = 5
PROMPT = "hello"
SERVERS = Path(__file__).parent / "apparatus" / "refusing_servers.py"


@contextmanager
def servers() -> Iterator[list[str]]:
    """The addresses of the refusing servers, then that of the answering one."""
    with subprocess.Popen(
        [sys.executable, SERVERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.stdin.close()
            process.terminate()


def configuration(urls: Sequence[str]) -> str:
    """A lane for each number of targets that fail; with a key all count as hosted, so that nothing else is asked."""
    providers = "".join(
        f'  p{at}: {{kind: ollama, base_url: "{url}", api_key: "${{BENCH_KEY}}"}}\n' for at, url in enumerate(urls)
    )
    last = len(urls) - 1
    lanes = "".join(
        f"  failed-{count}: {{targets: [{', '.join(f'p{at}/{MODEL}' for at in [*range(count), last])}]}}\n"
        for count in range(1, len(urls))
    )
    return f"version: 1\ndefault_lane: failed-1\nproviders:\n{providers}lanes:\n{lanes}"


class Loop:
    """What one would write by hand; ``folder`` = where it writes, ``None`` = nowhere."""

    def __init__(self, folder: Path | None, client: httpx.AsyncClient) -> None:
        self._folder = folder
        self._client = client
        if folder is not None:
            self.database = sqlite3.connect(folder / "loop.db", isolation_level=None)
            self.database.execute("PRAGMA journal_mode=WAL")
            self.database.execute("PRAGMA synchronous=FULL")
            self.database.execute("CREATE TABLE requests (id INTEGER PRIMARY KEY, prompt TEXT, at REAL)")

    def _cool(self, url: str) -> None:
        if self._folder is None:
            return
        fresh = self._folder / "cooldown.json.new"
        with fresh.open("w") as file:
            json.dump({"version": 1, "cooldowns": {url: {"until": time.time() + 600}}}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / "cooldown.json")
        folder = os.open(self._folder, os.O_RDONLY)  # a name is on the disk only when its folder is
        os.fsync(folder)
        os.close(folder)

    async def ask(self, urls: Sequence[str]) -> str:
        """Ask one after the other until one answers; return its answer."""
        if self._folder is not None:
            self.database.execute("INSERT INTO requests (prompt, at) VALUES (?, ?)", (PROMPT, time.time()))
        body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "stream": True}
        for url in urls:
            async with self._client.stream("POST", f"{url}/api/chat", json=body) as reply:
                if reply.status_code == 429:
                    await reply.aread()
                    self._cool(url)
                    continue
                text, done = [], False
                async for line in reply.aiter_lines():
                    piece = json.loads(line)
                    text.append(piece["message"]["content"])
                    done = piece["done"]
                assert done
                return "".join(text)
        raise AssertionError("nobody answered")


async def by_desk(desk: Desk, failing: int) -> tuple[float, float]:
    """The whole way of a request: milliseconds until its answer is whole, and until it is stored."""
    begun = time.perf_counter()
    run = desk.send(Ask(prompt=PROMPT, lane=f"failed-{failing}"))
    whole = next_s = 0.0
    async for event in run:
        next_s = time.perf_counter() - begun
        if isinstance(event, Completed):
            whole = next_s
    outcome = await run.outcome()
    assert outcome.status is Status.COMPLETED, outcome.error
    assert [attempt.reason for attempt in outcome.attempts] == [*["rate"] * failing, ""], outcome.attempts
    assert outcome.text == ANSWER
    return whole * 1000, next_s * 1000


async def by_loop(loop: Loop, urls: Sequence[str]) -> tuple[float, float]:
    """Milliseconds until the answer is whole; nothing of it is stored."""
    begun = time.perf_counter()
    text = await loop.ask(urls)
    took = (time.perf_counter() - begun) * 1000
    assert text == ANSWER
    return took, took


async def rounds(told: Told, urls: Sequence[str], sizes: Sequence[int], count: int) -> list[Sample]:
    """The median of each round, for each number of targets that fail."""
    config = told.folder / "llmdesk.yaml"
    config.write_text(configuration(urls))
    config.chmod(0o600)
    env = {"LLMDESK_HOME": str(told.folder / "home"), "BENCH_KEY": "bench-key-0123456789"}
    cooldowns = CooldownFile(find_paths(env=env).state_file, on_warning=print)  # as another instance would see it
    samples = []
    async with httpx.AsyncClient(trust_env=False) as client, make_desk(config=config, env=env) as desk:
        writing, bare = Loop(told.folder, client), Loop(None, client)
        for failing in [size for size in sizes for _ in range(told.rounds)]:
            asked = [*urls[:failing], urls[-1]]
            candidates: dict[str, Callable[[], Awaitable[tuple[float, float]]]] = {
                HTTPX: partial(by_loop, bare, asked),
                BY_HAND: partial(by_loop, writing, asked),
                OURS: partial(by_desk, desk, failing),
            }
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
            for number in range(count + WARM_UP):
                for name, ask in candidates.items():
                    took = await ask()
                    if number >= WARM_UP:
                        times[name].append(took)
                for at in range(failing):
                    cooldowns.clear(f"p{at}")
            for name, found in times.items():
                whole, stored = (statistics.median(each) for each in zip(*found, strict=True))
                samples.append(Sample(figure="failover", of=name, value=whole, size=failing))
                if name != HTTPX:
                    samples.append(Sample(figure="failover stored", of=name, value=stored, size=failing))
        writing.database.close()
    return samples


def measure(told: Told) -> Iterator[Sample | Failure]:
    """Milliseconds from the prompt to the whole answer, and to the end of what is written about it."""
    count = told.count(100, 3)
    with servers() as urls:
        yield from asyncio.run(rounds(told, urls, told.sizes(1, 2, REFUSING, quick=(1,)), count))
        yield from routed(told, "failover", 1, "failover", urls[0], urls[-1], MODEL, str(count))
