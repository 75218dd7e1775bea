"""A terminal that reports its size in band and has pointer shapes is given back as it was, every time."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.campaign.terminal.modes import Modes
from tests.campaign.terminal.tokens import tokens
from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal

IN_BAND = b"\x1b[?2048;2$y\x1b[48;24;80;480;800t"
OVER_THE_PROMPT = b"\x1b[<35;200;450M"
"""A movement of the mouse, in pixels."""


def left_behind(terminal: Terminal) -> list[str]:
    modes = Modes()
    for token in tokens(bytes(terminal.raw)):
        modes.take(token)
    return modes.left_behind()


def in_pixels(terminal: Terminal) -> None:
    terminal.send(IN_BAND)
    terminal.wait_until(lambda _: b"\x1b[?1016h" in terminal.raw, "the mouse in pixels")
    terminal.send(OVER_THE_PROMPT)
    terminal.wait_until(lambda _: b"\x1b]22;text\x07" in terminal.raw, "the pointer of a text")


def test_the_pixels_of_the_mouse_and_the_shape_of_the_pointer_are_reset_at_the_end(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        in_pixels(terminal)
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
        assert left_behind(terminal) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of a process from /proc")
def test_they_are_reset_while_the_program_is_stopped(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        in_pixels(terminal)
        os.kill(terminal.child.pid, signal.SIGTSTP)
        stat = Path(f"/proc/{terminal.child.pid}/stat")
        terminal.wait_until(lambda _: stat.read_text().rpartition(")")[2].split()[0] == "T", "the stop")
        terminal.drain()
        assert left_behind(terminal) == []
        os.kill(terminal.child.pid, signal.SIGCONT)
        terminal.wait_for("1 chat")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of a process from /proc")
def test_an_answer_of_the_terminal_that_comes_with_the_stop_sets_nothing(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        stat = Path(f"/proc/{terminal.child.pid}/stat")
        for _ in range(8):
            terminal.send(IN_BAND)
            os.kill(terminal.child.pid, signal.SIGTSTP)
            terminal.wait_until(lambda _: stat.read_text().rpartition(")")[2].split()[0] == "T", "the stop", 60)
            terminal.drain()
            assert left_behind(terminal) == []
            asked = terminal.raw.count(b"\x1b[?2048$p")
            os.kill(terminal.child.pid, signal.SIGCONT)
            terminal.wait_until(lambda _, n=asked: terminal.raw.count(b"\x1b[?2048$p") > n, "the question", 60)
