"""Random fault sequences against the real program, judged from outside; what was found before comes first."""

from __future__ import annotations

import pytest

from tests.campaign.generate import generate
from tests.campaign.sequence import Say, Together
from tests.campaign.slices import PATIENT_S, broken, found_before, piece
from tests.campaign.story import describe


@pytest.mark.timeout(PATIENT_S)
def test_what_was_found_before_does_not_come_back() -> None:
    assert broken(found_before()) == []


@pytest.mark.timeout(PATIENT_S)
@pytest.mark.parametrize("number", range(8))
def test_no_sequence_breaks_a_rule(number: int) -> None:
    assert broken(piece(number)) == []


def test_a_seed_always_makes_the_same_sequence_and_another_seed_another_one() -> None:
    assert [generate(seed) for seed in range(50)] == [generate(seed) for seed in range(50)]
    assert len({describe(generate(seed))[1:] for seed in range(50)}) == 50


def test_every_twentieth_sequence_asks_by_processes_and_lets_the_clocks_alone() -> None:
    for seed in range(200):
        sequence = generate(seed)
        says = [say for step in sequence.steps for say in (step.says if isinstance(step, Together) else (step,))]
        assert {say.real for say in says if isinstance(say, Say)} == {seed % 20 == 0}
        kinds = {type(step).__name__ for step in sequence.steps}
        assert seed % 20 or not kinds & {"Jump", "Reboot", "Restart", "Second"}
