"""The desk inside a real tmux: keys and bytes pass through it as through no emulation."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.slowness import PATIENCE_S
from tests.support.terminal import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.terminal, pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")]


class Tmux:
    """A server of its own, with one window."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __call__(self, *argv: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *argv]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def see(self, wanted: str, seconds: float = PATIENCE_S) -> str:
        """Wait until the window shows these words."""
        deadline = time.monotonic() + seconds
        shown = ""
        while time.monotonic() < deadline:
            if wanted in (shown := self("capture-pane", "-p")):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"{wanted!r} never came; the window:\n{shown}")

    def keys(self, *keys: str) -> None:
        self("send-keys", *keys)


@contextmanager
def desk_in_tmux(folder: Path, scenario: str, term: str) -> Iterator[Tmux]:
    tmux = Tmux(folder / "s")
    program = [sys.executable, "-m", "tests.support.desk_program", scenario, str(folder / "told.jsonl")]
    env = {"LLMDESK_HOME": str(folder / "home"), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    words = [*(f"{name}={value}" for name, value in env.items()), *program]
    tmux("start-server", ";", "set-option", "-g", "default-terminal", term, ";",
         "set-option", "-s", "escape-time", "20", ";", "set-option", "-s", "extended-keys", "on", ";",
         "new-session", "-d", "-x", "100", "-y", "24", "-c", str(REPOSITORY),
         f"{shlex.join(['env', *words])}; echo left with $?; cat")  # fmt: skip
    try:
        tmux.see("1 chat")
        yield tmux
    finally:
        tmux("kill-server")


@pytest.mark.parametrize("term", ["screen", "screen-256color", "tmux-256color"])
def test_keys_arrive_through_tmux(tmp_path: Path, term: str) -> None:
    with desk_in_tmux(tmp_path, "answer", term) as tmux:
        for number, lane in ((2, "codegen"), (7, "reviewer"), (1, "chat")):
            tmux.keys(f"M-{number}")
            tmux.see(f"─ {number} {lane} ─")
        tmux.keys("-l", "one")
        tmux.keys("M-Enter")
        tmux.keys("-l", "two")
        tmux.see("two")
        assert not (tmp_path / "told.jsonl").exists(), "alt+enter is a new line and sends nothing"
        tmux.keys("Enter")
        tmux.see("forty-two")
        tmux.keys("C-Up")
        tmux.see("answer of local")
        tmux.keys("Escape")
        tmux.keys("F6")
        tmux.see("─ failovers")
        tmux.keys("Escape")
        tmux.see("forty-two")
        tmux("set-buffer", "pasted 1\npasted 2")
        tmux("paste-buffer", "-p")
        tmux.see("pasted 2")
        assert (tmp_path / "told.jsonl").read_text().count("asked") == 1, "what is pasted is not sent"


def test_leaving_inside_tmux_gives_the_window_back(tmp_path: Path) -> None:
    with desk_in_tmux(tmp_path, "answer", "tmux-256color") as tmux:
        asked = ("display-message", "-p", "#{alternate_on} #{mouse_any_flag}")
        assert tmux(*asked).split() == ["1", "1"]
        tmux.keys("C-q")
        tmux.see("left with 0")
        assert tmux(*asked).split() == ["0", "0"]
