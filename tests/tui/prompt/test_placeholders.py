"""The gaps in a prompt of the library."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui.placeholders import Gap, fill, gap_after, names_in, typed_into

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)


def test_known_gaps_are_filled_and_the_others_are_told() -> None:
    filled = fill("On {date}: {topic}, {topic}.", {"date": "2026-10-21"})
    assert filled.text == "On 2026-10-21: {topic}, {topic}."
    assert [filled.text[start:end] for start, end in filled.gaps] == ["{topic}", "{topic}"]
    assert names_in("{a} {b} {a}") == ("a", "b")


def test_double_braces_are_the_word_in_braces() -> None:
    assert fill("{{name}} and {name}", {"name": "x"}).text == "{name} and x"


def test_other_braces_stay_as_they_are() -> None:
    text = '{"a": {"b": [1, {}]}} ${HOME} x{3} {two words} {{ jinja }} \\frac{{1}}{2} {é}'
    assert fill(text, {"HOME": "no"}).text == text
    assert names_in(text) == ()


def test_what_is_filled_in_is_not_looked_through_again() -> None:
    filled = fill("{last_answer} {topic}", {"last_answer": "{topic}"})
    assert filled.text == "{topic} {topic}"
    assert filled.gaps == ((8, 15),)


@given(value=st.recursive(st.integers() | st.text("ab{} ", max_size=5), lambda inner: st.lists(inner) |
                          st.dictionaries(st.text("k1 ", min_size=1, max_size=3), inner), max_leaves=6))  # fmt: skip
def test_json_whose_texts_hold_no_word_in_braces_is_never_changed(value: object) -> None:
    text = json.dumps(value, indent=1)
    if not re.search(r"\{[A-Za-z_]\w*\}", text):
        assert fill(text, {}).text == text


@given(parts=st.lists(st.tuples(st.text("xy z\n", max_size=5), words), max_size=6))
def test_every_gap_is_where_it_is_said_to_be(parts: list[tuple[str, str]]) -> None:
    template = "".join(f"{text}{{{name}}}" for text, name in parts)
    filled = fill(template, {})
    assert filled.text == template
    assert [template[start + 1 : end - 1] for start, end in filled.gaps] == [name for _, name in parts]


@given(before=st.text(max_size=8), name=words, behind=st.text(max_size=8), typed=st.text(max_size=8))
def test_what_was_typed_into_a_gap_is_known(before: str, name: str, behind: str, typed: str) -> None:
    gap = Gap(name=name, before=before, behind=behind)
    assert typed_into(gap, before + typed + behind) == typed


def test_the_next_gap_is_the_first_again_behind_the_last() -> None:
    text = "{a} and {b}"
    assert gap_after(text, 3, frozenset({"a", "b"})) == (8, 11)
    assert gap_after(text, 11, frozenset({"a", "b"})) == (0, 3)
    assert gap_after(text, 0, frozenset()) is None
