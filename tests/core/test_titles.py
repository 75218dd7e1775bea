"""A title says in a few words what a prompt is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.titles import TITLE_LIMIT, title_of


@given(st.text() | st.text(alphabet="`*_~#>-[]()@. \nab", max_size=200))
def test_a_title_is_one_short_line(prompt: str) -> None:
    title = title_of(prompt)
    assert 0 < len(title) <= TITLE_LIMIT
    assert len(title.splitlines()) == 1
    assert title == title.strip()


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("\n  \n  Parse the log file  \nand more", "Parse the log file"),
        (" \n", "untitled"),
        ("```\n```", "untitled"),
        ("x" * 61, "x" * 59 + "…"),
        ("please parse the log file.", "Parse the log file"),
        ("Hi there, could you please parse the log file, thanks!", "Parse the log file"),
        ("Can you parse this? It is a long story.", "Parse this?"),
        ("please", "please"),
        ("How does e.g. a parser work in Rust?", "How does e.g. a parser work in Rust?"),
        ("Why is 3.11 slower? I measured it.", "Why is 3.11 slower?"),
        ("# The **plan** for `parse()`\ntext", "The plan for parse()"),
        ("- [ ] write [the docs](https://example.org/docs) of snake_case_names", "write the docs of snake_case_names"),
        ("> quoted\n\nand asked", "quoted"),
        ("```python\nprint('x')\n```\nWhat does this print?", "What does this print?"),
        ("~~~\nonly code\n~~~", "only code"),
        ("@src/main.py @src/other.py explain the parser", "explain the parser"),
        ("@src/main.py", "main.py"),
        ("mail me@example.org about @notes.txt", "mail me@example.org about"),
        ("日志文件怎么解析\uff1f请给出例子。", "日志文件怎么解析\uff1f"),
        ("---\nThe text below a rule", "The text below a rule"),
        (
            "Write a program that reads every line of a very long log file and counts",
            "Write a program that reads every line of a very long log…",
        ),
    ],
)
def test_a_title_is_the_first_sentence_without_what_is_not_the_matter(prompt: str, title: str) -> None:
    assert title_of(prompt) == title


@pytest.mark.parametrize("piece", ["`", "*", "_", "a ", "@", "[", "```\n", "please ", "hi, ", "- ", "(", "x. "])
def test_a_title_of_a_huge_prompt_is_made_at_once(piece: str) -> None:
    assert len(title_of(piece * 300_000)) <= TITLE_LIMIT
