"""The end of what a program printed holds no secret, whole or half (policy S2)."""

from __future__ import annotations

import pytest

from llmdesk.core.text import redact
from llmdesk.providers.command.tail import EDGE, TAIL, Tail

KEY = "tail-canary-0123456789"


def tail(*pieces: bytes) -> str:
    held = Tail()
    for piece in pieces:
        held.add(piece)
    return held.text


def test_a_short_output_is_kept_whole() -> None:
    assert tail(b"one \xe6\x97", b"\xa5\n", b"\xff") == "one \u65e5\n\ufffd"


def test_of_a_long_one_the_end_is_kept() -> None:
    text = tail(*[b"x" * 1000] * 1000, b"the cause")
    assert text.endswith("xthe cause")
    assert len(text) == TAIL - EDGE


@pytest.mark.parametrize("cut", range(0, len(KEY) + 1, 3))
@pytest.mark.parametrize("edge", [TAIL, TAIL - EDGE])
def test_no_cut_leaves_half_a_secret(cut: int, edge: int) -> None:
    redact.learn(KEY)
    text = tail(b"a" * 1000 + KEY.encode() + b"b" * (edge - cut))
    assert "canary" not in text
    assert KEY[-6:] not in text
    assert text.endswith("bbb")
