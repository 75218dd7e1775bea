"""A program's output as text: the same however its bytes are split (policy T7, T8)."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.text import sanitise
from llmdesk.providers.command.text import PROGRESS_WIDTH, ProgramText
from tests.support.slowness import allowed

LONG = "x" * (PROGRESS_WIDTH + 10)


def read(data: bytes, *cuts: int) -> str:
    program = ProgramText()
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return "".join(program.feed(data[a:b]) for a, b in itertools.pairwise(at)) + program.finish()


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (b"answer\n", "answer"),
        (b"a\r\nb\r\n\r\n", "a\r\nb"),
        (b"  keep  \n\n\nspace\n", "  keep  \n\n\nspace"),
        (b"10%\r55%\r100%\rthe answer\n", "the answer"),
        (b"10%\r100%\r\nthe answer", "100%\r\nthe answer"),
        (b"loading\r\x1b[Kthe answer", "the answer"),
        (b"loading\r\x1b[2K\nthe answer", "\nthe answer"),
        (b"kept\r", "kept"),
        (b"\x1b[1;31mred\x1b[0m and \x1b[38;5;9mblue\x1b[m", "red and blue"),
        (LONG.encode() + b"\rmore", LONG + "\nmore"),
        (b"a\xffb\xc3\xa9\xe2\x82", "a\ufffdb\u00e9\ufffd"),
        (b"", ""),
        (b"\n\n", ""),
    ],
)
def test_styling_and_progress_go_and_the_answer_stays(printed: bytes, text: str) -> None:
    assert read(printed) == text


@pytest.mark.parametrize(
    "hostile", ["\x1b]52;c;aGk=\x07", "\x1b[2J\x1b[H", "\x1bP1$r\x1b\\", "\x1b", "\x1b[", "\x9b31m"]
)
def test_every_other_escape_stays_to_be_made_visible_and_never_reaches_a_terminal(hostile: str) -> None:
    text = read(f"a{hostile}b".encode())
    assert text == f"a{hostile}b"
    assert "\x1b" not in sanitise(text)
    assert "\x9b" not in sanitise(text)


@given(
    st.lists(
        st.sampled_from(["a", "b c", LONG, "\r", "\n", "\r\n", "\x1b[31m", "\x1b[K", "\x1b[", "\x1b", "é", "\x1b[2J"])
    ),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_splitting_the_bytes_anywhere_changes_nothing(parts: list[str], cuts: list[int]) -> None:
    data = "".join(parts).encode()
    assert read(data, *cuts) == read(data)


def test_long_lines_and_whole_lines_come_before_the_end() -> None:
    program = ProgramText()
    assert program.feed(b"first line\nsecond") == "first line"
    assert program.feed(LONG.encode()) == "\nsecond" + LONG
    assert program.feed(b" more") == " more"
    assert program.finish() == ""


def test_no_half_escape_is_given_out() -> None:
    program = ProgramText()
    assert program.feed(LONG.encode() + b"\x1b[3") == LONG
    assert program.feed(b"1mred") == "red"


@pytest.mark.parametrize("kind", [b"\n", b"\r\n", b"\n\r\r\n\r", b"\x1b[K\n", b"a\r\n\r"])
def test_line_breaks_by_the_million_cost_little(kind: bytes) -> None:
    program = ProgramText()
    piece = kind * ((64 << 10) // len(kind))
    begun = time.process_time()
    pieces = [program.feed(piece) for _ in range(32)]
    text = "".join([*pieces, program.feed(b"the end"), program.finish()])
    assert time.process_time() - begun < allowed(5)
    assert text.count("\n") == 32 * piece.count(b"\n")
    assert text.endswith("the end")
