"""Windows of every size, and windows that change it while an answer comes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal

SIZES = [(24, 80), (15, 60), (10, 40), (6, 20), (60, 200)]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_a_prompt_can_be_written_and_its_answer_read(tmp_path: Path, rows: int, columns: int) -> None:
    with desk_in_terminal("answer", tmp_path, rows=rows, columns=columns, ready="llmdesk|Ask") as terminal:
        terminal.send(b"tell me")
        terminal.wait_for("tell me")
        terminal.send(b"\r")
        terminal.wait_for("forty-two")
        terminal.send(b"and more")
        terminal.wait_for("and more")
        assert "forty-two" in terminal.text, "the newest line and the prompt are both there"


def test_a_storm_of_sizes_in_mid_answer_ends_with_the_newest_line_and_the_prompt(tmp_path: Path) -> None:
    chance = random.Random(7)
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        for _ in range(60):
            terminal.resize(chance.choice((3, 6, 10, 24, 60)), chance.choice((8, 20, 40, 80, 200)))
            terminal.pump(0.02)
        terminal.resize(24, 80)
        terminal.send(b"still here")
        terminal.wait_for("still here")
        terminal.send(b"\x1b")
        terminal.wait_for("interrupted")
        assert "word" in terminal.text
        assert "1 chat" in terminal.text


@pytest.mark.parametrize(
    "key", [b"\x1bOR", b"\x1bOS", b"\x1b[15~", b"\x1b[17~", b"\x1b[18~", b"\x1b[19~", b"\x0f", b"\x1bOP"]
)
@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (6, 20)])
def test_every_panel_opens_and_closes_in_a_small_window(tmp_path: Path, key: bytes, rows: int, columns: int) -> None:
    with desk_in_terminal("answer", tmp_path, rows=rows, columns=columns, ready="llmdesk|Ask") as terminal:
        terminal.send(b"draft")
        terminal.wait_for("draft")
        terminal.send(key)
        terminal.wait_until(lambda text: "draft" not in text, "the panel")
        terminal.send(b"\x1b")
        terminal.wait_for("draft")


@pytest.mark.parametrize(("rows", "columns"), [(3, 10), (2, 12), (1, 20)])
def test_a_window_that_is_too_small_says_so_and_loses_no_key(tmp_path: Path, rows: int, columns: int) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.resize(rows, columns)
        terminal.send(b"draft")
        terminal.wait_for("draft")
        if rows > 1:
            terminal.wait_for("too small")
        terminal.resize(24, 80)
        terminal.wait_until(lambda text: "1 chat" in text and "draft" in text and "too small" not in text)


def test_a_window_that_is_small_for_an_instant_is_painted_again(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"draft")
        for _ in range(5):
            terminal.wait_until(lambda text: "1 chat" in text and "draft" in text)
            for size in (1, 20), (24, 80):  # at once: when the program looks, the window has its old size again
                terminal.child.setwinsize(*size)
            for size in (1, 20), (24, 80):
                terminal.screen.resize(*size)
            assert "draft" not in terminal.text, "the terminal has thrown the lines away"
        terminal.wait_until(lambda text: "1 chat" in text and "draft" in text)
