"""Stops come when they come: while the desk takes the terminal, while it paints, from a shell, from `kill`."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, desk_in_terminal

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of a process from /proc"),
]


def state(pid: int) -> str:
    """The state of the process: R, S, T (proc(5), /proc/pid/stat)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stop(terminal: Terminal) -> None:
    os.kill(terminal.child.pid, signal.SIGTSTP)
    terminal.wait_until(lambda _: state(terminal.child.pid) == "T", "the stop", 60)


def go_on(terminal: Terminal) -> None:
    os.kill(terminal.child.pid, signal.SIGCONT)


def raw_mode(terminal: Terminal) -> bool:
    return not termios.tcgetattr(terminal.child.fd)[3] & (termios.ECHO | termios.ICANON)


def keyboards(terminal: Terminal) -> int:
    """How many settings of the keyboard lie on the stack."""
    return terminal.raw.count(b"\x1b[>25u") - terminal.raw.count(b"\x1b[<u")


def in_use(terminal: Terminal) -> None:
    """The desk reads and paints as ever, and leaves nothing behind."""
    terminal.wait_until(lambda _: raw_mode(terminal) and keyboards(terminal) == 1, "the terminal taken", 60)
    terminal.send(b"draft")
    terminal.wait_for("draft", 60)
    terminal.send(b"\x15\x1b")
    terminal.wait_for("interrupted", 60)
    terminal.send(b"\x11")
    assert terminal.wait_exit(60) == 0
    assert not raw_mode(terminal)
    assert keyboards(terminal) == 0
    assert terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h")


@pytest.mark.parametrize("after_ms", [0, 1, 5, 20, 100])
def test_a_stop_that_comes_while_it_goes_on_is_a_stop(tmp_path: Path, after_ms: float) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        for _ in range(4):
            stop(terminal)
            go_on(terminal)
            until = time.monotonic() + after_ms / 1000
            while time.monotonic() < until:
                terminal.pump(0.001)
        in_use(terminal)


def test_it_goes_on_after_a_stop_that_no_program_can_handle(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        os.kill(terminal.child.pid, signal.SIGSTOP)
        terminal.wait_until(lambda _: state(terminal.child.pid) == "T", "the stop")
        taken = terminal.raw.count(b"\x1b[?1049h")
        go_on(terminal)
        terminal.wait_until(lambda _: terminal.raw.count(b"\x1b[?1049h") > taken, "the screen", 60)
        in_use(terminal)


def test_in_the_background_it_stays_stopped_until_it_is_in_front_again(tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "shell> ", "LLMDESK_HOME": str(tmp_path / "home")}
    shell = Terminal(["/bin/sh", "-i"], env=env)
    try:
        shell.wait_for("shell>")
        shell.send(f"{sys.executable} -m tests.support.desk_program endless {told}; echo left $?\r")
        shell.wait_for("7 reviewer|1 chat")
        desk = os.tcgetpgrp(shell.child.fd)
        os.kill(desk, signal.SIGTSTP)
        shell.wait_for("Stopped", 60)
        taken = shell.raw.count(b"\x1b[?1049h")
        shell.send("bg; echo behind $((40 + 2))\r")
        shell.wait_for("behind 42", 60)
        shell.wait_until(lambda _: state(desk) == "T", "the stop", 60)
        assert shell.raw.count(b"\x1b[?1049h") == taken
        shell.send("fg\r")
        shell.wait_until(lambda _: os.tcgetpgrp(shell.child.fd) == desk, "the desk in front", 60)
        shell.send("draft")
        shell.wait_for("draft", 60)
    finally:
        shell.close()
