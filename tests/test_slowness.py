"""Limits of the tests grow with how slow the machine is, and never shrink; a held event loop is told by its CPU."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support import slowness as slowness_module
from tests.support.held_loop import held_loop
from tests.support.slowness import LOOKS, REFERENCE_S, allowed, factor, slowness


@pytest.mark.parametrize(
    ("piece_s", "times"), [(REFERENCE_S, 1.0), (REFERENCE_S * 4, 4.0), (REFERENCE_S / 4, 1.0), (0.0, 1.0)]
)
def test_a_machine_that_takes_a_multiple_is_allowed_that_multiple_and_a_quick_one_no_less(
    piece_s: float, times: float
) -> None:
    assert factor(piece_s) == pytest.approx(times)


def test_the_worst_of_several_looks_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([REFERENCE_S, REFERENCE_S * 6, REFERENCE_S * 2, REFERENCE_S, REFERENCE_S])
    monkeypatch.setattr(slowness_module, "_piece_s", lambda: next(looks))
    assert allowed(0.5) == pytest.approx(3.0)
    assert next(looks, None) is None, f"{LOOKS} looks were taken"


def test_what_the_clock_says_of_this_machine_is_a_plausible_factor() -> None:
    begun = time.perf_counter()
    times = slowness()
    took_s = time.perf_counter() - begun
    assert times >= 1.0
    assert times * REFERENCE_S <= max(took_s, REFERENCE_S), "no look took longer than all of them"


async def test_a_loop_that_is_held_is_seen_and_by_how_much() -> None:
    async with held_loop() as held:
        await asyncio.sleep(0)
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass
    assert held.worst_s >= 0.1


async def test_waiting_does_not_hold_a_loop_nor_does_the_work_of_another_thread() -> None:
    def work() -> None:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass

    async with held_loop() as held:
        await asyncio.to_thread(work)
        await asyncio.sleep(0.05)
    assert held.worst_s < 0.05
