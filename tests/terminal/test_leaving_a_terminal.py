"""Every way out restores the terminal and pauses what runs."""

from __future__ import annotations

import json
import os
import re
import signal
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.slowness import PATIENCE_S, allowed
from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.terminal import Terminal

pytestmark = pytest.mark.terminal


def told(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KEYBOARD = re.compile(rb"\x1b\[([<>])[0-9;]*u")

AT_HOME: Mapping[int, bool] = {
    1049: False, 1000: False, 1002: False, 1003: False, 1005: False, 1006: False, 1015: False, 1016: False,
    1004: False, 2004: False, 2026: False, 2048: False, 7: True, 25: True,
}  # fmt: skip
"""How a terminal's private modes are before and after: the screen, the mouse, focus, paste, synchronised painting,
size reports, wrapping, the cursor (xterm: ctlseqs, DEC Private Mode)."""


def left_behind(raw: bytes) -> dict[str, object]:
    """The modes that are not as they were, by what was written."""
    now: dict[int, bool] = {}
    for match in _MODE.finditer(raw):
        now.update(dict.fromkeys(map(int, match[1].split(b";")), match[2] == b"h"))
    wrong: dict[str, object] = {str(mode): on for mode, on in now.items() if on != AT_HOME[mode]}
    keyboards = [match[1] for match in _KEYBOARD.finditer(raw)]
    if keyboards.count(b">") != keyboards.count(b"<"):
        wrong["keyboard"] = keyboards
    return wrong


def restored(terminal: Terminal) -> bool:
    assert b"\x1b[?1049h" in terminal.raw
    assert left_behind(bytes(terminal.raw)) == {}
    settings = termios.tcgetattr(terminal.child.fd)
    assert settings[3] & termios.ECHO
    assert settings[3] & termios.ICANON
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_answer_pauses_the_request_and_restores_the_terminal(
    tmp_path: Path, number: signal.Signals
) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        sent = time.monotonic()
        os.kill(terminal.child.pid, number)
        assert terminal.wait_exit() == 128 + number
        assert time.monotonic() - sent < allowed(1.5)  # 1 s, and what the test machine adds
        assert restored(terminal)
        assert {"cancelled": "keep"} in told(tmp_path)
        assert {"closed": True} in told(tmp_path)


def test_a_lost_terminal_pauses_the_request(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        terminal.child.fileobj.close()
        deadline = time.monotonic() + PATIENCE_S
        while terminal.child.isalive() and time.monotonic() < deadline:
            time.sleep(0.02)
        terminal.child.closed = True
        assert not terminal.child.isalive()
        assert {"cancelled": "keep"} in told(tmp_path)


def test_ctrl_q_asks_once_while_an_answer_comes(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        terminal.send(b"\x11")
        terminal.wait_for("Quit again")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
        assert restored(terminal)
        assert {"cancelled": "keep"} in told(tmp_path)
        assert {"closed": True} in told(tmp_path)


def test_ctrl_c_twice_quits_and_once_only_clears_the_text(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"half a thought")
        terminal.wait_for("half a thought")
        terminal.send(b"\x03")
        terminal.wait_until(lambda text: "half a thought" not in text)
        terminal.send(b"\x03")
        terminal.wait_for("again quits")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 0
        assert restored(terminal)


def test_a_crash_prints_one_line_and_no_variables(tmp_path: Path) -> None:
    with desk_in_terminal("crash", tmp_path, ready="") as terminal:
        assert terminal.wait_exit() == 1
        after = bytes(terminal.raw[terminal.raw.rfind(b"\x1b[?1049l") :]).decode()
        assert "llmdesk stopped on an error of its own (TypeError" in after
        assert "locals" not in after
        assert restored(terminal)
    (log,) = tmp_path.rglob("llmdesk.log")
    assert '"event": "crash"' in log.read_text()


def state(terminal: Terminal) -> str:
    """The state of the process: R, S, T (proc(5), /proc/pid/stat)."""
    return Path(f"/proc/{terminal.child.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of a process from /proc")
def test_a_stop_gives_the_terminal_back_and_going_on_paints_it_again(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        os.kill(terminal.child.pid, signal.SIGTSTP)
        terminal.wait_until(lambda _text: state(terminal) == "T", "the stop")
        terminal.drain()
        assert restored(terminal)
        terminal.screen.reset()
        os.kill(terminal.child.pid, signal.SIGCONT)
        terminal.wait_for("1 chat")
        terminal.send(b"draft")
        terminal.wait_for("draft")
        assert "1049" in left_behind(bytes(terminal.raw)), "the screen is the desk's again"
        terminal.send(b"\x15\x1b")
        terminal.wait_for("interrupted")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
        assert restored(terminal)


def test_a_blocked_screen_is_restored_by_hand_in_time(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        time.sleep(0)  # nothing is read from here on: what the desk writes piles up
        sent = time.monotonic()
        os.kill(terminal.child.pid, signal.SIGTERM)
        deadline = sent + allowed(5)
        while terminal.child.isalive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not terminal.child.isalive()
        assert terminal.child.exitstatus == 128 + signal.SIGTERM
        assert {"cancelled": "keep"} in told(tmp_path)
