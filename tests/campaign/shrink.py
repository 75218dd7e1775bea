"""Make a sequence that breaks a rule smaller, for as long as it still breaks it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from tests.campaign.sequence import Jump, Poison, Resume, Say, Together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.campaign.sequence import Sequence, Step

AT_ONCE = 6
"""How many smaller sequences are tried at once."""


async def shrink(
    sequence: Sequence, breaks: Callable[[Sequence], Awaitable[bool]], *, limit_s: float = 60.0
) -> Sequence:
    """Find a smaller sequence that ``breaks`` the same rule; the same one if none is found in time.

    A fault that comes and goes with the moment survives only in the steps that made it come each time they were tried.
    """
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        candidates = smaller(sequence)
        found = None
        while found is None and time.monotonic() < until and (batch := list(islice(candidates, AT_ONCE))):
            broken = await asyncio.gather(*(breaks(each) for each in batch))
            found = next((each for each, is_broken in zip(batch, broken, strict=True) if is_broken), None)
        if found is None:
            break
        sequence = found
    return sequence


def smaller(sequence: Sequence) -> Iterator[Sequence]:
    """Yield sequences that are one thing smaller, the largest thing first."""
    steps = sequence.steps
    for half in (steps[: len(steps) // 2], steps[len(steps) // 2 :]):
        if half and len(steps) > 2:
            yield _with(sequence, half)
    for place in range(len(steps) - 1, -1, -1):
        if len(steps) > 1:
            yield _with(sequence, steps[:place] + steps[place + 1 :])
    for place, step in enumerate(steps):
        for less in _less(step):
            yield _with(sequence, (*steps[:place], less, *steps[place + 1 :]))
    if sequence.budgets:
        yield replace(sequence, budgets=sequence.budgets[1:])
    if sequence.record != "full":
        yield replace(sequence, record="full")
    yield from _fewer_targets(sequence)


def _with(sequence: Sequence, steps: tuple[Step, ...]) -> Sequence:
    return replace(sequence, steps=steps)


def _less(step: Step) -> Iterator[Step]:
    match step:
        case Together(says=says):
            for place in range(len(says)):
                left = says[:place] + says[place + 1 :]
                yield left[0] if len(left) == 1 else Together(says=left)
            for place, say in enumerate(says):
                for less in _less(say):
                    assert isinstance(less, Say)
                    yield Together(says=(*says[:place], less, *says[place + 1 :]))
        case Say():
            if step.cut:
                yield replace(step, cut="", after_s=0.0)
            if step.follows:
                yield replace(step, follows=False)
            for place, (provider, symbols) in enumerate(step.meets):
                before, after = step.meets[:place], step.meets[place + 1 :]
                yield replace(step, meets=before + after)
                if len(symbols) > 1:
                    yield replace(step, meets=(*before, (provider, symbols[:-1]), *after))
                    yield replace(step, meets=(*before, (provider, symbols[1:]), *after))
        case Resume() if step.cut:
            yield replace(step, cut="", after_s=0.0)
        case Jump(wall=wall, boot=boot) if wall and boot:
            yield Jump(wall=wall, boot=0)
        case _:
            return


def _fewer_targets(sequence: Sequence) -> Iterator[Sequence]:
    """Lanes and providers that no step needs."""
    asked = {say.lane for step in sequence.steps for say in _says(step)}
    lanes = tuple(lane for lane in sequence.lanes if lane[0] in asked) or sequence.lanes[:1]
    if lanes != sequence.lanes:
        yield replace(sequence, lanes=lanes)
    poisoned = {step.provider for step in sequence.steps if isinstance(step, Poison)}
    needed = {name for _, targets in sequence.lanes for name in targets} | poisoned
    providers = tuple(provider for provider in sequence.providers if provider.name in needed)
    if providers != sequence.providers:
        yield replace(sequence, providers=providers)
    for place, (name, targets) in enumerate(sequence.lanes):
        for target in targets:
            if len(targets) > 1:
                left = (name, tuple(each for each in targets if each != target))
                yield replace(sequence, lanes=(*sequence.lanes[:place], left, *sequence.lanes[place + 1 :]))
    for place, provider in enumerate(sequence.providers):
        if provider.attempts > 1:
            plain = replace(provider, attempts=1)
            yield replace(sequence, providers=(*sequence.providers[:place], plain, *sequence.providers[place + 1 :]))


def _says(step: Step) -> tuple[Say, ...]:
    match step:
        case Say():
            return (step,)
        case Together(says=says):
            return says
        case _:
            return ()
