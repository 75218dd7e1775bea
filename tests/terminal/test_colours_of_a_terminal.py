"""The colours that are really sent, by what the terminal and its user say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal

_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")

ATTRIBUTES = {"", "0", "1", "2", "3", "4", "7", "9"}
SIXTEEN = {*map(str, range(30, 38)), *map(str, range(90, 98)), "39", "49"}


def sent(terminal: Terminal) -> set[str]:
    """Every parameter of every SGR sequence."""
    return {part for match in _SGR.finditer(bytes(terminal.raw)) for part in match[1].decode().split(";")}


def walk(terminal: Terminal) -> None:
    """An answer, a panel, the palette of commands, the help: much of what has colours."""
    terminal.send(b"tell me\r")
    terminal.wait_for("forty-two")
    terminal.send(b"\x1b[17~")
    terminal.wait_until(lambda text: "─ failovers" in text and "forty-two" not in text, "the panel, whole")
    terminal.send(b"\x1b")
    terminal.wait_until(lambda text: "forty-two" in text and "─ failovers" not in text, "the chat, whole")
    terminal.send(b"/")
    terminal.wait_for("/help")
    terminal.send(b"\x15")


@pytest.mark.parametrize("term", ["screen", "linux", "xterm", "vt220"])
def test_a_terminal_of_sixteen_colours_gets_no_other_and_its_own_background(tmp_path: Path, term: str) -> None:
    with desk_in_terminal("answer", tmp_path, env={"TERM": term, "COLORTERM": ""}) as terminal:
        walk(terminal)
        backgrounds = {part for part in sent(terminal) if part in map(str, [*range(40, 48), *range(100, 108)])}
        assert sent(terminal) - backgrounds <= ATTRIBUTES | SIXTEEN
        assert backgrounds <= {"44"}  # what is chosen: white on blue
        assert terminal.screen.buffer[10][5].bg == "default"


def test_no_color_sends_no_colour_and_marks_what_is_chosen(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path, env={"NO_COLOR": "1"}) as terminal:
        walk(terminal)
        assert sent(terminal) <= ATTRIBUTES
        lanes = terminal.screen.buffer[terminal.screen.lines - 1]
        assert lanes[1].reverse, "the lane that is open"
        assert not lanes[12].reverse
        assert any(cell.reverse for cell in terminal.screen.buffer[terminal.screen.lines - 2].values()), "the cursor"


def test_256_colours_get_no_true_ones(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path, env={"TERM": "screen-256color", "COLORTERM": ""}) as terminal:
        walk(terminal)
        assert b"38;2;" not in terminal.raw
        assert b"38;5;" in terminal.raw
