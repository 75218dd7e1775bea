"""A key that a server repeats in its answer is masked, wherever the answer is cut into pieces."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.masking import StreamMask
from llmdesk.core.text import MASK, Redactor

KEY = 'house/key+4711"of\\the=door&x'


def passed(text: str, cuts: list[int], mask: StreamMask) -> str:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return "".join(mask.feed(text[start:end]) for start, end in pairwise(edges)) + mask.finish()


@given(st.lists(st.integers(0, 90), max_size=12), st.booleans())
def test_a_key_is_masked_wherever_the_text_is_cut(cuts: list[int], twice: bool) -> None:
    text = f"You said {KEY} to me{f', and {KEY}{KEY}' if twice else ''}."
    wanted = text.replace(KEY, MASK)
    assert passed(text, cuts, StreamMask(Redactor([KEY]).strong)) == wanted


@given(st.text(alphabet="hous/kabc4711 =+", max_size=80), st.lists(st.integers(0, 80), max_size=8))
def test_what_is_no_key_passes_as_it_is(text: str, cuts: list[int]) -> None:
    assert passed(text, cuts, StreamMask(Redactor([KEY]).strong)) == text


def test_what_cannot_become_a_key_is_not_held_back() -> None:
    mask = StreamMask(Redactor([KEY]).strong)
    assert mask.feed("Nothing of it.") == "Nothing of it."
    assert mask.feed("But then: hou") == "But then: "
    assert mask.feed("t-couture") == "hout-couture"
    assert mask.finish() == ""


@pytest.mark.parametrize("before", ["", "a", "ab", "Bearer ", "user:"])
@pytest.mark.parametrize("after", ["", "\n", "&x=1"])
def test_a_key_in_the_middle_of_base64_is_known_at_every_offset(before: str, after: str) -> None:
    packed = base64.b64encode(f"{before}{KEY}{after}".encode()).decode()
    shown = Redactor([KEY])(f"WWW {packed} end")
    assert MASK in shown
    assert packed[4:-8] not in shown
    assert len(shown) < len("WWW  end") + len(MASK) + 20


@pytest.mark.parametrize("written", [KEY.encode().hex(), KEY.encode().hex().upper(), repr(KEY)[1:-1]])
def test_a_key_is_known_in_hex_and_as_python_writes_it(written: str) -> None:
    assert Redactor([KEY])(f"<{written}>") == f"<{MASK}>"


@pytest.mark.parametrize("word", ["ollama", "lm-studio", "sk-no-key-required", "not-needed", "1234567890123456"])
def test_a_key_that_is_a_word_stays_in_answers(word: str) -> None:
    redact = Redactor([word])
    assert redact.strong == frozenset()
    assert word not in redact(f"said {word}")
