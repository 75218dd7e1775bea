"""A terminal's byte stream, cut into what a terminal reads: text, control characters, sequences, control strings.

After ECMA-48 and the state machine of Paul Williams (vt100.net/emu/dec_ansi_parser), for 7-bit introducers; bytes of
80 to 9f outside of UTF-8, and U+0080 to U+009F inside of it, are introducers to some terminals, so they are never text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["text", "control", "csi", "escape", "osc", "dcs", "apc", "pm", "sos", "cut"]
"""``cut`` = a sequence that is not over; the last token of a stream, or one that another character broke off."""

_STRINGS: dict[bytes, Kind] = {b"]": "osc", b"P": "dcs", b"_": "apc", b"^": "pm", b"X": "sos"}

_TEXT = re.compile(rb"[\x20-\x7e\x80-\xff]+")
_CSI = re.compile(rb"\x1b\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]")
_STRING = re.compile(rb"\x1b[\]P_^X](?:[^\x07\x1b\x18\x1a]|\x1b\x1b)*(?:\x07|\x1b\\)", re.DOTALL)
_ESCAPE = re.compile(rb"\x1b[\x20-\x2f]*[\x30-\x7e]")
_BEGUN = re.compile(
    rb"\x1b(?:\[[\x20-\x3f]*|[\]P_^X](?:[^\x07\x1b\x18\x1a]|\x1b\x1b)*\x1b?|[\x20-\x2f]*)?\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One piece; ``at`` = where it begins in the stream."""

    kind: Kind
    raw: bytes
    at: int


class Tokeniser:
    """Cuts a stream that comes in pieces; what is begun waits for its rest."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0

    def feed(self, data: bytes) -> Iterator[Token]:
        """Cut what is whole by now."""
        data, self._held = self._held + data, b""
        place = 0
        while place < len(data):
            if data[place] == 0x1B and _BEGUN.match(data, place):
                break
            token = self._next(data, place)
            place += len(token.raw)
            yield token
        self._held, self._at = data[place:], self._at + place

    def finish(self) -> Iterator[Token]:
        """What never ended."""
        if self._held:
            yield Token(kind="cut", raw=self._held, at=self._at)

    def _next(self, data: bytes, place: int) -> Token:
        at = self._at + place
        if found := _TEXT.match(data, place):
            return Token(kind="text", raw=found[0], at=at)
        if data[place] != 0x1B:
            return Token(kind="control", raw=data[place : place + 1], at=at)
        kind = _STRINGS.get(data[place + 1 : place + 2])
        if kind is not None:
            if found := _STRING.match(data, place):
                return Token(kind=kind, raw=found[0], at=at)
        elif found := _CSI.match(data, place):
            return Token(kind="csi", raw=found[0], at=at)
        elif data[place + 1 : place + 2] != b"[" and (found := _ESCAPE.match(data, place)):
            return Token(kind="escape", raw=found[0], at=at)
        return Token(kind="cut", raw=data[place : place + 2], at=at)


def tokens(data: bytes) -> Iterator[Token]:
    """Cut a whole stream."""
    tokeniser = Tokeniser()
    yield from tokeniser.feed(data)
    yield from tokeniser.finish()
