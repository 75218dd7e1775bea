"""A whole failover beside a hand-written loop: `python benchmarks/failover.py [--rounds N] [--folder PATH]`.

The first server answers 429 at once, the second one answers well; both speak Ollama's wire on loopback, in a process of
their own. llmdesk goes its whole way: the desk accepts the request on disk, the router asks, puts the refusing provider
on its cooldown on disk, records the attempt, asks the next target, and stores the answer. The loop sends the same two
requests with bare httpx to the same servers and makes the two durable writes without which a prompt or a cooldown would
be lost: one SQLite row (WAL, synchronous=FULL) before the first byte, and one small JSON file (written, fsynced,
renamed) after the 429. It keeps no attempts and no answer. Both keep their connections open, so that neither pays for
connecting, and both take turns, so that a slow spell of the machine hits both. Aim: at most 3 times the loop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from llmdesk.paths import find_paths
from llmdesk.storage.cooldowns import CooldownFile
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmdesk.desk import Desk

WARM_UP = 5
PROMPT = "hello"
MODEL = "bench:1b"
REFUSAL = b'{"error":"rate limit exceeded"}'
PIECES = [{"model": MODEL, "message": {"role": "assistant", "content": f"word{n} "}, "done": False} for n in range(8)]
LAST = {"model": MODEL, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
        "prompt_eval_count": 5, "eval_count": 8}  # fmt: skip
ANSWER = "".join(json.dumps(piece) + "\n" for piece in [*PIECES, LAST]).encode()

CONFIG = """\
version: 1
providers:
  first: {{kind: ollama, base_url: "{first}", api_key: "${{BENCH_KEY}}"}}
  second: {{kind: ollama, base_url: "{second}", api_key: "${{BENCH_KEY}}"}}
lanes:
  chat: {{targets: [first/{model}, second/{model}]}}
"""
"""With a key both count as hosted: no model list is asked for, so that exactly two requests are sent."""


# --- the servers ------------------------------------------------------------------------------------------------------


async def serve() -> None:
    """Serve both until standard input ends; their addresses go to standard output."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in asked.lower().split(b"\r\n") if b"content-length" in line
                )
                await reader.readexactly(length)
                writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except asyncio.IncompleteReadError:
            writer.close()

    refusing = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
    answering = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
    first = await asyncio.start_server(lambda r, w: answer(r, w, refusing, REFUSAL), "127.0.0.1", 0)
    second = await asyncio.start_server(lambda r, w: answer(r, w, answering, ANSWER), "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (first, second)]
    print(*(f"http://127.0.0.1:{port}" for port in ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    first.close()
    second.close()


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        first, second = process.stdout.readline().split()
        try:
            yield first, second
        finally:
            process.stdin.close()
            process.terminate()


# --- the candidates ---------------------------------------------------------------------------------------------------


class Loop:
    """What one would write by hand."""

    def __init__(self, folder: Path, first: str, second: str, client: httpx.AsyncClient) -> None:
        self.folder = folder
        self.urls = (f"{first}/api/chat", f"{second}/api/chat")
        self.client = client
        self.database = sqlite3.connect(folder / "loop.db", isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute("CREATE TABLE requests (id INTEGER PRIMARY KEY, prompt TEXT, at REAL)")

    def cool(self) -> None:
        fresh = self.folder / "cooldown.json.new"
        with fresh.open("w") as file:
            json.dump({"version": 1, "cooldowns": {"first": {"until": time.time() + 600}}}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / "cooldown.json")

    async def ask(self) -> str:
        self.database.execute("INSERT INTO requests (prompt, at) VALUES (?, ?)", (PROMPT, time.time()))
        body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "stream": True}
        for url in self.urls:
            async with self.client.stream("POST", url, json=body) as reply:
                if reply.status_code == 429:
                    await reply.aread()
                    self.cool()
                    continue
                text, done = [], False
                async for line in reply.aiter_lines():
                    piece = json.loads(line)
                    text.append(piece["message"]["content"])
                    done = piece["done"]
                assert done
                return "".join(text)
        raise AssertionError("nobody answered")


async def ask_desk(desk: Desk) -> str:
    outcome = await desk.send(Ask(prompt=PROMPT)).outcome()
    assert outcome.status is Status.COMPLETED, outcome.error
    assert [attempt.reason for attempt in outcome.attempts] == ["rate", ""], outcome.attempts
    return outcome.text


# --- the measurement --------------------------------------------------------------------------------------------------


async def measure(rounds: int, folder: Path, first: str, second: str) -> dict[str, list[float]]:
    """Milliseconds of each round."""
    config = folder / "llmdesk.yaml"
    config.write_text(CONFIG.format(first=first, second=second, model=MODEL))
    config.chmod(0o600)
    env = {"LLMDESK_HOME": str(folder / "home"), "BENCH_KEY": "bench-key-0123456789"}
    cooldowns = CooldownFile(find_paths(env=env).state_file, on_warning=print)  # as another instance would see it
    times: dict[str, list[float]] = {"bare httpx loop": [], "llmdesk": []}
    async with httpx.AsyncClient(trust_env=False) as client, make_desk(config=config, env=env) as desk:
        loop = Loop(folder, first, second, client)
        for number in range(rounds + WARM_UP):
            for name, ask in (("bare httpx loop", loop.ask), ("llmdesk", lambda: ask_desk(desk))):
                begun = time.perf_counter()
                text = await ask()
                took = (time.perf_counter() - begun) * 1e3
                assert text == "".join(f"word{n} " for n in range(8))
                if number >= WARM_UP:
                    times[name].append(took)
            cooldowns.clear("first")
        loop.database.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where both keep their files; the disk decides much")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, servers() as (first, second):
        times = asyncio.run(measure(options.rounds, Path(folder), first, second))
    base = statistics.median(times["bare httpx loop"])
    print(f"{options.rounds} rounds, taking turns\n")
    print("| | median, ms | p90, ms | x the loop |\n|---|---|---|---|")
    for name, values in times.items():
        middle, high = statistics.median(values), sorted(values)[int(len(values) * 0.9)]
        print(f"| {name} | {middle:.2f} | {high:.2f} | {middle / base:.2f} |")


if __name__ == "__main__":
    main()
