"""Server-sent events: exact framing of bytes into events, whatever the segments they come in.

Pure: bytes in, events out. The format is that of the HTML standard, 9.2.6 (event-stream-parsing): fields ``event`` and
``data``, comments, lines that end in LF, CRLF or CR. Beyond it, an event at the very end counts although no blank
line follows: servers leave it out, and its JSON shows whether it is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmdesk.providers.ndjson import FrameBroken

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its ``event`` field (empty = none) and its ``data`` lines, joined."""

    name: str
    data: bytes


class EventSplitter:
    """Cuts a stream of bytes into events whose data is at most ``cap`` bytes.

    Args:
        cap: bytes of one line, and of the data of one event.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._line = bytearray()
        self._data: bytearray | None = None
        self._name = ""
        self._after_return = False
        self._first = True

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """Yield the events that ``data`` completes.

        Raises:
            FrameBroken: a line or an event is larger than the cap.
        """
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]  # the other half of a CRLF
            self._after_return = False
        if data:
            self._after_return = data.endswith(b"\r")
        plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        while b"\n\n\n" in plain:
            plain = plain.replace(b"\n\n\n", b"\n\n")  # blank lines by the megabyte must cost nothing
        *lines, rest = plain.split(b"\n")
        for line in lines:
            self._hold(line)
            whole, self._line = bytes(self._line), bytearray()
            if (event := self._take(whole)) is not None:
                yield event
        self._hold(rest)

    def finish(self) -> Iterator[ServerEvent]:
        """Yield the event at the end of the stream."""
        for line in (bytes(self._line), b""):
            if (event := self._take(line)) is not None:
                yield event
        self._line = bytearray()

    def _hold(self, piece: bytes) -> None:
        self._line += piece
        if len(self._line) > self._cap:
            raise FrameBroken("a line is longer than allowed")

    def _take(self, line: bytes) -> ServerEvent | None:
        if self._first:
            self._first = False
            line = line.removeprefix(_MARK)
        if not line:
            event = None if self._data is None else ServerEvent(self._name, bytes(self._data))
            self._data, self._name = None, ""
            return event
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            if self._data is None:
                self._data = bytearray()
            else:
                self._data += b"\n"
            self._data += value
            if len(self._data) > self._cap:
                raise FrameBroken("an event is larger than allowed")
        elif field == b"event":
            self._name = value[:100].decode("utf-8", "replace")
        return None
