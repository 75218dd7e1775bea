"""One standard stream as bytes: written at once, or as soon as there is room without holding up the event loop."""

from __future__ import annotations

import errno
import os
import select
import stat
from typing import TYPE_CHECKING, TextIO

from llmdesk.cli.spelling import encoded

if TYPE_CHECKING:
    import asyncio

CHUNK = 4096
"""A pipe that polls as writable takes this much at once (POSIX PIPE_BUF on Linux), bytes."""

EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell reports it."""


class SinkClosed(Exception):
    """Nobody takes what is written any more. ``exit_code`` is what the program ends with for that reason."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Sink:
    """A standard stream. Text is encoded as the stream says; what it cannot hold is spelled in ASCII (policy X7)."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = (stream.encoding if stream is not None else None) or "utf-8"
        self.failure: SinkClosed | None = None
        self.is_terminal = False
        self._fd: int | None = None
        if stream is None:
            return
        try:
            self._fd = stream.fileno()
            self.is_terminal = stream.isatty()
        except (OSError, ValueError):  # a stream in memory, or a closed one
            self._fd = None
        self._regular = self._fd is not None and stat.S_ISREG(os.fstat(self._fd).st_mode)

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, text: str) -> int:
        """Write ``text`` and return how many bytes it was; waits for room, which may hold up the caller.

        Raises:
            SinkClosed: the reader is gone, now or since an earlier write.
        """
        raw = self._encoded(text)
        view = memoryview(raw)
        while view:
            view = view[self._write_some(view) :]
        return len(raw)

    async def write_when_free(self, text: str, stop: asyncio.Event) -> int:
        """Write ``text`` in pieces that never block the event loop; gives up the rest once ``stop`` is set.

        Raises:
            SinkClosed: the reader is gone, now or since an earlier write.
        """
        raw = self._encoded(text)
        view = memoryview(raw)
        while view:
            if not self._has_room() and (stop.is_set() or not await self._room(stop)):
                break
            view = view[self._write_some(view[:CHUNK]) :]
        return len(raw) - len(view)

    def _encoded(self, text: str) -> bytes:
        if self.failure is not None:
            raise self.failure
        return encoded(text, self.encoding) if self._stream is not None else b""

    def _write_some(self, view: memoryview) -> int:
        try:
            if self._fd is None or os.name == "nt":  # a Windows console takes UTF-8 only through its own stream
                assert self._stream is not None
                self._stream.buffer.write(view)
                self._stream.buffer.flush()
                return len(view)
            return os.write(self._fd, view)
        except BlockingIOError:  # whoever shares this terminal made it non-blocking
            assert self._fd is not None
            select.select([], [self._fd], [])
            return 0
        except OSError as error:
            self._close(error)
            raise SinkClosed(str(self.failure), self.failure.exit_code if self.failure else 1) from error

    def _close(self, error: OSError) -> None:
        broken = error.errno == errno.EPIPE or (error.errno == errno.EIO and self.is_terminal)
        broken = broken or (error.errno == errno.EINVAL and os.name == "nt")
        code = EXIT_BROKEN_PIPE if broken else 1
        self.failure = SinkClosed(f"cannot write the output: {error.strerror or error}", code)
        if self._fd is None or os.name == "nt":
            return
        # The interpreter flushes the stream once more at exit; that must not fail loudly.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._fd)
        os.close(null)

    def _has_room(self) -> bool:
        if self._fd is None or os.name == "nt":
            return True
        return bool(select.select([], [self._fd], [], 0)[1])

    async def _room(self, stop: asyncio.Event) -> bool:
        import asyncio

        assert self._fd is not None
        loop = asyncio.get_running_loop()
        free = asyncio.Event()
        try:
            loop.add_writer(self._fd, free.set)
        except (NotImplementedError, PermissionError):  # a device that epoll does not take: it never blocks for long
            return True
        waits = [asyncio.ensure_future(event.wait()) for event in (free, stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_writer(self._fd)
            for wait in waits:
                wait.cancel()
        return free.is_set()

    # --- taking back --------------------------------------------------------------------------------------------

    def position(self) -> int | None:
        """Where the next byte goes when this is a regular file; ``None`` for anything that cannot be taken back."""
        if self._fd is None or not self._regular:
            return None
        return os.fstat(self._fd).st_size if self._appends() else os.lseek(self._fd, 0, os.SEEK_CUR)

    def take_back(self, start: int, written: int) -> bool:
        """Cut a regular file back to ``start``; refuses when anybody else wrote there as well."""
        if self._fd is None or not self._regular or self.failure is not None:
            return False
        if os.fstat(self._fd).st_size != start + written:
            return False
        os.ftruncate(self._fd, start)
        os.lseek(self._fd, start, os.SEEK_SET)
        return True

    def _appends(self) -> bool:
        try:
            import fcntl
        except ImportError:
            return False
        assert self._fd is not None
        return bool(fcntl.fcntl(self._fd, fcntl.F_GETFL) & os.O_APPEND)
