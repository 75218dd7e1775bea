"""Framing: the same objects come out, wherever the bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.ndjson import FrameBroken, LineSplitter, document, objects

CAP = 1 << 20


def parsed(pieces: list[bytes], cap: int = CAP) -> list[dict[str, object]]:
    splitter = LineSplitter(cap)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return [found for line in [*lines, *splitter.finish()] for found in objects(line)]


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.sampled_from(["message", "done", "ünïcode", "☃"]), json_values, max_size=3)
endings = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\n \r\n", b""])


@given(
    st.lists(st.tuples(json_objects, endings), max_size=6),
    st.lists(st.integers(0, 10_000), max_size=8),
    st.booleans(),
)
def test_any_cut_of_any_stream_gives_the_same_objects(
    lines: list[tuple[dict[str, object], bytes]], points: list[int], escaped: bool
) -> None:
    data = b"".join(json.dumps(value, ensure_ascii=escaped).encode() + ending for value, ending in lines)
    assert parsed(cut(data, points)) == [value for value, _ in lines]


def test_every_single_cut_inside_characters_too() -> None:
    data = '{"content":"zwölf ☃ \U0001f9a9"}\r\n\n{"done":true}{"error":"x"}'.encode()
    whole = parsed([data])
    assert len(whole) == 3
    for point in range(len(data) + 1):
        assert parsed([data[:point], data[point:]]) == whole
    assert parsed([bytes([byte]) for byte in data]) == whole


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[1]",
        b'"text"',
        b"{",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1} x',
        b"<html>",
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b'{"a":' * 100_000,
        b'{"a":"\x01"}',
    ],
    ids=lambda line: line[:20].decode("latin-1"),
)
def test_a_line_that_is_no_json_object_is_broken(line: bytes) -> None:
    with pytest.raises(FrameBroken):
        list(objects(line))


def test_objects_before_a_broken_one_are_kept() -> None:
    found: list[dict[str, object]] = []
    with pytest.raises(FrameBroken):
        found.extend(objects(b'{"a":1}{"b":2}oops'))
    assert found == [{"a": 1}, {"b": 2}]


def test_lone_surrogates_are_replaced_everywhere_and_pairs_are_not() -> None:
    line = rb'{"a":"x\ud83d","\udc00":["\ud83e\udda9",{"b":"\uDFFFy"}]}'
    assert list(objects(line)) == [{"a": "x\ufffd", "\ufffd": ["\U0001f9a9", {"b": "\ufffdy"}]}]


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
def test_a_line_over_the_cap_is_broken_wherever_it_is_cut_and_what_came_before_is_kept(size: int) -> None:
    data = b'{"a":1}\n' + b"x" * 101 + b"\n"
    splitter = LineSplitter(100)
    found: list[bytes] = []
    with pytest.raises(FrameBroken):
        found.extend(line for start in range(0, len(data), size) for line in splitter.feed(data[start : start + size]))
    assert found == [b'{"a":1}']


def test_a_line_at_the_cap_passes() -> None:
    assert list(LineSplitter(100).feed(b"x" * 100 + b"\n")) == [b"x" * 100]


@pytest.mark.parametrize("text", [b"", b"  ", b"1 2", b"1 null", b'{"a": 1}, {"b": 2}', b"1], [2", b"{", b"NaN"])
def test_what_is_not_one_document_is_refused(text: bytes) -> None:
    with pytest.raises(FrameBroken):
        document(text)


@pytest.mark.parametrize(
    ("text", "value"), [(b" null ", None), (b"[1, {}]", [1, {}]), (b'"\\ud800"', "\ufffd"), (b"7\n", 7)]
)
def test_a_document_of_any_shape_is_read_whole(text: bytes, value: object) -> None:
    assert document(text) == value
