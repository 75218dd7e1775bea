"""The sentences that the page on troubleshooting quotes are the program's own."""

from __future__ import annotations

import pytest

from tests.support.pages import DOCS, first_cells
from tests.support.said_in_code import is_said

QUOTED = first_cells(DOCS / "troubleshooting.md", "it says")


def test_many_sentences_are_quoted() -> None:
    assert len(QUOTED) > 60


@pytest.mark.parametrize("sentence", QUOTED)
def test_a_sentence_that_is_quoted_stands_in_the_source(sentence: str) -> None:
    assert is_said(sentence)


def test_a_sentence_that_nobody_says_is_noticed() -> None:
    assert not is_said("connection rejected at …")
    assert not is_said("… …")
