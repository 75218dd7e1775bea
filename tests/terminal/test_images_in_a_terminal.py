"""An image whole, in terminals that draw pixels: the bytes they get, and that nothing of it stays behind."""

from __future__ import annotations

import base64
import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from llmdesk.tui.answers import QUESTION
from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal

CELL = "\x1b[6;20;10t"
KITTY = f"\x1bP>|kitty(0.40.1)\x1b\\{CELL}\x1b[?62;52;c"
SIXEL = f"\x1bP>|XTerm(390)\x1b\\{CELL}\x1b[?64;1;2;4;6c"
CELLS_ONLY = f"\x1bP>|tmux 3.4\x1b\\{CELL}\x1b[?1;2c"

PLACEHOLDER = "\U0010eeee"


def attach(terminal: Terminal, path: Path) -> None:
    terminal.send(f"\x1b[200~/attach {path}\x1b[201~")
    terminal.wait_for("/attach")
    terminal.send(b"\r")
    terminal.wait_for(rf"attached {path.name}")


@contextmanager
def looking(folder: Path, answers: str, *, split: int | None = None) -> Iterator[Terminal]:
    """The view of a picture of 100 by 60 pixels, red above and blue below, in a terminal that answers this."""
    image = Image.new("RGB", (100, 60), (255, 0, 0))
    image.paste((0, 0, 255), (0, 30, 100, 60))
    image.save(folder / "flag.png")
    with desk_in_terminal("answer", folder) as terminal:
        attach(terminal, folder / "flag.png")
        terminal.send(b"hello\r")
        terminal.wait_for("full")
        terminal.send(b"\x1b[1;3A")  # alt+up
        terminal.wait_for("answer of")
        terminal.send(b"k\r")
        terminal.wait_until(lambda _: QUESTION.encode() in terminal.raw, "the question")
        data = answers.encode()
        for piece in (data[:split], data[split:]) if split else (data,):
            terminal.send(piece)
            terminal.pump(0.05)
        yield terminal


def test_kitty_gets_the_picture_once_and_cells_that_show_it(tmp_path: Path) -> None:
    with looking(tmp_path, KITTY) as terminal:
        terminal.wait_until(lambda _: terminal.raw.count(PLACEHOLDER.encode()) >= 30, "the cells")
        found = re.findall(rb"\x1b_Ga=T,U=1,f=100,i=(\d+),c=10,r=3,q=2,m=0;([^\x1b]*)\x1b\\", terminal.raw)
        assert len(found) == 1
        number, data = found[0]
        with Image.open(io.BytesIO(base64.b64decode(data))) as sent:
            assert sent.size == (100, 60)
            assert [sent.getpixel((50, y)) for y in (10, 50)] == [(255, 0, 0), (0, 0, 255)]
        for mark in "\u0305\u030d\u030e":
            row = f"\x1b7\x1b[10D\x1b[38;5;{number.decode()}m{PLACEHOLDER}{mark}{PLACEHOLDER * 9}\x1b[39m\x1b8"
            assert row.encode() in terminal.raw
        assert b"\x1bP0;1q" not in terminal.raw
        assert PLACEHOLDER in terminal.text
        terminal.send(b"\x1b")
        terminal.wait_for("prompt of")
        forgotten = b"\x1b_Ga=d,d=I,i=" + number + b",q=2\x1b\\"
        terminal.wait_until(lambda _: forgotten in terminal.raw, "the end of the picture")
        assert PLACEHOLDER not in terminal.text


def rows_of(terminal: Terminal) -> list[bytes]:
    """The pictures of the rows, in the order of their first coming; one may be painted more than once."""
    found = re.findall(rb"\x1b7\x1b\[10D\x1bP0;1q([^\x1b]*)\x1b\\\x1b8", terminal.raw)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("split", [None, 3, 9, 30, len(SIXEL) - 2])
def test_a_sixel_terminal_gets_a_picture_for_each_row_of_cells(tmp_path: Path, split: int | None) -> None:
    with looking(tmp_path, SIXEL, split=split) as terminal:
        terminal.wait_until(lambda _: len(rows_of(terminal)) == 3, "the rows")
        rows = rows_of(terminal)
        assert all(row.startswith(b'"1;1;100;20') for row in rows)
        red, mixed, blue = rows
        assert b";2;100;0;0" in red
        assert b";2;0;0;100" not in red
        assert b";2;100;0;0" in mixed
        assert b";2;0;0;100" in mixed
        assert b";2;100;0;0" not in blue
        assert b"!100~" in red  # six rows of pixels in one colour
        assert red.count(b"-") == 3  # twenty rows of pixels are four bands
        terminal.send(b"\x1b")
        terminal.wait_for("prompt of")
        terminal.send(b"i")
        terminal.wait_for("Ask something")  # the answers were not taken for typed text
        assert terminal.raw.rfind(b"\x1bP0;1q") < terminal.raw.rfind(b"prompt of")  # other text is in its place


def test_others_get_half_cells_and_none_of_these_bytes(tmp_path: Path) -> None:
    with looking(tmp_path, CELLS_ONLY) as terminal:
        terminal.wait_for("▀▀▀▀")
        assert b"\x1b_G" not in terminal.raw
        assert b"\x1bP0;1q" not in terminal.raw
        terminal.send(b"\x1b")
        terminal.wait_for("prompt of")


@pytest.mark.parametrize("env", [{"STY": "1.screen"}, {"NO_COLOR": "1"}])
def test_nothing_is_asked_where_the_question_would_be_printed_or_no_colour_is_wanted(
    tmp_path: Path, env: dict[str, str]
) -> None:
    Image.new("RGB", (40, 40), (255, 0, 0)).save(tmp_path / "red.png")
    with desk_in_terminal("answer", tmp_path, env=env) as terminal:
        attach(terminal, tmp_path / "red.png")
        terminal.send(b"hello\r")
        terminal.wait_for("full")
        terminal.send(b"\x1b[1;3A")
        terminal.wait_for("answer of")
        terminal.send(b"k\r")
        terminal.wait_for("llmdesk ─ image")
        terminal.wait_for("▀▀▀▀")
        assert QUESTION.encode() not in terminal.raw
