"""Start and round trip beside their floors, in one run: `python benchmarks/start.py [--rounds N] [--python PATH]`.

Start: time from the start of the process to the first visible character, and to a prompt that takes a key, of
`llmdesk demo` beside a Textual app with one line of text. Round trip: a whole `llmdesk exec` process beside a process
that sends the same request with bare httpx, and one that uses the `ollama` package. The candidates take turns, so that
a slow spell of the machine hits all alike. Compare ratios, not times: machines differ.

Run it against an installed package (byte code compiled), not an editable checkout, for figures that mean something.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pyte

from llmdesk.demo.catalogue import LOCAL_MODELS
from llmdesk.demo.ollama_sim import OllamaSim
from llmdesk.demo.server import HttpServer
from llmdesk.demo.speech import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS, COLUMNS = 40, 120

EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY")
Empty().run()
"""

BARE_HTTPX = """
import httpx, json, sys
body = {"model": "demo-small:4b", "messages": [{"role": "user", "content": "hello"}]}
with httpx.stream("POST", sys.argv[1] + "/api/chat", json=body, trust_env=False) as reply:
    for line in reply.iter_lines():
        print(json.loads(line)["message"]["content"], end="", flush=True)
"""

BARE_OLLAMA = """
import ollama, sys
for part in ollama.Client(sys.argv[1]).chat("demo-small:4b", [{"role": "user", "content": "hello"}], stream=True):
    print(part.message.content, end="", flush=True)
"""


@contextmanager
def local_server() -> Iterator[str]:
    """A simulated local Ollama in a thread, answering as fast as it can."""
    ready, url, stop = threading.Event(), [], []

    async def serve() -> None:
        sim = OllamaSim(LOCAL_MODELS, pace=Pace(start_s=0, token_s=0))
        async with HttpServer(sim) as server:
            url.append(server.url)
            done = asyncio.Event()
            stop.append((asyncio.get_running_loop(), done))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield url[0]
    finally:
        loop, done = stop[0]
        loop.call_soon_threadsafe(done.set)
        thread.join(10)


def start_times(argv: list[str], ready: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first visible character on the alternate screen, and until ``ready`` shows."""
    screen = pyte.Screen(COLUMNS, ROWS)
    feed = pyte.ByteStream(screen)
    begun = time.monotonic()
    child = pexpect.spawn(argv[0], argv[1:], env=environment, dimensions=(ROWS, COLUMNS), timeout=20)
    painted = 0.0
    seen = b""
    try:
        while True:
            data = child.read_nonblocking(65_536, timeout=20)
            now = time.monotonic()
            alternate = b"\x1b[?1049h" in seen
            seen += data
            if not alternate:
                _, _, data = seen.partition(b"\x1b[?1049h")
            feed.feed(data)
            shown = "\n".join(screen.display)
            if not painted and shown.strip():
                painted = now - begun
            if ready in shown:
                return painted, now - begun
    finally:
        child.close(force=True)


def wall_s(argv: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first byte on stdout, and of the whole process."""
    begun = time.monotonic()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        first = time.monotonic() - begun
        process.stdout.read()
    return first, time.monotonic() - begun


def table(title: str, columns: tuple[str, str], rows: dict[str, list[tuple[float, float]]], floor: str) -> None:
    print(f"\n{title}\n")
    print(f"| | {columns[0]}, ms | x floor | {columns[1]}, ms | x floor |\n|---|---|---|---|---|")
    base = [statistics.median(values) for values in zip(*rows[floor], strict=True)]
    for name, values in rows.items():
        cells = []
        for measured, under in zip(zip(*values, strict=True), base, strict=True):
            middle = statistics.median(measured)
            cells.append(
                f"{middle * 1e3:.0f} ({min(measured) * 1e3:.0f}-{max(measured) * 1e3:.0f}) | {middle / under:.2f}"
            )
        print(f"| {name} | {' | '.join(cells)} |")


def rounds(
    count: int, candidates: dict[str, Callable[[], tuple[float, float]]]
) -> dict[str, list[tuple[float, float]]]:
    """Let the candidates take turns; the first round warms up and does not count."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for turn in range(count + 1):
        for name, measure in candidates.items():
            values = measure()
            if turn:
                found[name].append(values)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default=sys.executable, help="the interpreter llmdesk is installed for")
    options = parser.parse_args()
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    clean |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    llmdesk = [options.python, "-m", "llmdesk"]
    with tempfile.TemporaryDirectory() as home, local_server() as url:
        desk = clean | {"LLMDESK_HOME": str(Path(home) / "desk"), "OLLAMA_HOST": url}
        starts = rounds(
            options.rounds,
            {
                "empty Textual app": lambda: start_times([options.python, "-c", EMPTY_APP], "READY", clean),
                "llmdesk demo": lambda: start_times([*llmdesk, "demo"], "Ask something", clean),
                "llmdesk": lambda: start_times(llmdesk, "Ask something", desk),
            },
        )
        trips = rounds(
            options.rounds,
            {
                "bare httpx": lambda: wall_s([options.python, "-c", BARE_HTTPX, url], clean),
                "the ollama package": lambda: wall_s([options.python, "-c", BARE_OLLAMA, url], clean),
                "llmdesk exec": lambda: wall_s([*llmdesk, "exec", "hello"], desk),
            },
        )
    print(f"medians (lowest-highest) of {options.rounds} rounds")
    table("Start", ("first paint", "ready to type"), starts, "empty Textual app")
    table("One request, whole process", ("first byte out", "end"), trips, "bare httpx")


if __name__ == "__main__":
    main()
