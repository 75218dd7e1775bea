"""Every way out restores the terminal and pauses what runs."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import Terminal, desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal


def told(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def restored(terminal: Terminal) -> bool:
    return terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h") and b"\x1b[?25h" in terminal.raw


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
        assert time.monotonic() - sent < 1.5  # 1 s, and what the test machine adds
        assert restored(terminal)
        assert {"cancelled": "keep"} in told(tmp_path)
        assert {"closed": True} in told(tmp_path)


def test_a_lost_terminal_pauses_the_request(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        terminal.child.fileobj.close()
        deadline = time.monotonic() + 5
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
