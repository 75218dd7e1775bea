"""``Retry-After`` by the table of policy N16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.retry_after import hint_from
from tests.support.scenes import HINTS

NOW = 1_795_000_000.0  # in November 2026


@pytest.mark.parametrize(("value", "hint"), HINTS)
def test_each_value_of_the_table(value: str, hint: float | None) -> None:
    assert hint_from(value, NOW) == hint


def test_a_date_counts_from_now() -> None:
    assert hint_from("Sun, 06 Nov 1994 08:49:37 GMT", 784111770.0) == 7.0
    assert hint_from("Sun, 06 Nov 1994 09:49:37 +0100", 784111770.0) == 7.0


@pytest.mark.parametrize("value", ["1_000", "١٢", "0x10", "1e", "+", "12;3", "Mon, 99 Foo 2026 99:99:99", "\x00"])
def test_what_only_looks_like_a_number_is_none(value: str) -> None:
    assert hint_from(value, NOW) is None


@given(st.text(max_size=40) | st.floats().map(str))
def test_no_value_raises_and_every_hint_is_in_range(value: str) -> None:
    hint = hint_from(value, NOW)
    assert hint is None or 1.0 <= hint <= 86_400.0
