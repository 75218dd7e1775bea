"""Heights against the obvious way to do it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui.transcript.heights import Heights

CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("set"), st.integers(0, 50), st.integers(0, 9)),
        st.tuples(st.just("pop"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("ask"), st.integers(0, 50), st.just(0)),
    ),
    max_size=40,
)


@given(st.lists(st.integers(0, 9), max_size=20), CHANGES)
def test_sums_are_those_of_a_plain_list(start: list[int], changes: list[tuple[str, int, int]]) -> None:
    heights, plain = Heights(start), list(start)
    for what, index, height in changes:
        if what == "append":
            heights.append(height)
            plain.append(height)
        elif plain:
            place = index % len(plain)
            if what == "set":
                heights[place] = plain[place] = height
            elif what == "pop":
                heights.pop(place)
                plain.pop(place)
            else:
                assert heights.top(place) == sum(plain[:place])
        assert heights.total == sum(plain)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_every_line_is_found_in_its_entry(plain: list[int]) -> None:
    heights = Heights(plain)
    owners = [(index, line) for index, height in enumerate(plain) for line in range(height)]
    assert [heights.at(line) for line in range(heights.total)] == owners


def test_a_line_beyond_the_end_is_the_last_one() -> None:
    heights = Heights([2, 3])
    assert heights.at(99) == (1, 2)
    assert heights.at(-5) == (0, 0)


def test_an_empty_transcript_has_no_line() -> None:
    with pytest.raises(IndexError):
        Heights().at(0)
