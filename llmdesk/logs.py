"""The structured log: JSON lines in a private, rotated file; ids and numbers, never a prompt, an answer or a key.

Nothing is opened before the first event. Events are written by a thread of their own, so that no slow disk holds a
request up, and a log that cannot be written breaks nothing.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from llmdesk.core.errors import DeskError, StorageError
from llmdesk.core.text import MASK, redact, storable

if TYPE_CHECKING:
    import logging
    from pathlib import Path

Level = Literal["debug", "info", "warning", "error"]

MAX_BYTES = 5 * 1024 * 1024
"""Size at which the file is set aside, bytes."""

KEPT = 3
"""How many files that were set aside are kept: ``llmdesk.log.1`` is the newest."""

CLOSE_TIMEOUT_S = 2.0
"""How long leaving waits for a disk that hangs, seconds."""

VALUE_LIMIT = 2_000
TRACEBACK_LIMIT = 8_000

_QUIET = ("httpx", "httpcore")
"""Libraries that log whole URLs below WARNING (policy S4)."""

_SECRET = re.compile(
    r"(?i)(?:^|[^a-z])(?:api_?keys?|keys?|tokens?|secrets?|passw(?:or)?ds?|passphrase|authorization|cookies?|credentials?"
    r"|signatures?)(?:$|[^a-z])"
)
_TEXT = frozenset({
    "answer", "body", "content", "discarded_text", "messages", "payload", "prompt", "reasoning", "system", "text",
    "thinking", "title",
})  # fmt: skip


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
        if self._writer is None:
            raise StorageError("No log is open.")
        receipt = _Receipt()
        self._writer.put("error", "crash", {"error": type(error).__name__, "exc_info": error}, receipt)
        if not (receipt.ready.wait(CLOSE_TIMEOUT_S) and receipt.written):
            raise StorageError(f"{self._writer.path}: the log cannot be written.")
        return self._writer.path

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
        if self._writer is not None:
            self._writer.put(level, event, fields)


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


_Item = tuple[Level, str, dict[str, object], _Receipt | None]


class _Writer:
    """Owns the file and the thread; both begin with the first event."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, level: Level, event: str, fields: Mapping[str, object], receipt: _Receipt | None = None) -> None:
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
        file = _RotatedFile(self.path)
        while (item := self._queue.get()) is not None:
            level, event, fields, receipt = item
            try:
                file.write(_line(level, event, fields))
                if receipt is not None:
                    receipt.written = True
            except Exception:  # noqa: BLE001 - the thread's outermost frame: a log that fails breaks nothing
                file.close()
            if receipt is not None:
                receipt.ready.set()
        file.close()


def _line(level: Level, event: str, fields: Mapping[str, object]) -> str:
    """One event as a line of JSON; secrets are taken out last, so that nothing is added after it."""
    told = {**fields, "event": event, "level": level}
    error = told.pop("exc_info", None)
    if isinstance(error, BaseException):
        told["exception"] = _traced(error)
    return json.dumps({name: _clean(name, value) for name, value in told.items()}) + "\n"


_MOST_CAUSES = 5
"""So many exceptions that led to one are told."""

_TELLING = (OSError, ImportError, NameError, AttributeError, TypeError, DeskError)
"""Exceptions whose words speak of files, names and settings; those of others may quote what they were handed."""


def _traced(error: BaseException) -> str:
    """Where an exception went and what it was, without locals and quotations."""
    import traceback

    lines: list[str] = []
    chain: BaseException | None = error
    while chain is not None and len(lines) < _MOST_CAUSES:
        frames = "".join(traceback.format_tb(chain.__traceback__))
        words = f": {chain}" if isinstance(chain, _TELLING) else ""
        lines.append(f"{frames}{type(chain).__qualname__}{words}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    return "\nbefore that:\n".join(lines)


def _clean(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value  # a number is no secret, whatever it is called (prompt_token_count)
    if _SECRET.search(name):
        return MASK
    if name in _TEXT:
        return f"[{len(value)} characters]" if isinstance(value, str) else "[left out]"
    return _redacted(name, value)


def _redacted(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, each) for each in value]
    # The end of a traceback says what happened, the beginning of everything else.
    text = storable(str(value))
    return redact(text[-TRACEBACK_LIMIT:] if name == "exception" else text[:VALUE_LIMIT])


class _RotatedFile:
    """A file several instances append whole lines to; when it is large, one of them sets it aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, text: str) -> None:
        """Append ``text`` in one piece."""
        line = text.encode()
        descriptor = self._current()
        if os.fstat(descriptor).st_size + len(line) > MAX_BYTES:
            self._set_aside()
            descriptor = self._current()
        if os.write(descriptor, line) != len(line):
            raise OSError("the disk is full")

    def close(self) -> None:
        """Close the file, if it is open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _current(self) -> int:
        """The open file that bears the name now: another instance may have set it aside, or a user deleted it."""
        if self._descriptor is not None:
            try:
                if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                    return self._descriptor
            except FileNotFoundError:
                pass
            self.close()
        if not self._path.parent.exists():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if os.fstat(self._descriptor).st_mode & 0o077 and hasattr(os, "fchmod"):
            os.fchmod(self._descriptor, 0o600)
        return self._descriptor

    def _set_aside(self) -> None:
        from filelock import FileLock

        self.close()
        with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=CLOSE_TIMEOUT_S / 2, mode=0o600):
            if self._path.stat().st_size < MAX_BYTES // 2:
                return  # another instance was faster
            names = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, KEPT + 1))]
            for newer, older in reversed(list(pairwise(names))):
                with suppress(FileNotFoundError):
                    newer.replace(older)
