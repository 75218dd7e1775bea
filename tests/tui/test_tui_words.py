"""Numbers and times as the screen says them."""

from __future__ import annotations

import pytest

from llmdesk.tui.words import seconds


@pytest.mark.parametrize(
    ("value_s", "said"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.97, "10 s"), (10.0, "10 s"), (185, "3:05 min")]
)
def test_a_duration_is_never_said_in_two_ways(value_s: float, said: str) -> None:
    assert seconds(value_s) == said
