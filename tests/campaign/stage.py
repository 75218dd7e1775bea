"""One sequence played and judged; several of them at once, and again what a busy machine has spoiled."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
import traceback
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.campaign.oracle import judge, same
from tests.campaign.player import play
from tests.campaign.pulse import Pulse
from tests.campaign.sequence import Poison, Together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.campaign.evidence import Evidence, Violation
    from tests.campaign.sequence import Sequence

AT_ONCE = 16
"""How many sequences one process plays at once: most of the time they wait for servers that are silent."""

PATIENCE = (1.0, 3.0, 10.0)
"""How patient the desks of a sequence are when it is played, and played again; the last time it is alone."""

CERTAIN = ("I11", "I12")
"""A secret that got out, a connection to somewhere else: no machine is so busy that it does that by itself."""

SPOILS_S = 0.25
"""A gap in which the loop did not run spoils a verdict from here on, seconds of usual patience."""

EVERY_TWICE = 7
"""Of so many seeds one is played a second time, where nothing in it depends on the moment (policy I7)."""

SLOW = 4.0
"""So many times slower than alone, and what real processes did in time says nothing."""

MEMORY = Path("/dev/shm")
"""Homes are kept here: what counts is what is in a file, not how fast a disk is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one sequence.

    Args:
        seed: what makes it again.
        violations: broken invariants.
        notes: faults of the campaign itself; with one it counts as broken.
        symbols: how often each was met.
        steps: how often each kind of step was taken.
        asked: requests handed to the program.
        served: requests that reached a target.
        seconds: how long it took.
        again: how often it was played again, because the machine was too busy.
    """

    seed: int
    violations: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()
    symbols: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    served: int = 0
    seconds: float = 0.0
    again: int = 0

    @property
    def well(self) -> bool:
        """Nothing was broken, and nothing is in doubt."""
        return not self.violations and not self.notes


@contextmanager
def room() -> Iterator[Path]:
    """A folder for homes, in memory where that is possible; gone afterwards."""
    base = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="llmdesk-campaign-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def played(sequence: Sequence, folder: Path, *, patience: float = 1.0) -> tuple[Evidence, Verdict]:
    """Play one sequence in a folder and judge it."""
    began = time.monotonic()
    folder.mkdir(mode=0o700)
    evidence = await play(sequence, folder, patience=patience)
    violations = await asyncio.to_thread(judge, evidence)
    verdict = Verdict(
        seed=sequence.seed,
        violations=tuple(violations),
        notes=evidence.notes,
        symbols=Counter(served.symbol for served in evidence.served),
        steps=Counter(type(step).__name__.lower() for step in sequence.steps),
        asked=len(evidence.asked),
        served=len(evidence.served),
        seconds=time.monotonic() - began,
    )
    return evidence, verdict


def is_repeatable(sequence: Sequence) -> bool:
    """It is one of those that are played twice: nothing in it depends on the moment, and it is its turn."""
    if sequence.real or sequence.seed % EVERY_TWICE:
        return False
    return not any(isinstance(step, Together | Poison) or getattr(step, "cut", "") for step in sequence.steps)


class Stage:
    """Plays sequences in one loop, up to so many at once, and plays again what a busy machine has spoiled.

    Args:
        root: folders of sequences are made in it.
        at_once: how many are played at the same time.
    """

    def __init__(self, root: Path, at_once: int = AT_ONCE) -> None:
        self._root = root
        self._at_once = at_once
        self._pulse = Pulse()
        self._alone = asyncio.Lock()
        self._idle = asyncio.Condition()
        self._playing = 0

    async def __aenter__(self) -> Self:
        await self._pulse.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pulse.__aexit__()

    async def verdict_of(self, sequence: Sequence) -> Verdict:
        """Play one; with more patience, and at last alone, as long as gaps may be what it is blamed for."""
        again = 0
        for patience in PATIENCE:
            began, waits = time.monotonic(), self._pulse.waits()
            async with self._room(alone=patience == PATIENCE[-1]):
                verdict = await self._once(sequence, patience)
            busy = self._pulse.longest_s(began) > SPOILS_S * patience
            if sequence.real:  # what processes of their own wait for shows in no gap of this one
                busy = busy or self._pulse.slowed(waits) > SLOW
            certain = any(violation.rule in CERTAIN for violation in verdict.violations)
            if verdict.well or certain or not busy:
                return replace(verdict, again=again)
            again += 1
        seen = "; ".join([*verdict.notes, *(f"{each.rule} {each.words}" for each in verdict.violations)])
        return replace(verdict, again=again, violations=(), notes=(f"the machine was too busy to tell: {seen}",))

    @asynccontextmanager
    async def _room(self, *, alone: bool) -> AsyncIterator[None]:
        if alone:
            await self._alone.acquire()  # before the other lock, which whoever plays needs in order to leave
        async with self._idle:
            if alone:
                await self._idle.wait_for(lambda: self._playing == 0)
            else:
                await self._idle.wait_for(lambda: self._playing < self._at_once and not self._alone.locked())
            self._playing += 1
        try:
            yield
        finally:
            async with self._idle:
                self._playing -= 1
                if alone:
                    self._alone.release()
                self._idle.notify_all()

    async def _once(self, sequence: Sequence, patience: float) -> Verdict:
        folder = self._root / f"{sequence.seed}-{time.monotonic_ns()}"
        try:
            evidence, verdict = await played(sequence, folder, patience=patience)
            if not is_repeatable(sequence):
                return verdict
            other = await play(sequence, folder / "again", patience=patience)
            differs = await asyncio.to_thread(same, evidence, other)
            notes = (*verdict.notes, *other.notes)
            return replace(verdict, violations=(*verdict.violations, *differs), notes=notes)
        except Exception as problem:
            told = "".join(traceback.format_exception(problem)[-6:])
            return Verdict(seed=sequence.seed, notes=(f"the player broke: {problem!r}\n{told}",))
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
