"""The program from its start to a prompt, and at rest: beside an empty Textual app, and Textual rivals.

Nobody's first start is measured: files are there and in memory. The desk's database is there, nothing was said yet.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.apparatus import rivals
from benchmarks.apparatus.program import NotShownError, Program
from benchmarks.apparatus.programs import desk, empty_app
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.turns import turns
from benchmarks.judging.figures import EMPTY, TEXTUAL_RIVALS
from benchmarks.judging.samples import OURS, Failure, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.apparatus.program import Started
    from benchmarks.apparatus.told import Told


def measure(told: Told) -> Iterator[Sample | Failure]:
    """All of one start, round by round."""
    with TokenSource() as source:
        candidates = {EMPTY: empty_app(told.folder), OURS: desk(told.folder / "desk", source.url)}
        for name in TEXTUAL_RIVALS:
            found = rival(told, name, source.url)
            if isinstance(found, Failure):
                yield found
            elif found is not None:
                candidates[name] = found
        for counts, name in turns(told.rounds, list(candidates), warm_up=not told.quick):
            if name not in candidates:
                continue
            try:
                samples = started(candidates[name], name, told, counts=counts)
            except NotShownError as error:
                if name not in TEXTUAL_RIVALS:
                    raise
                del candidates[name]
                yield Failure(of=name, why=str(error))
                continue
            yield from samples


def rival(told: Told, name: str, url: str) -> Started | Failure | None:
    """How a rival is started; ``None`` = rivals are left out."""
    program = told.rival(name)
    if program is None or isinstance(program, Failure):
        return program
    home = told.folder / name
    home.mkdir()
    try:
        return rivals.STARTS[name](program.parent, home, url)
    except (OSError, subprocess.SubprocessError) as error:
        return Failure(of=name, why=f"{name} could not be set up: {error}")


def started(candidate: Started, name: str, told: Told, *, counts: bool) -> list[Sample]:
    """Start it once, look at it at rest, and end it; nothing of a start that does not count."""
    with Program(candidate, told.folder) as program:
        probe = program.probe
        if not counts:
            probe.settle()
            return []
        probe.settle()
        painted, memory = probe.first_paint(), probe.memory_mib()
        time.sleep(0 if told.quick else 1)
        idle = probe.idle_percent(0.3 if told.quick else 5)
        values = {
            "first paint": ((painted or 0.0) - probe.began) * 1000,
            "ready": program.ready_s * 1000,
            "start cpu": program.cpu_s * 1000,
            "memory ready": program.memory_mib,
            "memory open": memory,
            "idle": idle,
        }
    return [Sample(figure=figure, of=name, value=value) for figure, value in values.items()]
