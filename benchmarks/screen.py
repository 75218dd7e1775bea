"""The desk on a real terminal beside its floors, in one run.

    uv run python benchmarks/screen.py [--rounds 3] [--short] [--python PATH]

`floor-empty` is a Textual app with one line, `floor-static` shows answers as plain text and renders nothing (see
benchmarks/floors.py); `desk` is llmdesk over a server on loopback, `desk-2000` the same with a conversation of 2,000
messages from the database. They take turns, so that a slow spell of the machine hits all alike. Compare the columns of
one run, never two machines. For figures of a start that mean something, run it with PYTHONDONTWRITEBYTECODE unset
against an installed package (`--python`), whose byte code is compiled.

The last column holds the desk to its aims, each a ratio or a distance of two columns of the same run: the measured one,
and whether it is met. It exits with 1 if one is not. What a whole day does to it is measured by benchmarks/sitting.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from probe import Probe

from llmdesk.core.types import ModelRef, Outcome, Status
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.requests import RequestStore, StoredAnswer, StoredRequest

HERE = Path(__file__).resolve().parent
RARE = [chr(code) for code in range(0x100, 0x180) if chr(code) not in "Ŀŀŉſ"]
"""Letters that nothing else on the screen holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a figure of one column has to be beside that of another.

    ``times`` = at most (with ``least``: at least) so many times as much, ``more`` = at most so much more; without
    ``beside``, at most so much.
    """

    of: str = "desk"
    beside: str = ""
    times: float = 0.0
    more: float = 0.0
    least: bool = False

    def judged(self, middle: dict[str, float]) -> tuple[str, bool]:
        """Say what was aimed at and what came out; ``middle`` = the medians by column."""
        found = middle[self.of]
        if not self.beside:
            return f"{self.of} ≤ {self.more:g}: {found:.1f}", found <= self.more
        floor = middle[self.beside]
        if self.times:
            sign, met = ("≥", found >= self.times * floor) if self.least else ("≤", found <= self.times * floor)
            return f"{self.of} {sign} {self.times:g} x {self.beside}: {found / floor:.2f}", met
        return f"{self.of} ≤ {self.beside} + {self.more:g}: {found - floor:+.2f}", found - floor <= self.more


STATIC = "floor-static"
AIMS: dict[str, tuple[Aim, ...]] = {
    "ready, s": (Aim(beside="floor-empty", times=2), Aim(of="desk-2000", beside="desk", times=2.5)),
    "memory at ready, MiB": (Aim(beside="floor-empty", times=2.5),),
    "idle CPU, %": (Aim(beside="floor-empty", more=0.3), Aim(of="desk-2000", beside="floor-empty", more=0.3)),
    "key p95 idle, ms": (Aim(of="desk-2000", beside="desk", times=1.25),),
    "10,000 tokens, tok/s on screen": (Aim(beside=STATIC, times=0.5, least=True),),
    "10,000 tokens, CPU s": (Aim(beside=STATIC, times=2.5),),
    "memory growth, MiB": (Aim(more=30),),
    **{
        f"{figure}, {when}, {unit}": (Aim(beside=STATIC, times=times), Aim(of="desk-2000", beside=STATIC, times=times))
        for when in ("fresh", "after 12,000 tokens")
        for figure, unit, times in (("key p95 at 100 tok/s", "ms", 0.5), ("CPU at 100 tok/s", "%", 1))
    },
}
"""By figure. A desk with 2,000 messages has to open in 2.5 times the time of an empty one, and to type like it."""

LONG = "c0ffee00c0ffee00"
LONG_MESSAGES = 2_000


class Server:
    """The token server as a process of its own, so that its work is not the client's."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, str(HERE / "token_server.py")], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()

    def call(self, path: str, body: dict[str, object] | None = None) -> dict[str, float]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data)
        with urllib.request.urlopen(request, timeout=10) as reply:
            told: dict[str, float] = json.load(reply)
        return told

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Sitting:
    """One start of one program, taken through the phases."""

    def __init__(self, argv: list[str], env: dict[str, str], ready: str, server: Server, folder: Path) -> None:
        self.server, self.turn, self.figures = server, 0, dict[str, float]()
        self.probe = Probe(argv, env, folder)
        at = self.probe.wait_screen(ready, 30)
        if at is None:
            raise SystemExit(f"{argv} did not get ready:\n{self.probe.text()}")
        self.figures["ready, s"] = at - self.probe.began
        self.figures["CPU to ready, s"] = self.probe.cpu_s()

    def rest(self) -> None:
        self.probe.settle()
        time.sleep(1)
        self.figures["memory at ready, MiB"] = self.probe.memory_mib()
        self.figures["idle CPU, %"] = self.probe.idle_percent()

    def ask(self, tokens: int, rate: float) -> tuple[int, str]:
        self.turn += 1
        end = f"END{self.turn}x{tokens}"
        self.server.call("/plan", {"tokens": tokens, "rate": rate, "begin": f"BEGIN{self.turn}", "end": end})
        self.probe.send(f"go {self.turn}")
        self.probe.settle()
        offset = len(self.probe.raw)
        self.probe.send("\r")
        return offset, end

    def whole(self, label: str, tokens: int) -> None:
        """One answer, sent as fast as it is read."""
        cpu = self.probe.cpu_s()
        offset, end = self.ask(tokens, 0)
        seen = self.probe.wait_bytes(end, offset, 120)
        if seen is None:
            raise SystemExit(f"{label}: the end was never shown\n{self.probe.text()}")
        written = len(self.probe.raw) - offset
        self.probe.settle()
        self.figures[f"{label}, tok/s on screen"] = tokens / (seen - self.server.call("/told")["begun_at"])
        self.figures[f"{label}, CPU s"] = self.probe.cpu_s() - cpu
        self.figures[f"{label}, kB to the terminal"] = written / 1000

    def streamed(self, label: str, seconds: float = 13, rate: float = 100) -> None:
        """CPU while tokens stream in, then what a key takes to show meanwhile."""
        offset, end = self.ask(int(seconds * rate), rate)
        time.sleep(0.5)
        cpu, at = self.probe.cpu_s(), time.monotonic()
        time.sleep(4)
        self.figures[f"CPU at 100 tok/s, {label}, %"] = 100 * (self.probe.cpu_s() - cpu) / (time.monotonic() - at)
        self.typed(f"at 100 tok/s, {label}", 30, 0.25)
        self.probe.wait_bytes(end, offset, 60)
        self.probe.settle()

    def typed(self, label: str, count: int, gap_s: float) -> None:
        taken: list[float] = []
        for char in RARE[:count]:
            offset = len(self.probe.raw)
            at = self.probe.send(char)
            seen = self.probe.wait_bytes(char, offset, 3)
            taken.append(math.inf if seen is None else (seen - at) * 1000)
            time.sleep(max(0.0, at + gap_s - time.monotonic()))
        for _ in range(count):
            self.probe.send("\x7f")
            time.sleep(0.005)
        self.probe.settle()
        ranked = sorted(taken)
        self.figures[f"key p50 {label}, ms"] = ranked[len(ranked) // 2]
        self.figures[f"key p95 {label}, ms"] = ranked[math.ceil(0.95 * len(ranked)) - 1]

    def chat(self, *, short: bool) -> None:
        self.rest()
        self.typed("idle", 20, 0.15)
        self.whole("50 tokens first", 50)
        before = self.probe.memory_mib()
        self.streamed("fresh")
        self.whole("2,000 tokens", 2_000)
        if not short:
            self.whole("10,000 tokens", 10_000)
            self.figures["memory after 10,000 more, MiB"] = self.probe.memory_mib()
            self.figures["memory growth, MiB"] = self.probe.memory_mib() - before
            self.streamed("after 12,000 tokens")


async def fill(home: Path) -> None:
    """Make a conversation of 2,000 messages."""
    target = ModelRef("local", "bench:8b")
    paragraph = "An answer with *some* **Markdown**, `code` and a list:\n\n- one\n- two\n\n```python\nprint(1)\n```\n\n"
    database = Database(home / "data" / "llmdesk.db", on_warning=print)
    requests = RequestStore(database, "bench")
    await ConversationStore(database).create(LONG, lane="chat", title="long")
    for at in range(LONG_MESSAGES // 2):
        await requests.accept(
            StoredRequest(id=f"r{at:05}", lane="chat", conversation=LONG, title="long", payload="{}",
                          prompt=f"Question {at}: what is it about?", created_at=time.time())
        )  # fmt: skip
        said = StoredAnswer(
            content=paragraph * (1 + at % 4), completeness="full", target=target, created_at=time.time()
        )
        outcome = Outcome(
            request_id=f"r{at:05}", status=Status.COMPLETED, lane="chat", target=target, text=said.content
        )
        await requests.finish(f"r{at:05}", outcome, answer=said)
    await database.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="without the answer of 10,000 tokens")
    parser.add_argument("--only", help="some of the columns, by name, with commas")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has llmdesk installed")
    parser.add_argument("--out", type=Path, help="a file for the figures of each round, one JSON object a line")
    told = parser.parse_args()
    server, work = Server(), Path(tempfile.mkdtemp(prefix="llmdesk-bench-"))
    try:
        return measure(told, server, work)
    finally:
        server.close()
        shutil.rmtree(work)


def measure(told: argparse.Namespace, server: Server, work: Path) -> int:
    template = work / "template"
    (template / "data").mkdir(parents=True, mode=0o700)
    asyncio.run(fill(template))
    floor = [told.python, str(HERE / "floors.py")]
    desk = [told.python, "-m", "llmdesk"]
    candidates: dict[str, tuple[list[str], str]] = {
        "floor-empty": ([*floor, "empty"], "READY"),
        "floor-static": ([*floor, "static", server.url], "READY"),
        "desk": (desk, "Ask something"),
        "desk-2000": ([*desk, "--conversation", LONG], "Question 999"),
    }
    names = told.only.split(",") if told.only else list(candidates)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for turn in range(-1, told.rounds):  # the first one only warms the files
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            home = work / "home"
            shutil.rmtree(home, ignore_errors=True)
            if name == "desk-2000":
                shutil.copytree(template, home)
            argv, ready = candidates[name]
            env = {"OLLAMA_HOST": server.url, "LLMDESK_HOME": str(home)}
            sitting = Sitting(argv, env, ready, server, work)
            try:
                if turn >= 0:
                    if name == "floor-empty":
                        sitting.rest()
                    else:
                        sitting.chat(short=told.short)
                    rows[name].append(sitting.figures)
            finally:
                sitting.probe.close()
            if turn >= 0 and told.out:
                with told.out.open("a") as file:
                    file.write(json.dumps({"name": name, "load": os.getloadavg()[0], **sitting.figures}) + "\n")
    return table(rows)


def table(rows: dict[str, list[dict[str, float]]]) -> int:
    """Print every figure of every column, and how it stands to its aims; return 1 if one is missed."""
    figures = list(dict.fromkeys(figure for found in rows.values() for row in found for figure in row))
    print("| figure | " + " | ".join(rows) + " | aim: measured |")
    print("| --- |" + " --- |" * (len(rows) + 1))
    missed = 0
    for figure in figures:
        cells, middle = [], dict[str, float]()
        for name, found in rows.items():
            values = [row[figure] for row in found if figure in row]
            if values:
                middle[name] = statistics.median(values)
            cells.append(f"{middle[name]:,.4g} ({min(values):,.4g}-{max(values):,.4g})" if values else "-")
        judged = [
            aim.judged(middle) for aim in AIMS.get(figure, ()) if aim.of in middle and (aim.beside or aim.of) in middle
        ]
        missed += sum(not met for _, met in judged)
        aims = "; ".join(f"{words}, {'met' if met else 'MISSED'}" for words, met in judged)
        print(f"| {figure} | " + " | ".join(cells) + f" | {aims} |")
    if missed:
        print(f"\n{missed} missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
