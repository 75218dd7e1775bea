"""Ten streams at once, each in a lane of its own: without a screen as fast as they come, and in the desk at a pace.

Without a screen: one process asks all lanes at once; the pace of all tokens together and their CPU. In the desk: each
lane is asked by hand and streams at 100 tokens a second, nine of them out of sight; CPU of a token, and a key's echo.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.apparatus.program import Program
from benchmarks.apparatus.programs import desk
from benchmarks.apparatus.token_server import MODEL
from benchmarks.apparatus.token_server import tokens as answer
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import nearest_rank, turns
from benchmarks.judging.samples import Sample
from llmdesk.core.types import Status, TextDelta
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.apparatus.told import Told
    from llmdesk.desk import Desk

BEGIN, END = "BEGIN", "END"
RATE = 100.0
NEXT_LANE = "\x1b[6;5~"
"""ctrl+pagedown."""


def configure(home: Path, url: str, lanes: int) -> None:
    """Write the configuration of a home: so many lanes that all ask the one server."""
    home.mkdir(parents=True)
    file = home / "config" / "llmdesk.yaml"
    file.parent.mkdir(mode=0o700)
    named = "".join(f"  lane-{at}: {{targets: [local/{MODEL}]}}\n" for at in range(lanes))
    file.write_text(
        f'version: 1\ndefault_lane: lane-0\nproviders:\n  local: {{kind: ollama, base_url: "{url}"}}\nlanes:\n{named}'
    )
    file.chmod(0o600)


def measure(told: Told) -> Iterator[Sample]:
    """One stream and ten, in turns; without a screen first."""
    sizes = told.sizes(1, 10, quick=(1, 3))
    with TokenSource() as source:
        homes = {streams: told.folder / str(streams) for streams in sizes}
        for home in homes.values():
            configure(home, source.url, max(sizes))
        for counts, streams in turns(told.rounds, sizes):
            tokens = told.count(5_000, 200)
            source.plan(tokens, begin=BEGIN, end=END)
            seconds, cpu_s = asyncio.run(at_once(homes[streams], streams, tokens))
            if counts:
                yield Sample(figure="parallel", value=streams * tokens / seconds, size=streams)
                yield Sample(figure="parallel cpu", value=cpu_s * 1e6 / streams / tokens, size=streams)
        for _, streams in turns(told.rounds, sizes, warm_up=False):
            cpu, key = in_the_desk(told, source, homes[streams], streams)
            yield Sample(figure="parallel desk cpu", value=cpu, size=streams)
            yield Sample(figure="parallel desk key", value=key, size=streams)


async def at_once(home: Path, streams: int, tokens: int) -> tuple[float, float]:
    """Seconds and CPU seconds until so many lanes have all their answers, each whole."""
    async with make_desk(env={"LLMDESK_HOME": str(home)}) as found:
        await answered(found, 0)  # what is imported with the first request
        begun, cpu = time.perf_counter(), time.process_time()
        came = await asyncio.gather(*(answered(found, lane) for lane in range(streams)))
        taken = time.perf_counter() - begun, time.process_time() - cpu
    assert set(came) == {sum(map(len, answer(tokens, BEGIN, END)))}, came
    return taken


async def answered(found: Desk, lane: int) -> int:
    """How many characters an answer had; of a reader that falls behind, pieces are joined."""
    run, came = found.send(Ask(prompt="hello", lane=f"lane-{lane}")), 0
    async for event in run:
        if isinstance(event, TextDelta):
            came += len(event.text)
    outcome = await run.outcome()
    assert outcome.status is Status.COMPLETED, outcome
    return came


def in_the_desk(told: Told, source: TokenSource, home: Path, streams: int) -> tuple[float, float]:
    """Microseconds of CPU a token, and the p95 of a key's echo in ms, while all lanes stream."""
    seconds, keys, gap_s = (0.5, 3, 0.1) if told.quick else (4.0, 20, 0.15)
    with Program(desk(home, source.url), told.folder) as program:
        program.probe.settle()
        before = source.told()
        source.plan(int(RATE * (4 + 0.5 * streams + seconds + keys * gap_s)), rate=RATE)
        for lane in range(streams):
            if lane:
                program.probe.send(NEXT_LANE)
            program.probe.send(f"go {lane}\r")
            source.wait("begun", before["begun"] + lane + 1)
        time.sleep(0.5)
        cpu, at = program.probe.cpu_s(), time.monotonic()
        time.sleep(seconds)
        used = (program.probe.cpu_s() - cpu) / (time.monotonic() - at)
        taken = program.typed(keys, gap_s)
        if source.told()["ended"] > before["ended"]:
            raise TimeoutError("the first stream had ended before all was measured")
        source.wait("ended", before["ended"] + streams)
        program.probe.settle()
    return used * 1e6 / RATE / streams, nearest_rank(taken, 0.95)
