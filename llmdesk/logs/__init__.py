"""The structured log: JSON lines in a private, rotated file; ids and numbers, never a prompt, an answer or a key.

Nothing is opened before the first event. Events are written by a thread of their own, so that no slow disk holds a
request up, and a log that cannot be written breaks nothing.
"""

from __future__ import annotations

import atexit
import os
import threading
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.logs.lines import log_line
from llmdesk.logs.rotation import RotatedFile

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from pathlib import Path

    from llmdesk.logs.lines import Level

CLOSE_TIMEOUT_S = 2.0
"""How long leaving waits for a disk that hangs, seconds."""

MAX_WAITING = 10_000
"""So many events wait for a disk that hangs; further ones are not told of."""

_QUIET = ("httpx", "httpcore")
"""Libraries that log whole URLs below WARNING (policy S4)."""


class Log:
    """Takes events; whether and where they are written is decided by ``open_log``."""

    def __init__(self) -> None:
        self._writer: _Writer | None = None
        self._capture: logging.Handler | None = None

    def open(self, path: Path, *, capture: bool) -> None:
        """Send events to ``path`` from now on; see ``open_log``."""
        import logging

        self.close()
        self._writer = _Writer(path)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        if capture:
            self._capture = _make_capture(self)
            logging.getLogger().addHandler(self._capture)
        atexit.register(self.close)

    def close(self) -> None:
        """Write what is left; events go nowhere from now on."""
        if (capture := self._capture) is not None:
            import logging

            logging.getLogger().removeHandler(capture)
            self._capture = None
        writer, self._writer = self._writer, None
        if writer is not None:
            atexit.unregister(self.close)
            writer.close()

    def crash(self, error: BaseException) -> Path:
        """Write ``error`` and wait for it; see ``record_crash``."""
        writer = self._writer
        if writer is None:
            raise StorageError("No log is open.")
        receipt = _Receipt()
        writer.put("error", "crash", {"error": type(error).__name__, "exc_info": error}, receipt)
        if not (receipt.ready.wait(CLOSE_TIMEOUT_S) and receipt.written):
            raise StorageError(f"{writer.path}: the log cannot be written.")
        return writer.path

    def debug(self, event: str, **fields: object) -> None:
        """Note something that helps to find a fault."""
        self._put("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Note what happened: ids and numbers."""
        self._put("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Note what should not have happened and was dealt with."""
        self._put("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Note a fault; ``exc_info=error`` adds its traceback, without locals."""
        self._put("error", event, fields)

    def _put(self, level: Level, event: str, fields: Mapping[str, object]) -> None:
        writer = self._writer  # another thread may close the log meanwhile
        if writer is not None:
            writer.put(level, event, fields)


_log = Log()


def get_log() -> Log:
    """The process's log. It may be kept before ``open_log`` and after ``close_log``; events then go nowhere."""
    return _log


def open_log(path: Path, *, capture: bool = False) -> None:
    """Send events to ``path`` from now on; the file is opened with the first of them.

    Args:
        path: the file; its folder is made if need be, for this user alone.
        capture: send what libraries log (WARNING and up) here too, instead of to stderr; for programs, not libraries.
    """
    _log.open(path, capture=capture)


def close_log() -> None:
    """Write what is left and close the file. Closing twice is fine; the end of the program does it too."""
    _log.close()


def record_crash(error: BaseException) -> Path:
    """Write ``error`` with its traceback (no locals, redacted) and wait for the disk; returns where.

    Raises:
        StorageError: there is no log, or it could not be written.
    """
    return _log.crash(error)


def _make_capture(log: Log) -> logging.Handler:
    import logging

    class Capture(logging.Handler):
        """Passes on what other libraries log."""

        def emit(self, record: logging.LogRecord) -> None:
            try:
                log.warning("library", library=record.name, level_name=record.levelname, message=record.getMessage())
            except Exception:  # noqa: BLE001 - as logging itself does: a record that cannot be written is reported
                self.handleError(record)

    return Capture(level=logging.WARNING)


# --- the thread that writes -----------------------------------------------------------------------------------------


class _Receipt:
    """Tells whoever waits whether an event was written."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.written = False


_Item = tuple["Level", str, dict[str, object], _Receipt | None]


class _Writer:
    """Owns the file and the thread; both begin with the first event."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, level: Level, event: str, fields: Mapping[str, object], receipt: _Receipt | None = None) -> None:
        """Hand an event over; ``receipt`` is told of its end, and such a one always waits its turn."""
        if receipt is None and self._queue.qsize() >= MAX_WAITING:
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._queue.put((level, event, {"at": at, "pid": os.getpid(), **fields}, receipt))
        with self._starting:
            if self._thread is None:
                # A daemon, because the end of the program must not wait for a disk that hangs.
                self._thread = threading.Thread(target=self._run, name="llmdesk-log", daemon=True)
                self._thread.start()

    def close(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        file = RotatedFile(self.path)
        while (item := self._queue.get()) is not None:
            level, event, fields, receipt = item
            try:
                file.write(log_line(level, event, fields))
                if receipt is not None:
                    receipt.written = True
            except Exception:  # noqa: BLE001 - the thread's outermost frame: a log that fails breaks nothing
                file.close()
            if receipt is not None:
                receipt.ready.set()
        file.close()
