"""A long conversation, from the database to the screen and typed over: beside a desk in which nothing was said yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.apparatus.long_talk import ENDED, write_talk
from benchmarks.apparatus.program import Program
from benchmarks.apparatus.programs import desk
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import nearest_rank, turns
from benchmarks.judging.figures import EMPTY_DESK
from benchmarks.judging.samples import OURS, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.apparatus.told import Told

NAME = "c0ffee00c0ffee00"


def measure(told: Told) -> Iterator[Sample]:
    """Each length, and an empty desk, in turns."""
    with TokenSource() as source:
        candidates = {0: desk(told.folder / "0", source.url)}
        for messages in told.sizes(200, 2_000, 20_000, quick=(20, 200)):
            home = told.folder / str(messages)
            candidates[messages] = desk(home, source.url, "--conversation", NAME, ready=ENDED)
            asyncio.run(write_talk(home, NAME, messages))
        for counts, messages in turns(told.rounds, list(candidates), warm_up=not told.quick):
            with Program(candidates[messages], told.folder) as program:
                program.probe.settle()
                if not counts:
                    continue
                values = {
                    "opens": program.ready_s * 1000,
                    "long memory": program.probe.memory_mib(),
                    "long key": nearest_rank(program.typed(told.count(30, 3), 0.15), 0.95),
                }
            for figure, value in values.items():
                yield Sample(figure=figure, of=OURS if messages else EMPTY_DESK, value=value, size=messages or None)
