"""One long sitting: hundreds of answers in one desk, and whether it grows or slows down.

After every 25 answers a new conversation begins; then once more with all answers in one. Every fifty answers: memory,
CPU of an answer, the time from the keys that ask to the last token on the screen, and a key's echo.

In one long conversation every request takes along what has been said, until the largest window that a local model is
asked for is full (about 340 of these answers): making, sending and receiving that grows with it, and is in the figures.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.apparatus.program import Program
from benchmarks.apparatus.programs import desk
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import nearest_rank
from benchmarks.judging.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.apparatus.told import Told

TOKENS = 300
TURNS = 25
"""Answers of a conversation, where there are several."""

NEW_CONVERSATION = "\x0e"
"""ctrl+n."""


def measure(told: Told) -> Iterator[Sample]:
    """Both ways, once each: a sitting is long."""
    with TokenSource() as source:
        for name, turns in (("sitting", TURNS), ("one sitting", 0)):
            with Program(desk(told.folder / name, source.url), told.folder) as program:
                program.probe.settle()
                yield from _sat(told, source, program, name, turns)


def _sat(told: Told, source: TokenSource, program: Program, name: str, turns: int) -> Iterator[Sample]:
    answers, step = (500, 50) if not told.quick else (10, 5)
    for done in range(step, answers + 1, step):
        cpu, taken = program.probe.cpu_s(), list[float]()
        for number in range(done - step, done):
            if turns and number and number % turns == 0:
                program.probe.send(NEW_CONVERSATION)
                program.probe.settle(0.05, 2)
            asked = program.ask(source, TOKENS, quiet_s=0.05)
            taken.append((program.shown(asked.end, asked, 30) - asked.at) * 1000)
            program.probe.settle(0.05, 2)  # the answer is written down before the next one is asked
        values = {
            "cpu": 1000 * (program.probe.cpu_s() - cpu) / step,
            "time": statistics.median(taken),
            "key": nearest_rank(program.typed(told.count(20, 2), 0.1), 0.95),
            "memory": program.probe.memory_mib(),
        }
        for figure, value in values.items():
            yield Sample(figure=f"{name} {figure}", value=value, size=done)
