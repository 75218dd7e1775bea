"""Pastes with escapes in them, cut anywhere; bytes that are no text; failures beside the event loop."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.traceback import Traceback

from llmdesk.tui.arriving import BEGIN, END, PasteFilter, decoder
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated

PIECES = st.sampled_from([BEGIN, END, "\x1b", "\x1b[", "\x1b[20", "\x1b[A", "\x07", "a", "\r", "\x1by", "é", "~"])


def through(pieces: list[str]) -> str:
    filtered = PasteFilter()
    return "".join(filtered.take(piece) for piece in pieces)


def by_hand(text: str) -> str:
    """What stands between the marks without its escapes; the end of an open paste may still be the beginning of one."""
    typed, begin, rest = text.partition(BEGIN)
    if not begin:
        return typed
    pasted, end, after = rest.partition(END)
    if end:
        return typed + begin + pasted.replace("\x1b", "␛") + end + by_hand(after)
    held = next((size for size in range(5, 0, -1) if pasted.endswith(END[:size])), 0)
    return typed + begin + pasted[: len(pasted) - held].replace("\x1b", "␛")


@given(st.lists(PIECES, max_size=12).map("".join), st.lists(st.integers(0, 60), max_size=8))
def test_escapes_are_signs_in_a_paste_and_themselves_elsewhere_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert through([text[start:end] for start, end in pairwise(edges)]) == by_hand(text)


def test_what_is_typed_waits_for_nothing() -> None:
    filtered = PasteFilter()
    assert filtered.take("\x1b") == "\x1b"
    assert filtered.take("[20") == "[20"
    assert filtered.take("0~a\x1bb") == "0~a␛b"


def test_bytes_that_are_no_text_are_signs() -> None:
    decode = decoder("utf-8")().decode
    assert decode(b"a\xffb\xc3") + decode(b"\xa9", final=True) == "a\ufffdb\u00e9"


async def test_a_failure_that_textual_caught_is_told_in_one_line_and_counts() -> None:
    async with seated(FakeDesk()) as seat:
        try:
            raise ValueError("a key: sk-abcdefgh")
        except ValueError as error:
            caught = Traceback.from_exception(ValueError, error, error.__traceback__)
        seat.app.panic(caught)
        (told,) = seat.app._exit_renderables
        assert str(told).startswith("llmdesk stopped on an error of its own (ValueError)")
        assert "sk-" not in str(told)
        assert seat.app.return_code == 1
        seat.app._exit_renderables.clear()
