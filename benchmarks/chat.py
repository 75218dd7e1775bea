"""Answers on the screen, keys and CPU meanwhile: the desk beside plain text in Textual, over the same server.

In turns each program is started, typed into, asked for a few short answers, for a stream at 100 tokens a second, for
answers of 200, 2,000 and 10,000 tokens sent as fast as they are read, and for a stream at 100 tokens a second again.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.apparatus.program import Program
from benchmarks.apparatus.programs import desk, plain_chat
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import nearest_rank, turns
from benchmarks.judging.figures import STATIC
from benchmarks.judging.samples import OURS, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.apparatus.told import Told

RATE = 100.0
"""Tokens a second of a stream."""

SHORT = 30
"""Tokens of an answer of which the first token counts."""

FEW = 3
"""Tokens of an answer that is nothing but what every answer costs; CPU per token is what comes on top of it."""

SMALL = 500
"""Answers of fewer tokens are asked for several times: their own CPU is less than what every answer costs."""


def measure(told: Told) -> Iterator[Sample]:
    """Everything of one program, round by round."""
    with TokenSource() as source:
        candidates = {
            STATIC: plain_chat(told.folder, source.url),
            OURS: desk(told.folder / "desk", source.url),
        }
        for counts, name in turns(told.rounds, list(candidates), warm_up=not told.quick):
            with Program(candidates[name], told.folder) as program:
                program.probe.settle()
                if counts:
                    yield from Chat(program, source, name, told).samples()


class Chat:
    """One start of one program, taken through everything."""

    def __init__(self, program: Program, source: TokenSource, name: str, told: Told) -> None:
        self.program, self.probe, self.source, self.told = program, program.probe, source, told
        self.name = name

    def samples(self) -> Iterator[Sample]:
        """All figures, in the order in which they are taken."""
        yield self._sample("key idle", nearest_rank(self.program.typed(self.told.count(20, 3), 0.15), 0.95))
        sent, key = self._first_token()
        yield self._sample("first token first", sent)
        yield self._sample("key to token first", key)
        later = [self._first_token() for _ in range(self.told.count(4, 1))]
        yield self._sample("first token", statistics.median(sent for sent, _ in later))
        yield self._sample("key to token", statistics.median(key for _, key in later))
        before = self.probe.memory_mib()
        yield from self._stream("fresh")
        every_ms, _, _ = self._whole(FEW)
        for tokens in self.told.sizes(200, 2_000, 10_000, quick=(200, 600)):
            used_ms, rate, written = self._whole(tokens)
            yield self._sample("rendered", rate, tokens)
            yield self._sample("rendered cpu", used_ms, tokens)
            yield self._sample("token cpu", (used_ms - every_ms) * 1000 / (tokens - FEW), tokens)
            yield self._sample("bytes", written / 1000, tokens)
        yield self._sample("memory growth", self.probe.memory_mib() - before)
        yield from self._stream("long")

    def _sample(self, figure: str, value: float, size: int | None = None) -> Sample:
        return Sample(figure=figure, of=self.name, value=value, size=size)

    def _first_token(self) -> tuple[float, float]:
        """Milliseconds until the first token is on the screen: since the server sent it, and since the key."""
        asked = self.program.ask(self.source, SHORT, rate=RATE)
        seen = self.program.shown(asked.begin, asked)
        self.program.shown(asked.end, asked)
        self.probe.settle()
        return (seen - self.source.told()["begun_at"]) * 1000, (seen - asked.at) * 1000

    def _whole(self, tokens: int) -> tuple[float, float, float]:
        """An answer sent as fast as it is read: its CPU, ms; its pace, tokens/s; what was written of it, bytes."""
        times = self.told.count(8, 1) if tokens < SMALL else 1
        quiet_s = 0.7 if times == 1 else 0.3
        used, written, rates = 0.0, 0, []
        for _ in range(times):
            asked = self.program.ask(self.source, tokens, quiet_s=quiet_s)
            seen = self.program.shown(asked.end, asked)
            rates.append(tokens / (seen - self.source.told()["begun_at"]))
            self.probe.settle(quiet_s)
            written += len(self.probe.raw) - asked.offset
            used += self.probe.cpu_s() - asked.cpu_s
        return used * 1000 / times, statistics.median(rates), written / times

    def _stream(self, when: str) -> Iterator[Sample]:
        """CPU while tokens stream in, then what a key takes to show meanwhile."""
        alone_s, keys, gap_s = (0.5, 4, 0.1) if self.told.quick else (4.0, 30, 0.25)
        asked = self.program.ask(self.source, int((1.5 + alone_s + keys * gap_s) * RATE), rate=RATE)
        time.sleep(0.5)
        cpu, at = self.probe.cpu_s(), time.monotonic()
        time.sleep(alone_s)
        yield self._sample(f"cpu {when}", 100 * (self.probe.cpu_s() - cpu) / (time.monotonic() - at))
        yield self._sample(f"key {when}", nearest_rank(self.program.typed(keys, gap_s), 0.95))
        self.program.shown(asked.end, asked)
        self.probe.settle()
