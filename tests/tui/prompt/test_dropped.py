"""Paths as terminals paste them."""

from __future__ import annotations

import shlex
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui.dropped import dropped_paths

paths = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30).map(
    lambda name: f"/{name.strip() or 'x'}"
)


@pytest.mark.parametrize(
    "text",
    ["/tmp/a b.png", "'/tmp/a b.png'", '"/tmp/a b.png"', "/tmp/a\\ b.png", "file:///tmp/a%20b.png", "/tmp/a b.png \n"],
)
def test_every_way_of_writing_a_path_is_read(text: str) -> None:
    assert ("/tmp/a b.png",) in dropped_paths(text)


def test_several_files_are_read_from_words_or_lines() -> None:
    assert dropped_paths("'/tmp/a b' /tmp/c")[0] == ("/tmp/a b", "/tmp/c")
    assert ("/tmp/a b", "/tmp/c") in dropped_paths("/tmp/a b\n/tmp/c")


@pytest.mark.parametrize("text", ["", "words", "see /tmp/a", "notes.txt", "http://x/y", "/a\x00b", "/" + "x" * 5000])
def test_other_texts_are_no_files(text: str) -> None:
    assert dropped_paths(text) == []


@given(path=paths)
def test_what_a_shell_would_quote_is_read_back(path: str) -> None:
    assert (path,) in dropped_paths(shlex.quote(path))
    assert (path,) in dropped_paths("file://" + quote(path))


@given(text=st.text(max_size=60))
def test_any_paste_is_read_without_an_error(text: str) -> None:
    for reading in dropped_paths(text):
        assert reading
        assert all(path.startswith(("/", "~/")) for path in reading)
