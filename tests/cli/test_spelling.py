"""Streams whose encoding is not UTF-8: everything stays readable, and what is typed is what is sent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.cli.reading import as_text
from llmdesk.cli.spelling import SPELLED, encoded
from tests.support.cli_run import memory, run_cli
from tests.support.scripted_desk import ScriptedDesk, answer

LATIN = {"PYTHONIOENCODING": "iso-8859-1"}
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_signs_are_spelled_and_letters_keep_what_they_can() -> None:
    assert encoded("a · b … → ✔ “Grüße” 日 ─┼│", "ascii") == b'a - b ... -> v "Gru?e" ? -+|'
    assert encoded("a · b … “Grüße” 日", "latin-1") == 'a · b ... "Grüße" ?'.encode("latin-1")


def test_what_stands_for_a_sign_is_ascii() -> None:
    assert all(spelled.isascii() and spelled for spelled in SPELLED.values())


@given(st.text(), st.sampled_from(["ascii", "latin-1", "cp437", "koi8-r", "utf-8"]))
def test_any_text_can_be_written_in_any_encoding(text: str, encoding: str) -> None:
    shown = encoded(text, encoding).decode(encoding)
    assert [line for line in shown if line == "\n"] == [line for line in text if line == "\n"]
    if text.isascii():
        assert shown == text


@given(st.text().filter(lambda text: "\ud800" not in text), st.sampled_from(["latin-1", "ascii", "utf-8"]))
def test_utf8_is_read_as_it_is_whatever_the_locale(text: str, encoding: str) -> None:
    assert as_text(text.encode("utf-8", "replace"), encoding) == text.encode("utf-8", "replace").decode("utf-8")


def test_what_is_no_utf8_is_read_in_the_encoding_of_the_locale() -> None:
    assert as_text("Grüße".encode("latin-1"), "iso-8859-1") == "Grüße"
    assert as_text(b"a\xffb") == "a\ufffdb"
    assert as_text(b"a\xffb", "ascii") == "a\ufffdb"


def program(*argv: str, stdin: bytes = b"", **extra: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tests.support.scripted_program", "hostile", *argv]
    return subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **extra}, check=False)


@pytest.mark.parametrize("locale", [LATIN, ASCII])
@pytest.mark.parametrize("argv", [("exec", "hi"), ("--plain",), ("providers",), ("doctor",), ("lanes",)])
def test_no_command_breaks_in_another_encoding(argv: tuple[str, ...], locale: dict[str, str]) -> None:
    ran = program(*argv, stdin="é\n".encode("latin-1"), **locale)
    assert b"Traceback" not in ran.stderr
    assert b"UnicodeEncodeError" not in ran.stderr
    ran.stdout.decode("latin-1" if locale is LATIN else "ascii")


def test_a_prompt_typed_in_another_encoding_is_sent_as_it_was_meant() -> None:
    desk = ScriptedDesk([answer("x")])
    session_in = memory("Grüße\n".encode("latin-1"), encoding="iso-8859-1")
    run_cli(["--plain"], desk, stdin=session_in)
    run_cli(["exec"], desk, stdin=memory("schön".encode("latin-1"), encoding="iso-8859-1"))
    assert [ask.prompt for ask in desk.asks] == ["Grüße", "schön"]


def test_utf8_in_an_argument_survives_a_locale_that_knows_only_ascii() -> None:
    desk = ScriptedDesk([answer("x")])
    run_cli(["exec", "Grüße".encode().decode("ascii", "surrogateescape")], desk)
    assert desk.asks[0].prompt == "Grüße"


def test_the_label_of_an_answer_is_spelled_where_its_dot_is_unknown() -> None:
    ran = program("--plain", stdin=b"hi\n", **ASCII)
    assert b"local - gemma3:27b:\n" in ran.stderr
