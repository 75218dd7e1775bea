"""What one call to a provider really was: the bytes that went out and came in, without secrets, kept in memory only.

Why it is never written down, and how much of it is kept, is docs/decisions/0015-raw-exchanges-in-memory.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import field, replace
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.text import MASK, redact
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmdesk.core.types import ModelRef

HIDDEN = "••••"
"""What stands for the value of a header that may be a secret."""

LARGEST = 1024 * 1024
"""How many bytes of one exchange are kept, sent and received together; the middle of what is longer is left out."""

EDGE = 4096
"""How much more is left out on both sides of a gap, bytes: the cut may go through a secret, and none is longer."""

_SECRET_NAMES = ("key", "token", "auth", "secret", "cookie", "signature")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece as it came: ``at_ms`` after the call began, milliseconds."""

    at_ms: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call, fit to be shown: every known secret is masked, in headers, address, bodies and output.

    ``attempt`` is the number of the attempt it was made for, ``at`` UTC epoch seconds. A call over HTTP has ``method``
    and ``url``; a call of a program has ``argv`` and the *names* of its environment, and then ``sent`` is its stdin,
    ``received`` its stdout, ``error_output`` the end of its stderr. ``status`` is the HTTP status or the exit code;
    ``None`` = it never came to that. ``sent_cut`` and ``received_cut`` count the bytes left out of the middle, which is
    after the first ``sent_head`` bytes and the first ``received_head`` chunks.
    """

    request: str
    attempt: int
    target: ModelRef
    at: float
    method: str = ""
    url: str = ""
    argv: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    request_headers: Headers = ()
    sent: bytes = b""
    sent_cut: int = 0
    sent_head: int = 0
    status: int | None = None
    response_headers: Headers = ()
    received: tuple[Chunk, ...] = ()
    received_cut: int = 0
    received_head: int = 0
    error_output: str = ""
    ended_ms: int | None = None


class Tap(Protocol):
    """Takes what is sent and received for one attempt."""

    def call(self, *, method: str, url: str, body: bytes) -> Recording:
        """A call over HTTP is about to be made."""
        ...

    def run(self, *, argv: Sequence[str], environment: Iterable[str], stdin: bytes) -> Recording:
        """A program is about to be started; ``environment`` are the names of its variables."""
        ...


@dataclass(slots=True, kw_only=True)
class Recording:
    """A call under way; what comes is appended as it is, and made fit to be shown only when somebody looks.

    Args:
        begun: what is known when it begins; its ``sent`` is not masked yet.
        elapsed: a clock for durations, seconds.
        grown: told of every byte more (or fewer) that is kept.
    """

    begun: Exchange
    elapsed: Callable[[], float]
    grown: Callable[[Recording, int], None]
    status: int | None = None
    size: int = 0
    """Bytes that are kept."""
    _since: float = 0.0
    _request_headers: Headers = ()
    _response_headers: Headers = ()
    _head: list[tuple[float, bytes]] = field(default_factory=list)
    _tail: deque[tuple[float, bytes]] = field(default_factory=deque)
    _head_size: int = 0
    _tail_size: int = 0
    _cut: int = 0
    _error_output: str = ""
    _ended: float | None = None

    def __post_init__(self) -> None:
        self._since = self.elapsed()

    def asked(self, headers: Mapping[str, str], own: Iterable[str] = ()) -> None:
        """These headers went out; the values of those in ``own`` and of all that may be secret are not kept."""
        self._request_headers = hidden_headers(headers, own)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer is there."""
        self.status = status
        self._response_headers = hidden_headers(headers)

    def came(self, data: bytes) -> None:
        """Bytes of the answer came."""
        count = len(data)
        room = (LARGEST - len(self.begun.sent)) // 2
        if self._head_size + count <= room and not self._tail:
            self._head.append((self.elapsed(), data))
            self._head_size += count
            self._grow(count)
            return
        if count > room:
            self._cut += count - room
            data, count = data[-room:], room
        self._tail.append((self.elapsed(), data))
        self._tail_size += count
        while self._tail_size > room:
            _, dropped = self._tail.popleft()
            self._tail_size -= len(dropped)
            self._cut += len(dropped)
            count -= len(dropped)
        self._grow(count)

    def ended(self, *, status: int | None = None, error_output: str = "") -> None:
        """Nothing more comes."""
        self._ended = self.elapsed()
        self.status = status if status is not None else self.status
        if error_output:
            self._error_output = error_output
            self._grow(len(error_output))

    def _grow(self, count: int) -> None:
        self.size += count
        self.grown(self, count)

    def shown(self) -> Exchange:
        """What it has come to so far, without secrets. Takes a while for a large body."""
        begun = self.begun
        sent_head, sent_tail = redacted(begun.sent[: begun.sent_head]), redacted(begun.sent[begun.sent_head :])
        if begun.sent_cut:
            sent_head, sent_tail = sent_head[:-EDGE], sent_tail[EDGE:]
        head, tail = self._chunks(self._head), self._chunks(self._tail)
        if self._cut:
            head, tail = _shorter(head[::-1], -1)[::-1], _shorter(tail, 1)
        return replace(
            begun,
            url=redact(begun.url),
            argv=tuple(redact(word) for word in begun.argv),
            request_headers=masked_headers(self._request_headers),
            sent=sent_head + sent_tail,
            sent_head=len(sent_head),
            sent_cut=begun.sent_cut + (2 * EDGE if begun.sent_cut else 0),
            status=self.status,
            response_headers=masked_headers(self._response_headers),
            received=(*head, *tail),
            received_cut=self._cut + (2 * EDGE if self._cut else 0),
            received_head=len(head),
            error_output=redact(self._error_output),
            ended_ms=None if self._ended is None else self._offset_ms(self._ended),
        )

    def _offset_ms(self, at: float) -> int:
        return round((at - self._since) * 1000)

    def _chunks(self, pieces: Iterable[tuple[float, bytes]]) -> list[Chunk]:
        """The pieces without secrets, also without one that lies across the edge of two."""
        pieces = list(pieces)
        whole = b"".join(data for _, data in pieces)
        clean = redacted(whole)
        parts = [data for _, data in pieces]
        if clean != whole:
            parts = split_alike(whole, clean, [len(data) for data in parts])
        return [Chunk(at_ms=self._offset_ms(at), data=data) for (at, _), data in zip(pieces, parts, strict=True)]


def _shorter(chunks: Sequence[Chunk], side: int) -> list[Chunk]:
    """The pieces without the first ``EDGE`` bytes; ``side`` -1 = of each piece it is the end that comes first."""
    left, kept = EDGE, []
    for chunk in chunks:
        here = min(left, len(chunk.data))
        left -= here
        data = chunk.data[here:] if side > 0 else chunk.data[: len(chunk.data) - here]
        if data:
            kept.append(replace(chunk, data=data))
    return kept


def clipped(body: bytes, most: int = LARGEST // 2) -> tuple[bytes, int, int]:
    """A body without its middle if it is too long: ``(what stays, where the gap is, how many bytes are gone)``."""
    if len(body) <= most:
        return body, len(body), 0
    half = most // 2
    return body[:half] + body[-half:], half, len(body) - 2 * half


def hidden_headers(headers: Mapping[str, str], own: Iterable[str] = ()) -> Headers:
    """The headers without every value that may be a secret by its name, or that the user configured (``own``)."""
    hidden = {name.lower() for name in own}
    return tuple(
        (name, HIDDEN if name.lower() in hidden or any(word in name.lower() for word in _SECRET_NAMES) else value)
        for name, value in headers.items()
    )


def masked_headers(headers: Headers) -> Headers:
    """Headers fit to be shown: no known secret stands in what was not hidden either."""
    return tuple((name, redact(value)) for name, value in headers)


def redacted(data: bytes) -> bytes:
    """Bytes without the secrets that are known, whatever else they are."""
    return redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def split_alike(whole: bytes, clean: bytes, lengths: Sequence[int]) -> list[bytes]:
    """Cut ``clean``, which is ``whole`` with some stretches masked, where ``whole`` was cut.

    A mask goes to the piece its secret begins in. Where a place cannot be found, what follows goes to the last piece.
    """
    mask = MASK.encode()
    spans: list[tuple[int, int, int]] = []  # of both alike: where in whole, where in clean, how long
    at = place = 0
    for literal in clean.split(mask):
        found = whole.find(literal, at)
        if found < 0:
            break
        spans.append((found, place, len(literal)))
        at, place = found + len(literal), place + len(literal) + len(mask)
    starts = [start for start, _, _ in spans]
    pieces: list[bytes] = []
    end = position = 0
    for length in lengths:
        position += length
        begin = end
        number = bisect_right(starts, position) - 1
        if number >= 0:
            start, place, size = spans[number]
            inside = position - start
            end = max(begin, place + (inside if inside <= size else size + len(mask)))
        pieces.append(clean[begin:end])
    return [*pieces[:-1], pieces[-1] + clean[end:]] if pieces else []
