"""What the simulated models say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.demo.answers import compose
from llmdesk.demo.speech import split_tokens


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Hello there", "# Hello from the demo"),
        ("write some code", "```python"),
        ("a table, please", "| --- |"),
        ("something long", "## 10. Search"),
        ("go slow", "## Slowly"),
        ("think about it", "## Thought through"),
        ("What is the capital of Peru?", "> What is the capital of Peru?"),
    ],
)
def test_the_answer_responds_to_the_words_and_says_it_is_a_demo(prompt: str, expected: str) -> None:
    text = compose(prompt, model="demo-small:4b").text
    assert expected in text
    assert "DEMO · simulated by demo-small:4b" in text


def test_a_long_prompt_is_quoted_in_part_and_every_line_stays_in_the_quote() -> None:
    text = compose("first line\n# second line\n" + "x" * 5000, model="m").text
    assert "> first line\n> # second line\n> x" in text
    assert len(text) < 2000


def test_only_slow_is_slow_and_thinking_is_longer_when_asked_for() -> None:
    assert compose("slow", model="m").slow
    assert not compose("hello", model="m").slow
    assert len(compose("think", model="m").thinking) > 3 * len(compose("hello", model="m").thinking)


@given(st.text())
def test_tokens_joined_again_are_the_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text
