"""Candidates taking turns, so that a slow spell of the machine hits all alike; and what their values come to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")


def turns(rounds: int, candidates: Sequence[T], *, warm_up: bool = True) -> Iterator[tuple[bool, T]]:
    """Yield each candidate once a round, another one first each time, and whether the round counts.

    The first round warms up files and caches and does not count.
    """
    for number in range(-warm_up, rounds):
        first = number % len(candidates)
        for each in (*candidates[first:], *candidates[:first]):
            yield number >= 0, each


def nearest_rank(values: Sequence[float], part: float) -> float:
    """A percentile that occurred: the smallest value that at least ``part`` of all do not exceed."""
    return sorted(values)[max(math.ceil(part * len(values)) - 1, 0)]
