"""The second half of the sequences that every run plays: a file of its own, so that another process can take it."""

from __future__ import annotations

import pytest

from tests.campaign.slices import broken, piece


@pytest.mark.parametrize("number", range(4, 8))
def test_no_sequence_of_the_other_half_breaks_a_rule(number: int) -> None:
    assert broken(piece(number)) == []
