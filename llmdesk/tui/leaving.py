"""The hard ways out: signals, a lost terminal, a crash. Textual alone would die without restoring the terminal.

Policy X5: running requests paused, terminal restored, exit 128 + n within a second. Policy X11: no local variable of a
crash on the screen, because they hold prompts and keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

DEADLINE_S = 0.9
"""After this the process ends, whatever still blocks, seconds."""

_SIGNALS = ("SIGTERM", "SIGHUP")
"""By name: Windows has no SIGHUP."""


class Signals:
    """Turns SIGTERM and SIGHUP into one call of ``react`` with the exit code, and a deadline behind it."""

    def __init__(self, react: Callable[[int], Awaitable[None]]) -> None:
        self._react = react
        self._task: asyncio.Task[None] | None = None
        self._taken: list[int] = []
        self._deadline: threading.Timer | None = None

    def take(self) -> None:
        """Install the handlers; does nothing where the loop cannot (a thread, Windows)."""
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._received, int(number))
                self._taken.append(int(number))

    def give_back(self) -> None:
        """Remove the handlers, unless a signal is what ends the program."""
        if self._deadline is not None:
            return
        loop = asyncio.get_running_loop()
        for number in self._taken:
            loop.remove_signal_handler(number)
        self._taken = []

    def _received(self, number: int) -> None:
        if self._task is not None:
            return
        code = 128 + number
        self._deadline = threading.Timer(DEADLINE_S, _end_now, (code,))
        self._deadline.daemon = True
        self._deadline.start()
        self._task = asyncio.get_running_loop().create_task(_as_coroutine(self._react(code)))


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


FORGOTTEN = "\x1b[?1016l\x1b]22;\x07"
"""What Textual 8.2.8 sets and does not reset when it stops: the mouse in pixels, which it asks for where the terminal
reports its size in band, and the shape of the pointer (kitty, "Mouse pointer shapes": an empty name resets it)."""

LEAVE_SCREEN = (
    b"\x1b[?2026l\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"
    + FORGOTTEN.encode()
    + b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""What our driver writes when it stops, and the end of a frame that was cut off: synchronised painting, paste, size
reports, wrap, mouse, focus, pointer, keyboard, alternate screen, cursor, colours."""


def _end_now(code: int) -> None:
    """Restore the terminal by hand and end; only reached when leaving in order takes too long."""
    with contextlib.suppress(Exception):
        os.write(2, LEAVE_SCREEN)
    with contextlib.suppress(Exception):
        import termios

        settings = termios.tcgetattr(0)
        settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        settings[0] |= termios.ICRNL | termios.IXON
        termios.tcsetattr(0, termios.TCSANOW, settings)
    os._exit(code)


def crash_report(kind: str = "unknown error") -> str:
    """Log where the running exception came from (no values of variables), and say in one line where to look.

    Args:
        kind: the exception's class, where it has been caught before and runs no more.
    """
    import traceback

    error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
    name = type(error).__name__ if error is not None else kind
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    where = f" in {_place(places[-1])}" if places else ""
    log = f" Log: {path}" if error is not None and (path := _kept(error)) is not None else ""
    return f"llmdesk stopped on an error of its own ({name}{where}). Nothing sent is lost.{log}"


def _kept(error: BaseException) -> Path | None:
    """Write the crash to the log; returns where, ``None`` = it could not be written."""
    from llmdesk.core.errors import DeskError
    from llmdesk.logs import open_log, record_crash
    from llmdesk.paths import find_paths

    try:
        try:
            return record_crash(error)
        except DeskError:  # the desk has closed it already
            open_log(find_paths().log_file)
            return record_crash(error)
    except (DeskError, OSError):
        return None


def _place(frame: str) -> str:
    path, _, function = frame.rpartition(" ")
    return f"{os.path.basename(path)} {function}"  # noqa: PTH119 - a frame's place, not a file to open
