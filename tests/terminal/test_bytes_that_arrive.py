"""What a terminal may send that nobody typed: bytes of no encoding, pastes with escapes in them, keys in one burst."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import desk_in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal


def test_bytes_that_are_no_utf_8_are_signs_and_the_desk_goes_on(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"abc\xff caf\xe9 ")
        terminal.wait_for("abc\ufffd caf\ufffd")
        terminal.send(b"\x1b[99999999999u\x1b[M \xe1\xe1and on")
        terminal.wait_for("and on")


def test_a_paste_with_escapes_in_it_is_one_text_and_does_nothing(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"\x1b[200~one \x1b[31mtwo\x1b[0m \x1b\x07\x1b\x11\x1b2 \x1b[17~ three\x1b[20")
        terminal.send(b"1~ four")
        terminal.wait_for(r"one ␛\[31mtwo␛\[0m .* three four")
        assert "─ 1 chat ─" in terminal.text
        terminal.send(b"\r")
        terminal.wait_for("forty-two")
        (told,) = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
        assert told["asked"].startswith("one ␛[31mtwo␛[0m ")
        assert told["asked"].endswith("three four")


def test_an_alt_key_is_itself_when_another_sequence_follows_at_once(tmp_path: Path) -> None:
    with desk_in_terminal("answer", tmp_path) as terminal:
        terminal.send(b"\x1bs\x1b[<35;10;10M\x1bs\x1b[<35;11;10Mdraft\x1bt\x1bOP")
        terminal.wait_for("draft|Keys|keys")
        terminal.pump(0.3)
        terminal.send(b"\x1b\x1b")
        terminal.pump(0.3)
        terminal.send(b"\x1b")
        terminal.wait_for("draft")
        assert "^" not in terminal.text
