"""What a scripted server does with one request, as a value: see ``Play``.

A body is a sequence of steps: ``bytes`` are written (one chunk, one write), a number is a pause in seconds, a ``Mark``
ends the connection in its own way. A callable that returns such a sequence is asked again for each request, so that an
endless generator can be part of a play.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Mark(Enum):
    """An end other than the proper one."""

    RST = "rst"
    """A reset: the client sees ECONNRESET."""
    FIN = "fin"
    """A clean close, wherever the answer is."""
    HOLD = "hold"
    """Nothing more, until the client goes away or the server is closed."""


Step = bytes | float | int | Mark
Steps = Iterable[Step] | Callable[[], Iterable[Step]]


@dataclass(frozen=True, kw_only=True)
class Play:
    """One scripted answer.

    Args:
        status: HTTP status.
        headers: sent as they are; ``Content-Type`` defaults to JSON.
        body: steps of the body.
        framing: how the end of the body is told: ``chunked``, ``length`` (Content-Length), or ``close``.
        length: the Content-Length to declare where it shall not be the true one (framing ``length``).
        before: steps before the status line (a pause, or a mark).
        head_pause_s: seconds between single bytes of the status line and headers; ``None`` = all at once.
        raw: steps written instead of any HTTP answer.
        version: protocol version in the status line.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Steps = ()
    framing: Literal["chunked", "length", "close"] = "chunked"
    length: int | None = None
    before: Steps = ()
    head_pause_s: float | None = None
    raw: Steps | None = None
    version: str = "HTTP/1.1"


def steps_of(steps: Steps) -> Iterator[Step]:
    """Walk through steps, whichever form they have."""
    yield from (steps() if callable(steps) else steps)


# --- plays of any server ---------------------------------------------------------------------------------------------


def error(status: int, text: object = None, *, body: bytes | None = None, **headers: str) -> Play:
    """Answer ``{"error": text}`` with ``status``; ``body`` replaces the JSON, header names take ``_`` for ``-``."""
    raw = body if body is not None else json.dumps({"error": text}).encode()
    return Play(status=status, headers=_header_names(headers), body=(raw,), framing="length")


def page(status: int = 200, html: str = "<!doctype html><html><body>Sign in</body></html>", **headers: str) -> Play:
    """Answer a web page."""
    return Play(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8", **_header_names(headers)},
        body=(html.encode(),),
        framing="length",
    )


def plain(status: int, text: str, **headers: str) -> Play:
    """Answer plain text."""
    return Play(
        status=status,
        headers={"Content-Type": "text/plain; charset=utf-8", **_header_names(headers)},
        body=(text.encode(),),
        framing="length",
    )


def redirect(status: int, location: str) -> Play:
    """Point somewhere else."""
    return Play(status=status, headers={"Location": location}, framing="length")


def json_answer(value: object, status: int = 200) -> Play:
    """Answer one JSON value."""
    return Play(status=status, body=(json.dumps(value).encode(),), framing="length")


def no_answer() -> Play:
    """Take the request and say nothing at all."""
    return Play(raw=(Mark.HOLD,))


def reset() -> Play:
    """Reset the connection before the status line."""
    return Play(raw=(Mark.RST,))


def hang_up() -> Play:
    """Close the connection before the status line."""
    return Play(raw=(Mark.FIN,))


def banner(text: bytes = b"220 mail.example ESMTP ready\r\n") -> Play:
    """Speak something that is not HTTP."""
    return Play(raw=(text, Mark.FIN))


def huge_header(size: int = 200_000) -> Play:
    """Send one header of ``size`` bytes."""
    return Play(headers={"X-Padding": "x" * size}, body=(b"{}",), framing="length")


def gzip_bomb(unpacked: int, fill: bytes = b"\0", *, content_type: str = "application/x-ndjson") -> Play:
    """Send ``unpacked`` bytes of ``fill``, compressed, unasked."""
    return Play(
        headers={"Content-Encoding": "gzip", "Content-Type": content_type},
        body=lambda: (_packed(unpacked, fill),),
        framing="length",
    )


@functools.cache
def _packed(unpacked: int, fill: bytes) -> bytes:
    """Packed only when it is played, and in pieces: nobody who plays it ever has the whole in memory."""
    whole = io.BytesIO()
    piece = fill * min(unpacked, 65_536)
    with gzip.GzipFile(fileobj=whole, mode="wb") as packer:
        for start in range(0, unpacked, 65_536):
            packer.write(piece[: min(65_536, unpacked - start) * len(fill)])
    return whole.getvalue()


def drip(data: bytes, pause_s: float, size: int = 1) -> list[Step]:
    """Cut ``data`` into pieces of ``size`` bytes with a pause after each."""
    steps: list[Step] = []
    for start in range(0, len(data), size):
        steps += [data[start : start + size], pause_s]
    return steps


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
