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


def demo(folder: Path, *, rows: int, columns: int) -> Terminal:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LLMDESK_HOME": str(folder)}
    return Terminal([sys.executable, "-m", "llmdesk", "demo"], env=env, rows=rows, columns=columns)


def test_the_demo_shows_a_rate_limit_a_seam_a_countdown_and_the_history(tmp_path: Path) -> None:
    terminal = demo(tmp_path, rows=30, columns=120)
    try:
        terminal.wait_for("DEMO")
        terminal.send(b"limit\r")
        terminal.wait_for(r"⤷ cloud: rate limited, next try \d\d:\d\d:\d\d → answering with")
        terminal.wait_for(r"cloud +cooldown 0:\d\d")
        terminal.wait_for("✔ full")
        terminal.send(b"\x1b[17~")
        terminal.wait_for("cloud/.* +local/.* +rate limited")
        terminal.send(b"\x1b")
        terminal.wait_for("─ 1 chat ─")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    finally:
        terminal.close()


def test_the_demo_shows_costs_budgets_measures_and_a_stop(tmp_path: Path) -> None:
    terminal = demo(tmp_path, rows=30, columns=120)
    try:
        terminal.wait_for(r"month +░+ +0\.00/0\.50")
        terminal.wait_for("no request in the last hour")
        terminal.send(b"hello\r")
        terminal.wait_for(r"cloud · .* tok · 0\.00\d+ USD")
        terminal.wait_for(r"day +▓+░+ 0\.00\d+/0\.01")
        terminal.wait_for(r"tok/s ▄ \d+ +p95 \d")
        terminal.send(b"\x1b7")
        terminal.wait_for("─ 7 reviewer ─")
        terminal.send(b"too dear\r")
        terminal.wait_for("Stopped by a budget: nothing was sent")
        terminal.wait_for(r"/model local/largest ask local/largest, which costs nothing")
        terminal.wait_for("\n +too dear")
        terminal.send(b"\x1bOS")  # f4
        terminal.wait_for(r"hard, then only what is free")
        terminal.send(b"\x1b[15~")  # f5
        terminal.wait_for("lane reviewer · the last 24 hours")
        terminal.send(b"l")
        terminal.wait_for("cost by day, USD")
        terminal.wait_for(r"cloud +1 +100 %")
        terminal.send(b"\x1b")
        terminal.wait_for("─ 7 reviewer ─")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    finally:
        terminal.close()
