"""The fence around an answer, and the blocks inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.fences import blocks, first_block, unfenced


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("Here:\n```python\nprint(1)\n\nx\n```\nand\n```\nno\n```\n", "print(1)\n\nx\n"),
        ("~~~\na ``` b\n```\n~~~", "a ``` b\n```\n"),
        ("````md\n```py\nx\n```\n````", "```py\nx\n```\n"),
        ("1. so:\n   ```sh\n   ls\n     -l\n x\n   ```\n", "ls\n  -l\nx\n"),
        ("```\nnever closed\nat all", "never closed\nat all"),
        ("```\n```", ""),
        ("```py\r\nx\r\n```\r\n", "x\r\n"),
        ("a ```b``` c\n", None),
        ("``` not `one`\nx\n```", ""),
        ("no block", None),
        ("", None),
        ("```\nform\x0c```\x0cfeed\u2028```\n```\n", "form\x0c```\x0cfeed\u2028```\n"),
    ],
)
def test_the_first_block_is_exactly_what_stands_between_its_fences(text: str, block: str | None) -> None:
    assert first_block(text) == block


def test_each_block_is_found_also_in_a_list_and_when_it_is_never_closed() -> None:
    text = "a\n```py\nx = 1\n```\nb\n~~~~\ny\n~~~~\n- c\n  ```\n  z\n  ```\n```\nopen"
    assert list(blocks(text)) == ["x = 1\n", "y\n", "z\n", "open"]


@given(st.text(alphabet="ab `~\n\t", max_size=30), st.text(alphabet="ab \n", max_size=20))
def test_a_block_with_a_longer_fence_than_anything_in_it_comes_back_whole(content: str, before: str) -> None:
    fence = "`" * 31
    assert first_block(f"{before}\n{fence}py\n{content}\n{fence}\nafter") == content + "\n"


@given(st.text(alphabet="a`~ \n", max_size=60))
def test_any_text_has_a_block_of_itself_or_none(text: str) -> None:
    block = first_block(text)
    assert block is None or len(block) <= len(text)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("```json\n{}\n```", "{}\n"), ("  ```\n{}```\n", "{}"), ("```yaml\na: 1\n```", "```yaml\na: 1\n```"),
        ("x\n```\n{}\n```", "x\n```\n{}\n```"), (" {} ", "{}"), ("``````", "``````"),
    ],
)  # fmt: skip
def test_only_a_fence_around_everything_is_taken_off(text: str, inside: str) -> None:
    assert unfenced(text) == inside
