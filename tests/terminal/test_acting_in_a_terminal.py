"""What a terminal really gets when something is copied, and an editor that is opened on an answer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal

ANSWER = "The answer is **forty-two**."


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_copy_without_a_tool_is_one_sequence_and_nothing_is_claimed(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path, env={"PATH": str(tmp_path)}) as terminal:
        terminal.send(b"hello\r")
        terminal.wait_for("full")
        assert b"]52;" not in terminal.raw
        terminal.send(b"\x1b[1;3A")  # alt+up
        terminal.wait_for(r"answer of local · gemma3:27b")
        terminal.send(b"c")
        terminal.wait_for("sent to the terminal")
        assert terminal.raw.count(b"]52;") == 1
        assert b"\x1b]52;c;" + base64.b64encode(ANSWER.encode()) + b"\x07" in terminal.raw


def test_a_copy_with_a_tool_is_checked_and_sends_no_sequence(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    program(tools / "wl-copy", f"/bin/cat > {tmp_path}/board")
    program(tools / "wl-paste", f"/bin/cat {tmp_path}/board")
    with desk_in_terminal("answer", tmp_path, env={"PATH": str(tools), "WAYLAND_DISPLAY": "w"}) as terminal:
        terminal.send(b"hello\r")
        terminal.wait_for("full")
        terminal.send(b"\x1bc")
        terminal.wait_for(r"copied with wl-copy \(checked\)")
        assert (tmp_path / "board").read_text() == ANSWER
        assert b"]52;" not in terminal.raw


def test_an_answer_is_opened_in_the_users_editor_and_stays_what_it_is(tmp_path: Path) -> None:
    editor = program(
        tmp_path / "editor", f'/bin/cp "$1" {tmp_path}/seen.md; echo "$1" > {tmp_path}/name; echo x >> "$1"'
    )
    with desk_in_terminal("answer", tmp_path, env={"VISUAL": str(editor)}) as terminal:
        terminal.send(b"hello\r")
        terminal.wait_for("full")
        terminal.send(b"\x1b[1;3A")
        terminal.wait_for(r"\[o open in editor\]")
        terminal.send(b"o")
        terminal.wait_for("changes nothing here")
        assert (tmp_path / "seen.md").read_text().rstrip("\n") == ANSWER
        assert (tmp_path / "name").read_text().strip().endswith(".md")
        terminal.wait_for("The answer is forty-two")
