"""Event streams: the same events come out, wherever the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.ndjson import FrameBroken
from llmdesk.providers.sse import EventSplitter

CAP = 1 << 20


def read(pieces: list[bytes], cap: int = CAP) -> list[tuple[str, bytes]]:
    splitter = EventSplitter(cap)
    found = [event for piece in pieces for event in splitter.feed(piece)]
    return [tuple(event) for event in [*found, *splitter.finish()]]


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12)
endings = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.one_of(
    texts.map(lambda text: f"data: {text}".encode()),
    texts.map(lambda text: f"data:{text}".encode()),
    texts.map(lambda text: f": {text}".encode()),
    texts.map(lambda text: f"event: {text}".encode()),
    st.sampled_from([b"", b"", b"data", b"id: 7", b"retry: 10", "datä: x".encode()]),
)


@given(st.lists(st.tuples(lines, endings), max_size=12), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_any_stream_gives_the_same_events(body: list[tuple[bytes, bytes]], points: list[int]) -> None:
    data = b"".join(line + ending for line, ending in body)
    assert read(cut(data, points)) == read([data])
    assert read([bytes([byte]) for byte in data]) == read([data])


@given(st.lists(st.lists(texts, min_size=1, max_size=3), max_size=5), endings)
def test_what_is_printed_is_read(events: list[list[str]], end: bytes) -> None:
    data = b"".join(b"".join(b"data: " + line.encode() + end for line in event) + end for event in events)
    assert read([data]) == [("", "\n".join(event).encode()) for event in events]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"data:a\n\n", [("", b"a")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b": keep-alive\n\ndata: a\n\n: bye\n", [("", b"a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [("error", b"a"), ("", b"b")]),
        (b"event: ping\n\ndata: a\n\n", [("", b"a")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data\n\n", [("", b"")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: a\n\ndata: the last, without a blank line", [("", b"a"), ("", b"the last, without a blank line")]),
        (b"id: 1\nretry: 5\nnonsense\n\n", []),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_the_words_of_the_format(data: bytes, events: list[tuple[str, bytes]]) -> None:
    assert read([data]) == events
    for point in range(len(data) + 1):
        assert read([data[:point], data[point:]]) == events
    assert read([bytes([byte]) for byte in data]) == events


@pytest.mark.parametrize(
    "data", [b"data: " + b"x" * 200, b"data: xxxxxxxxxxx\n" * 20, b"data\n" * 200, b": " + b"x" * 200]
)
def test_nothing_larger_than_the_cap_is_held(data: bytes) -> None:
    with pytest.raises(FrameBroken):
        read([data], cap=100)
    with pytest.raises(FrameBroken):
        read([bytes([byte]) for byte in data], cap=100)


def test_many_small_events_pass_a_small_cap() -> None:
    assert len(read([b"data: x\n\n" * 1_000], cap=100)) == 1_000


def test_an_event_of_empty_lines_is_held_in_as_many_bytes() -> None:
    splitter = EventSplitter(8 << 20)
    assert not list(splitter.feed(b"data:\n" * 1_000_000))
    assert list(splitter.feed(b"\n")) == [("", b"\n" * 999_999)]
