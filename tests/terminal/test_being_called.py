"""What a real terminal gets when an answer ends that nobody looks at, and that it gets nothing otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal

CALL = b"\x1b]777;notify;llmdesk;Lane chat has its answer.\x1b\\"
NO_FOCUS = b"\x1b[O"
"""What a terminal sends when its window loses the focus (xterm, mode 1004)."""


def ask(terminal: Terminal) -> None:
    terminal.send(b"hello\r")
    terminal.wait_for(r"(?s)you · .*hello")


def rings(terminal: Terminal) -> bool:
    """Whether there is a bell, and not only the sign that may end the setting of a title."""
    return b"\a" in re.sub(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", bytes(terminal.raw))


def test_an_answer_of_another_lane_is_a_message_of_the_desktop(tmp_path: Path) -> None:
    with desk_in_terminal("called by desktop", tmp_path) as terminal:
        ask(terminal)
        terminal.send(b"\x1b2")  # alt+2
        terminal.wait_for(r"Lane chat has its answer\.")
        terminal.wait_until(lambda _: CALL in terminal.raw, "the message")
        assert terminal.raw.count(b"]777;") == 1
        assert b"secret words" not in terminal.raw


def test_an_answer_in_a_window_without_the_focus_rings(tmp_path: Path) -> None:
    with desk_in_terminal("called by bell", tmp_path) as terminal:
        ask(terminal)
        terminal.send(NO_FOCUS)
        terminal.wait_for("secret words")
        terminal.wait_until(lambda _: rings(terminal), "the bell")


def test_an_answer_that_is_looked_at_calls_nobody(tmp_path: Path) -> None:
    with desk_in_terminal("called by desktop", tmp_path) as terminal:
        ask(terminal)
        terminal.wait_for("secret words")
        terminal.wait_for("full")
        assert b"]777;" not in terminal.raw
        assert not rings(terminal)


def test_without_the_setting_nobody_is_called(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(NO_FOCUS)
        ask(terminal)
        terminal.wait_for("full")
        assert b"]777;" not in terminal.raw
        assert not rings(terminal)
