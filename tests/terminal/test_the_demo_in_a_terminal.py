"""The whole program, from the command to the screen, against the simulated servers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal


def test_the_demo_shows_a_rate_limit_a_seam_a_countdown_and_the_history(tmp_path: Path) -> None:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LLMDESK_HOME": str(tmp_path)}
    terminal = Terminal([sys.executable, "-m", "llmdesk", "demo"], env=env, rows=30, columns=120)
    try:
        terminal.wait_for("DEMO")
        terminal.send(b"limit\r")
        terminal.wait_for(r"⤷ cloud: rate limited, next try \d\d:\d\d → answering with")
        terminal.wait_for(r"cloud +cooldown 0:\d\d")
        terminal.wait_for("✔ full", 30)
        terminal.send(b"\x1b[17~")
        terminal.wait_for("cloud/.* +local/.* +rate limited")
        terminal.send(b"\x1b")
        terminal.wait_for("─ 1 chat ─")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    finally:
        terminal.close()
