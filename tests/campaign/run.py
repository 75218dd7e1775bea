"""Play many sequences: in several processes, each with a loop that plays several of them at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import queue
import time
from typing import TYPE_CHECKING

from tests.campaign.generate import generate
from tests.campaign.shrink import shrink
from tests.campaign.stage import AT_ONCE, Stage, room
from tests.campaign.story import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.context import SpawnProcess
    from multiprocessing.queues import Queue
    from multiprocessing.sharedctypes import Synchronized
    from pathlib import Path

    from tests.campaign.sequence import Sequence
    from tests.campaign.stage import Verdict


async def play_seeds(
    seeds: Iterable[int], root: Path, tell: Callable[[Verdict], None], *, at_once: int = AT_ONCE
) -> None:
    """Play the sequences of ``seeds``, several at once, and tell each verdict."""
    left = iter(seeds)
    async with Stage(root, at_once) as stage:

        async def one_after_the_other() -> None:
            for seed in left:
                tell(await stage.verdict_of(generate(seed)))

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))


def play_all(seeds: Iterable[int], *, at_once: int = AT_ONCE) -> list[Verdict]:
    """Play seeds in this process; for the tests."""
    verdicts: list[Verdict] = []
    with room() as root:
        asyncio.run(play_seeds(seeds, root, verdicts.append, at_once=at_once))
    return verdicts


async def smallest(sequence: Sequence, rule: str, root: Path, *, limit_s: float) -> tuple[str, ...]:
    """The story of a smaller sequence that breaks ``rule`` as well."""

    async with Stage(root) as stage:

        async def breaks(candidate: Sequence) -> bool:
            found = await stage.verdict_of(candidate)
            return any(violation.rule == rule for violation in found.violations)

        return describe(await shrink(sequence, breaks, limit_s=limit_s))


# --- several processes ------------------------------------------------------------------------------------------------


def verdicts_of(first: int, count: int, *, jobs: int, until: float | None = None) -> Iterator[Verdict]:
    """Play ``count`` seeds from ``first`` on in ``jobs`` processes; after ``until`` (monotonic) none is begun."""
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", first)
    told: Queue[Verdict | None] = context.Queue()
    with room() as root:
        workers = [
            context.Process(target=_work, args=(counter, first + count, until, told, root), daemon=True)
            for _ in range(jobs)
        ]
        for worker in workers:
            worker.start()
        try:
            yield from _told_by(workers, told)
        finally:
            for worker in workers:
                worker.terminate()  # those that have ended do not mind
                worker.join()


def _told_by(workers: list[SpawnProcess], told: Queue[Verdict | None]) -> Iterator[Verdict]:
    """Yield what workers tell until each has said that it has nothing more.

    Raises:
        RuntimeError: one of them ended without a word.
    """
    working = len(workers)
    while working:
        try:
            verdict = told.get(timeout=1.0)
        except queue.Empty:
            if sum(worker.is_alive() for worker in workers) < working:
                raise RuntimeError(f"a worker ended with {[worker.exitcode for worker in workers]}") from None
            continue
        if verdict is None:
            working -= 1
        else:
            yield verdict


def _work(counter: Synchronized[int], end: int, until: float | None, told: Queue[Verdict | None], root: Path) -> None:
    def seeds() -> Iterator[int]:
        while until is None or time.monotonic() < until:
            with counter.get_lock():
                seed = counter.value
                counter.value += 1
            if seed >= end:
                return
            yield seed

    asyncio.run(play_seeds(seeds(), root, told.put))
    told.put(None)
