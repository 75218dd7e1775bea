"""What was told is read from the bytes alone: cut anywhere, an answer has told the beginning of its text and no end."""

from __future__ import annotations

import pytest

from tests.campaign.acting import Own, act, act_steps, own_words
from tests.campaign.alphabet import SYMBOLS, WIRES
from tests.campaign.told import told
from tests.support.plays import steps_of

OWN = Own(words=own_words("there", 3), read=103, output=6)


def body_of(name: str) -> bytes:
    symbol = SYMBOLS[name]
    steps = act_steps(symbol, OWN) if symbol.wire == "command" else steps_of(act(symbol, OWN).body)
    return b"".join(step for step in steps if isinstance(step, bytes))


@pytest.mark.parametrize("wire", WIRES)
def test_a_whole_answer_has_told_its_own_words_and_counts(wire: str) -> None:
    found = told(wire, body_of(f"{wire}/happy"))
    assert found.text == OWN.words + SYMBOLS[f"{wire}/happy"].scene.text
    assert found.usage == (103, 6)
    assert found.marked == (wire != "command")  # a program's end is its exit


@pytest.mark.parametrize("wire", WIRES)
def test_cut_anywhere_it_has_told_the_beginning_and_its_end_only_once_it_came(wire: str) -> None:
    body = body_of(f"{wire}/happy")
    whole, longest = told(wire, body), 0
    marked = [told(wire, body[:cut]).marked for cut in range(len(body) + 1)]
    assert marked == sorted(marked)
    assert not any(marked[: len(body) // 2])
    for cut in range(len(body) + 1):
        text = told(wire, body[:cut]).text
        assert whole.text.startswith(text)
        assert len(text) >= longest
        longest = len(text)
        assert not marked[cut] or text == whole.text


@pytest.mark.parametrize(
    "name",
    [
        "ollama/O5.a", "ollama/O7.a", "ollama/O7.b", "ollama/O16.a", "ollama/O22.b", "openai/P8.b", "openai/P8.h",
        "openai/P8.g", "anthropic/A8.a", "anthropic/A8.b", "anthropic/form.broken json", "google/form.stop, then more",
        "google/form.no end", "google/form.broken json",
    ],
)  # fmt: skip
def test_an_answer_without_its_marker_is_not_marked(name: str) -> None:
    assert not told(SYMBOLS[name].wire, body_of(name)).marked


@pytest.mark.parametrize("name", ["openai/P8.c", "openai/P8.d", "google/form.end without content", "ollama/O18.c"])
def test_a_marker_in_its_odd_forms_is_one(name: str) -> None:
    found = told(SYMBOLS[name].wire, body_of(name))
    assert found.marked
    assert found.text == OWN.words + SYMBOLS[name].scene.text


def test_half_of_the_usage_is_none() -> None:
    assert told("google", body_of("google/form.usage after the end")).usage is None
