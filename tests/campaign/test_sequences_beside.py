"""The second half of the sequences that every run plays: a file of its own, so that another process can take it."""

from __future__ import annotations

import pytest

from tests.campaign.slices import PATIENT_S, broken, piece


@pytest.mark.timeout(PATIENT_S)
@pytest.mark.parametrize("number", range(8, 16))
def test_no_sequence_of_the_other_half_breaks_a_rule(number: int) -> None:
    assert broken(piece(number)) == []
