"""Plays the sequences of a slice until one of them breaks a rule: what a mutant has to die of.

Run as ``python -m tests.campaign.mutants.slice`` in a copy of the repository that holds the mutant.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tests.campaign.generate import generate
from tests.campaign.mutants.mutant import Slice
from tests.campaign.mutants.stories import STORIES
from tests.campaign.sequence import Restart, Say, Together
from tests.campaign.stage import Stage, room

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.campaign.sequence import Sequence
    from tests.campaign.stage import Verdict

FIRST = 1
LAST = 40_000
"""Seeds are looked through from one to the other."""

STORY_TIMES = 2
"""How often a story is played: what it shows it shows each time."""

AT_ONCE = 12
REAL_AT_ONCE = 3
"""The same for sequences of processes, which take the processor and not only time."""

LATE_S = 20.0
"""A sequence that was begun in time may take so much longer, seconds."""


def words_of(what: Slice, rules: tuple[str, ...]) -> tuple[str, ...]:
    """The command that plays a slice until one of these rules is broken."""
    return ("-m", "tests.campaign.mutants.slice", json.dumps(asdict(what)), "--rules", ",".join(rules))


def main(argv: list[str]) -> int:
    """Play one; 1 = a rule was broken, which is told as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slice", help="JSON of a Slice")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rules", default="", help="go on until one of these is broken; empty = any")
    parser.add_argument("--all", action="store_true", help="go on after the first; tell each")
    options = parser.parse_args(argv)
    told: dict[str, Any] = json.loads(options.slice)
    lists: dict[str, Any] = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    what = Slice(**{**told, **lists})
    rules = frozenset(filter(None, options.rules.split(",")))
    found = asyncio.run(play(what, rules, seconds=options.seconds, to_the_end=options.all))
    return 1 if found else 0


async def play(
    what: Slice, rules: frozenset[str] = frozenset(), *, seconds: float, to_the_end: bool = False
) -> list[Verdict]:
    """Play the sequences of a slice, several at once, up to the first that breaks a rule, or until the time is up.

    What is known to show it comes first and alone, and is played again where the machine was too busy to tell.

    Args:
        what: the slice.
        rules: those that count; empty = any.
        seconds: after so long no sequence is begun.
        to_the_end: go on after the first.
    """
    playing = _Playing(rules, until=time.monotonic() + seconds, to_the_end=to_the_end)
    with room() as root:
        at_once = REAL_AT_ONCE if what.real else AT_ONCE
        async with Stage(root, at_once) as stage:
            await playing.known(stage, known(what))
            if playing.goes_on and not what.story:
                await playing.others(stage, sequences(what), at_once)
    print(json.dumps({"played": playing.played}), flush=True)
    return playing.found


class _Playing:
    """A slice while it is played."""

    def __init__(self, rules: frozenset[str], *, until: float, to_the_end: bool) -> None:
        self.found: list[Verdict] = []
        self.played = 0
        self._rules = rules
        self._until = until
        self._to_the_end = to_the_end

    @property
    def goes_on(self) -> bool:
        """Nothing is found yet, and there is time."""
        return time.monotonic() < self._until and (self._to_the_end or not self.found)

    async def known(self, stage: Stage, left: Iterable[Sequence]) -> None:
        """Play these one after the other, each until the machine lets it be told."""
        waiting = deque(left)
        while waiting and self.goes_on:
            verdict = await self._one(stage, waiting[0])
            if verdict.violations or not verdict.notes:
                waiting.popleft()

    async def others(self, stage: Stage, left: Iterator[Sequence], at_once: int) -> None:
        """Play these, so many at once."""

        async def one_after_the_other() -> None:
            for sequence in left:
                if not self.goes_on:
                    return
                await self._one(stage, sequence)

        tasks = [asyncio.create_task(one_after_the_other()) for _ in range(at_once)]
        while not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            if (self.found and not self._to_the_end) or time.monotonic() > self._until + LATE_S:
                break
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, stage: Stage, sequence: Sequence) -> Verdict:
        verdict = await stage.verdict_of(sequence)
        self.played += 1
        broken = {violation.rule for violation in verdict.violations}
        if broken & self._rules or (broken and not self._rules):
            self.found.append(verdict)
        if broken:
            tell(verdict, self._rules)
        elif verdict.notes:
            print(json.dumps({"seed": verdict.seed, "unclear": verdict.notes[0][:200]}), flush=True)
        return verdict


def tell(verdict: Verdict, rules: frozenset[str]) -> None:
    """Print what a sequence has found, for whoever runs this: first what counts."""
    broken = sorted(verdict.violations, key=lambda each: (each.rule not in rules, each.rule))
    told = {
        "seed": verdict.seed,
        "rules": sorted({violation.rule for violation in broken}),
        "words": [f"{violation.rule}: {violation.words}" for violation in broken[:3]],
    }
    print(json.dumps(told), flush=True)


# --- which sequences --------------------------------------------------------------------------------------------------


def known(what: Slice) -> list[Sequence]:
    """The sequences of a slice that have to show it."""
    if what.story:
        return [STORIES[what.story]] * STORY_TIMES
    return [generate(seed) for seed in what.seeds]


def sequences(what: Slice) -> Iterator[Sequence]:
    """The sequences of a slice that the generator makes, in the order of their seeds."""
    count = 0
    for seed in range(FIRST, LAST):
        sequence = generate(seed)
        if may_show(what, sequence):
            yield sequence
            count += 1
            if count == what.count:
                return


def may_show(what: Slice, sequence: Sequence) -> bool:
    """Whether a sequence meets what the slice names."""
    says = says_of(sequence)
    kinds = {kind for step in sequence.steps for kind in _kinds(step)}
    return all((
        any(_meets(what, say) for say in says) or (what.cut == "kill" and "crash" in kinds),
        set(what.steps) <= kinds,
        not what.record or sequence.record == what.record,
        what.real is None or sequence.real is what.real,
        not what.budgets or any(budget.kind == "hard" for budget in sequence.budgets),
        not what.priced or any(provider.price is not None for provider in sequence.providers),
        not what.follows or any(say.follows for say in says),
    ))  # fmt: skip


def _meets(what: Slice, say: Say) -> bool:
    met = any(re.search(what.symbols, symbol) for _, symbols in say.meets for symbol in symbols)
    return (met or not what.symbols) and (not what.cut or re.fullmatch(what.cut, say.cut) is not None)


def says_of(sequence: Sequence) -> list[Say]:
    """Everything that is asked in a sequence."""
    steps = (step.says if isinstance(step, Together) else (step,) for step in sequence.steps)
    return [say for group in steps for say in group if isinstance(say, Say)]


def _kinds(step: object) -> tuple[str, ...]:
    name = type(step).__name__.lower()
    return (name, "crash") if isinstance(step, Restart) and step.hard else (name,)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
