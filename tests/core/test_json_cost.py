"""Long prose passes, values by the million do not, and the look itself is cheap."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.json_cost import LEAVES, NODES, is_too_divided
from tests.support.slowness import allowed

MIB = 1 << 20


@pytest.mark.parametrize("piece", ["[],", "{},", '{"a":1},', "1e5,", '"",', '"\\u0061",'])
def test_values_by_the_million_are_too_many_wherever_they_stand(piece: str) -> None:
    text = f'{{"x":[{piece * (8 * MIB // len(piece))}0]}}'.encode()
    begun = time.thread_time()
    assert is_too_divided(text)
    assert time.thread_time() - begun < allowed(1)


@pytest.mark.parametrize("prose", ["a, [b] {c}: ", '"quoted", ', "\\\\,", "\u2028,[", "\\"])
def test_a_long_text_is_one_value_whatever_stands_in_it(prose: str) -> None:
    text = prose * (4 * MIB // len(prose))
    begun = time.thread_time()
    for ascii_only in (True, False):
        assert not is_too_divided(json.dumps({"content": text}, ensure_ascii=ascii_only).encode())
    assert time.thread_time() - begun < allowed(2)


@pytest.mark.parametrize("text", [b'"' * 4 * MIB, b'"\\' * 2 * MIB, b'{"x":"' + b"," * 4 * MIB, b"\\" * 4 * MIB])
def test_what_is_no_json_is_looked_at_quickly_too(text: bytes) -> None:
    begun = time.thread_time()
    is_too_divided(text)
    assert time.thread_time() - begun < allowed(1)


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))
)
def test_what_is_small_is_never_too_much(value: object) -> None:
    assert not is_too_divided(json.dumps(value).encode())


def test_the_limits_are_what_they_say() -> None:
    assert not is_too_divided(json.dumps([1] * LEAVES).encode())
    assert is_too_divided(json.dumps([1] * (LEAVES + 2)).encode())
    assert not is_too_divided(json.dumps([[]] * (NODES - 1)).encode())
    assert is_too_divided(json.dumps([[]] * (NODES + 1)).encode())
    assert not is_too_divided(json.dumps([1] * (3 * LEAVES)).encode(), leaves=3 * LEAVES)
