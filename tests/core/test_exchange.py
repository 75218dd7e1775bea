"""What is kept of a call: all of it in order, without secrets, and never more than it may be."""

from __future__ import annotations

import base64
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core.exchange import HIDDEN, LARGEST, Exchange, Recording, clipped, hidden_headers, split_alike
from llmdesk.core.text import MASK, redact
from llmdesk.core.types import ModelRef

KEY = "canary-exchange-91f3b2"


def recording(body: bytes = b"") -> Recording:
    ticks = itertools.count()
    sent, head, cut = clipped(body)
    begun = Exchange(
        request="r1", attempt=1, target=ModelRef("cloud", "m"), at=0.0, method="POST", url=f"http://x/?key={KEY}",
        sent=sent, sent_head=head, sent_cut=cut,
    )  # fmt: skip
    return Recording(begun=begun, elapsed=lambda: float(next(ticks)), grown=lambda _recording, _count: None)


def joined(exchange: Exchange) -> bytes:
    return b"".join(chunk.data for chunk in exchange.received)


def test_pieces_are_kept_as_they_came_with_their_times() -> None:
    call = recording(b"{}")
    call.answered(200, {"Content-Type": "text/plain"})
    call.came(b"one")
    call.came(b"two")
    call.ended()
    shown = call.shown()
    assert [(chunk.at_ms, chunk.data) for chunk in shown.received] == [(1000, b"one"), (2000, b"two")]
    assert (shown.status, shown.sent, shown.ended_ms) == (200, b"{}", 3000)
    assert shown.response_headers == (("Content-Type", "text/plain"),)


def test_a_secret_is_masked_in_every_part_in_every_form() -> None:
    redact.learn(KEY)
    packed = base64.b64encode(KEY.encode())
    call = recording(b'{"echo": "' + KEY.encode() + b'"}')
    call.asked({"Authorization": f"Bearer {KEY}", "X-Mine": KEY, "Accept": KEY}, own=["x-mine"])
    call.answered(401, {"Set-Cookie": KEY, "Via": KEY})
    call.came(b"you sent " + KEY[:9].encode())
    call.came(KEY[9:].encode() + b" or " + packed + b" at the end")
    call.ended(error_output=f"no such key {KEY}")
    shown = call.shown()
    assert KEY not in repr(shown)
    assert packed.decode() not in repr(shown)
    assert KEY not in joined(shown).decode()
    assert joined(shown).decode() == f"you sent {MASK} or {MASK}== at the end"
    assert dict(shown.request_headers) == {"Authorization": HIDDEN, "X-Mine": HIDDEN, "Accept": MASK}
    assert dict(shown.response_headers) == {"Set-Cookie": HIDDEN, "Via": MASK}


def test_headers_that_speak_of_nothing_secret_are_shown() -> None:
    assert hidden_headers({"Content-Type": "a/b", "X-Api-Key": "v", "Cookie": "v"}) == (
        ("Content-Type", "a/b"),
        ("X-Api-Key", HIDDEN),
        ("Cookie", HIDDEN),
    )


def test_a_long_answer_loses_its_middle_and_says_how_much() -> None:
    call = recording(b"p" * 3 * LARGEST)
    pieces = [bytes([65 + number % 26]) * 100_000 for number in range(40)]
    for piece in pieces:
        call.came(piece)
    whole = b"".join(pieces)
    shown = call.shown()
    assert call.size + len(call.begun.sent) <= LARGEST
    assert len(joined(shown)) + shown.received_cut == len(whole)
    head = b"".join(chunk.data for chunk in shown.received[: shown.received_head])
    tail = b"".join(chunk.data for chunk in shown.received[shown.received_head :])
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert head
    assert tail
    assert len(shown.sent) + shown.sent_cut == 3 * LARGEST


STREAM = "".join(map(str, range(1_000_000))).encode()
"""More than is ever kept, and nothing in it looks like a key."""


@settings(max_examples=30)
@given(st.lists(st.sampled_from([0, 1, 4_097, 100_000, 524_288, 700_000]), max_size=8))
def test_whatever_comes_what_is_kept_is_its_beginning_and_its_end(sizes: list[int]) -> None:
    ends = list(itertools.accumulate(sizes))
    whole = STREAM[: sum(sizes)]
    call = recording()
    for size, end in zip(sizes, ends, strict=True):
        call.came(whole[end - size : end])
    assert call.size <= LARGEST
    shown = call.shown()
    head = b"".join(chunk.data for chunk in shown.received[: shown.received_head])
    tail = b"".join(chunk.data for chunk in shown.received[shown.received_head :])
    assert whole.startswith(head)
    assert whole.endswith(tail)
    if len(whole) <= LARGEST // 2:
        assert (head, tail, shown.received_cut) == (whole, b"", 0)
    else:
        assert len(head) + shown.received_cut + len(tail) >= len(whole)


@given(st.lists(st.sampled_from([b"abc", b"SECRET", b"SEC", b"RET", b"***", b"x"]), max_size=12))
def test_masked_text_is_cut_where_the_text_was_cut(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    clean = whole.replace(b"SECRET", MASK.encode())
    cut = split_alike(whole, clean, [len(piece) for piece in pieces])
    assert b"".join(cut) == (clean if pieces else b"")
    assert len(cut) == len(pieces)
