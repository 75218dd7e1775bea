"""Standard input line by line, without holding up the event loop and without a thread that outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, TextIO

from llmdesk.cli.reading import as_text

if TYPE_CHECKING:
    from llmdesk.cli.signals import Signals

PIECE = 65_536


class LineReader:
    """Reads lines of UTF-8, or of the stream's own encoding where they are none."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._encoding = (stream.encoding if stream is not None else None) or "utf-8"
        self._buffer = b""
        self._ended = stream is None or stream.closed
        self._fd: int | None = None
        with contextlib.suppress(OSError, ValueError):  # a stream in memory has none
            self._fd = stream.fileno() if stream is not None else None

    async def next_line(self, signals: Signals) -> str | None:
        """Return the next line without its end; ``None`` at the end of the input or when a signal came."""
        while b"\n" not in self._buffer and not self._ended:
            if not await self._ready(signals):
                return None
            raw = self._read()
            self._ended = not raw
            self._buffer += raw
        if not self._buffer:
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return as_text(line, self._encoding).removesuffix("\r")

    def _read(self) -> bytes:
        assert self._stream is not None
        try:
            return self._stream.buffer.read(PIECE) if self._fd is None else os.read(self._fd, PIECE)
        except OSError:  # the terminal is gone
            return b""

    async def _ready(self, signals: Signals) -> bool:
        """Wait until a read would not block; false when a signal came first."""
        if self._fd is None:
            return not signals.stop.is_set()
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(self._fd, readable.set)
        except (NotImplementedError, PermissionError):  # a regular file never blocks; Windows has no other way
            return not signals.stop.is_set()
        waits = [asyncio.ensure_future(event.wait()) for event in (readable, signals.stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(self._fd)
            for wait in waits:
                wait.cancel()
        return not signals.stop.is_set()
