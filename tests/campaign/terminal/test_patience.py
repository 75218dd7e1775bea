"""What runs out of time on a busy machine is told as that, and a program that does nothing is not excused by it."""

from __future__ import annotations

import sys
import time
from subprocess import PIPE, Popen

import pytest

from tests.campaign.terminal.starved import PATIENCE, Impatient, Starved, asleep, finished, unfinished


def test_a_program_that_does_nothing_with_its_time_has_had_it() -> None:
    with Popen([sys.executable, "-c", "input()"], stdin=PIPE) as idle:
        held = Starved(idle.pid).until(lambda: False, lambda: time.sleep(0.01), 0.3)
        idle.kill()
    assert not held


def test_a_wait_that_is_over_before_the_program_had_its_time_proves_nothing() -> None:
    with Popen([sys.executable, "-c", "input()"], stdin=PIPE) as kept:
        with pytest.raises(Impatient):
            Starved(kept.pid).until(lambda: False, lambda: time.sleep(0.01), seconds=60, most=0.1)
        kept.kill()


def test_only_a_broken_rule_is_told_as_one() -> None:
    assert unfinished(Impatient("busy"), "X2").rule == PATIENCE
    assert unfinished(AssertionError("never came"), "X2").rule == "X2"


def test_what_others_took_is_not_counted_as_its_own() -> None:
    with Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            began, starved = time.monotonic(), Starved(busy.pid)
            assert starved.until(lambda: starved.own_s > 0.2, lambda: time.sleep(0.01))
            assert starved.own_s <= time.monotonic() - began
            assert starved.until(lambda: not asleep(busy.pid), lambda: time.sleep(0.01))
        finally:
            busy.kill()


def test_a_command_gets_what_is_typed_and_gives_both_its_streams() -> None:
    words = "import sys, time; time.sleep(0.5); print(input()); print('beside', file=sys.stderr); sys.exit(3)"
    done = finished([sys.executable, "-c", words], env={}, typed=b"typed\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"typed\n", b"beside\n")
