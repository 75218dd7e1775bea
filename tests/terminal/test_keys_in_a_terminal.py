"""Bytes as terminals and tmux really send them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.slowness import allowed
from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal


def told(folder: Path) -> list[dict[str, object]]:
    path = folder / "told.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_escape_digit_switches_lanes_and_typed_signs_stay_text(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"\x1b2")
        terminal.wait_for("─ 2 codegen ─")
        terminal.send("¡™£§ª")
        terminal.wait_for("¡™£§ª")
        terminal.send(b"\x1b1")
        terminal.wait_until(lambda text: "─ 1 chat ─" in text and "¡" not in text)
        terminal.send(b"\x1b2")
        terminal.wait_for("¡™£§ª")
        terminal.send(b"\x1b[49;3u")  # alt+1 of the kitty keyboard protocol
        terminal.wait_for("─ 1 chat ─")


def test_alt_enter_and_shift_enter_make_a_new_line_and_send_nothing(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        for newline in (b"\x1b\r", b"\n", b"\x1b[27;2;13~", b"\x1b[13;2u"):
            terminal.send(b"line" + newline)
        terminal.send(b"end")
        terminal.wait_for(r"line\n ?line\n ?line\n ?line\n ?end")
        assert told(tmp_path) == []
        terminal.send(b"\r")
        terminal.wait_for("forty-two")
        assert told(tmp_path) == [{"asked": "line\nline\nline\nline\nend"}]


def test_f6_and_f7_open_panels_from_the_prompt(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"some text\x1b[17~")
        terminal.wait_for("─ failovers")
        terminal.send(b"\x1b[18~")
        terminal.wait_for("─ outbox")
        terminal.send(b"\x1b")
        terminal.wait_for("some text")


def test_escape_stops_an_answer_within_200_ms_and_gives_the_prompt_back(tmp_path: Path) -> None:
    with desk_in_terminal("endless", tmp_path) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word5 ")
        pressed = time.monotonic()
        terminal.send(b"\x1b")
        terminal.wait_for("interrupted")
        assert time.monotonic() - pressed < allowed(0.5)  # the emulated screen needs its share
        terminal.wait_for(r"\n ?tell me\n 1 chat")
        assert {"cancelled": "drop"} in told(tmp_path)


def test_a_bracketed_paste_of_many_lines_is_not_sent(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"\x1b[200~one\r\ntwo\rthree\x1b[201~")
        terminal.wait_for(r"one\n ?two\n ?three")
        assert told(tmp_path) == []


def test_a_megabyte_pasted_goes_along_as_an_attachment(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        megabyte = b"x" * 99 + b"\n"
        terminal.send(b"\x1b[200~")
        for _ in range(110):
            terminal.send(megabyte * 100)
            terminal.pump(0)
        terminal.send(b"\x1b[201~")
        terminal.wait_for("attached pasted-1.txt")


def test_escapes_and_markup_of_an_answer_reach_no_terminal(tmp_path: Path) -> None:
    with desk_in_terminal("hostile", tmp_path) as terminal:
        terminal.send(b"go\r")
        terminal.wait_for("done")
        terminal.wait_for(r"\[/red\]")
        assert b"\x1b]52" not in terminal.raw
        assert b"\x9b31m" not in terminal.raw


LATENCY_S = 0.06
"""How late the rest of a key comes in these tests, seconds."""

ESCAPE_S = 0.1
"""How long an escape waits for its rest, seconds (Textual, constants.py, ESCAPE_DELAY)."""


def typed_in_parts(folder: Path) -> tuple[bool, float]:
    """Type keys in two parts each while an answer comes: whether it went on, and the longest pause, seconds."""
    longest_s = 0.0
    with desk_in_terminal("endless", folder) as terminal:
        terminal.send(b"tell me\r")
        terminal.wait_for("word3 ")
        for rest in (b"[A", b"2", b"1", b"OD"):
            begun = time.monotonic()
            terminal.send(b"\x1b")
            time.sleep(LATENCY_S)  # the latency that is tested
            terminal.send(rest)
            longest_s = max(longest_s, time.monotonic() - begun)
            terminal.pump(0.2)
        terminal.wait_for("─ 1 chat ─")
        went_on = not any("cancelled" in line for line in told(folder)) and "interrupted" not in terminal.text
    return went_on, longest_s


def test_a_sequence_that_arrives_in_two_parts_is_still_one_key(tmp_path: Path) -> None:
    """A slow line (ssh) may part an escape from the rest of its key; that must stop no answer.

    A busy machine may part them for longer than an escape waits; where it did, it is tried again.
    """
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        went_on, longest_s = typed_in_parts(folder)
        if went_on or longest_s < ESCAPE_S * 0.9:
            break
    assert went_on, f"the parts of a key came within {longest_s:.3f} s"


def test_focus_and_mouse_reports_type_nothing(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"\x1b[O\x1b[I\x1b[<35;10;10M\x1b[<64;10;10M\x1b[<65;10;10M\x1b[200~\x1b[201~text")
        terminal.wait_for(r"\n text\n")
        terminal.send(b"\x1b[<0;14;24M\x1b[<0;14;24m")  # a click on "2 codegen"
        terminal.wait_for("─ 2 codegen ─")
