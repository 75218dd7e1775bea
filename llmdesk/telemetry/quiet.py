"""What the SDK has to say: into our log, each kind of line once, and never onto a screen or into a pipe.

It logs through `logging`, which prints to stderr where nobody has set it up. Only what it logs in the thread that sends
is meant: a program that uses llmdesk as a library may use the SDK itself, and its lines go where that program wants.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOGGER = "opentelemetry"
TALKATIVE = "opentelemetry.exporter."
"""Loggers whose values are worth keeping (a status, a reason); other lines may quote a header, and come without."""


class Told(Exception):
    """A failure in words of our own, which may be logged as they are."""


class _Switch(logging.Handler):
    """Takes every line of the SDK, and keeps those of the threads that asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, Callable[[logging.LogRecord], None]] = {}
        self._changing = threading.Lock()
        self._propagated = True

    def emit(self, record: logging.LogRecord) -> None:
        listener = self._listeners.get(threading.get_ident())
        if listener is not None:
            listener(record)
        elif self._propagated:
            logging.getLogger().callHandlers(record)

    def listen(self, listener: Callable[[logging.LogRecord], None]) -> None:
        """Give the lines of this thread to ``listener``."""
        logger = logging.getLogger(LOGGER)
        with self._changing:
            if not self._listeners:
                self._propagated, logger.propagate = logger.propagate, False
                logger.addHandler(self)
            self._listeners[threading.get_ident()] = listener

    def leave(self) -> None:
        """Let the lines of this thread go where they would."""
        logger = logging.getLogger(LOGGER)
        with self._changing:
            self._listeners.pop(threading.get_ident(), None)
            if not self._listeners:
                logger.removeHandler(self)
                logger.propagate = self._propagated


_switch = _Switch()


@contextmanager
def kept_in(log: Callable[..., None]) -> Iterator[None]:
    """Keep in what the SDK logs in this thread: ``log`` gets one event for each kind of line."""
    told: set[tuple[str, str]] = set()

    def listener(record: logging.LogRecord) -> None:
        kind = (record.name, str(record.msg))
        if kind not in told:
            told.add(kind)
            log("telemetry", library=record.name, message=_said(record))

    logging.getLogger("urllib3").setLevel(logging.WARNING)  # below that it logs addresses (policy S4)
    _switch.listen(listener)
    try:
        yield
    finally:
        _switch.leave()


def _said(record: logging.LogRecord) -> str:
    """A line without what it quotes: of exceptions the class, of everything else what the redactor leaves."""
    template = str(record.msg)
    if not record.name.startswith(TALKATIVE) or not isinstance(record.args, tuple):
        return one_line(redact(template))
    values = tuple(_harmless(value) for value in record.args)
    try:
        return one_line(redact(template % values))
    except (TypeError, ValueError):  # a number was expected where an exception stood
        return one_line(redact(template))


def _harmless(value: object) -> object:
    """Of a foreign exception the class: its text may quote an address or a header."""
    return type(value).__name__ if isinstance(value, BaseException) and not isinstance(value, Told) else value
