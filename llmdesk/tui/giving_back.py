"""The terminal, given back and taken again: at the end, for an editor, and when the program is stopped and goes on.

Textual 8.2.8 (``drivers/linux_driver.py``) gives it back inside the handler of SIGTSTP and takes it inside that of
SIGCONT, wherever the program is at that moment. A stop that comes while it is still taking the terminal, or writing to
it, then waits for itself forever, ends in an exception, or leaves the desk deaf to the keyboard. Here the handlers only
take note, and the work is done between two steps of the event loop.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from llmdesk.tui.leaving import FORGOTTEN

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.drivers.linux_driver import LinuxDriver
else:
    LinuxDriver = object  # Windows has none, and the class is put before the one that Textual chose

_STEP_S = 0.01
"""Between two looks whether the program goes on, seconds."""

_LOOKS = 100
"""How often it is looked. Where nothing stops the program (the first process of a container), it goes on after that."""


class Returned(LinuxDriver):
    """What is put before Textual's driver: it resets what that one forgets, and may be stopped at any time."""

    _shown = False
    """The screen is ours, or is just being taken or given back."""
    _away = False
    """It was given back for a stop, and has to be taken again."""
    _stop_due = False
    _in_stop = False
    _woken = False
    """A signal came that may have let the program go on."""

    def write(self, data: str) -> None:
        """Write to the screen while it is ours: the queue of a terminal given back is read by nobody."""
        if self._shown or self._writer_thread is None:
            super().write(data)

    def start_application_mode(self) -> None:
        """Take the screen; in the background that stops the program, so it is tried again once it goes on."""
        self._shown = True
        before = self._writer_thread
        while self._writer_thread is before:
            self._woken = False
            super().start_application_mode()  # type: ignore[no-untyped-call]
            if self._writer_thread is before and not self._woken:
                self._shown = False
                return

    def stop_application_mode(self) -> None:
        """Give the screen back; first the keyboard, as an answer of the terminal that is still read sets modes."""
        self.disable_input()
        self.write(FORGOTTEN)
        super().stop_application_mode()
        self._shown = self._away = False

    def _sigtstp_application(self, *_signal: object) -> None:
        self._woken = True
        if not (self._shown and self._auto_restart):  # an editor has the terminal, or nobody
            os.kill(os.getpid(), signal.SIGSTOP)
        elif not self._stop_due:
            self._stop_due = True
            self._loop.call_soon_threadsafe(self._stop)

    def _sigcont_application(self, *_signal: object) -> None:
        self._woken = True
        if (self._shown or self._away) and self._auto_restart and not self._in_stop:
            self._loop.call_soon_threadsafe(self._go_on)

    def _stop(self) -> None:
        """Stop with the terminal given back, and take it again when the program goes on."""
        if self._shown:
            self.suspend_application_mode()
            self._away = True
        self._stop_due, self._woken, self._in_stop = False, False, True
        os.kill(os.getpid(), signal.SIGSTOP)
        for _ in range(_LOOKS):  # it may take a moment to be stopped
            if self._woken:
                break
            time.sleep(_STEP_S)
        self._in_stop = False
        if self._away:
            self._take_again()

    def _go_on(self) -> None:
        """Go on after a stop that could not be handled (SIGSTOP), after which the terminal may be in any state."""
        if self._shown:
            self.suspend_application_mode()
        elif not self._away:
            return
        self._take_again()

    def _take_again(self) -> None:
        self._must_signal_resume = True
        self.resume_application_mode()
        self._away = not self._shown


def thorough(driver: type[Driver]) -> type[Driver]:
    """A driver of a terminal with this before it, whenever the screen is given back; other drivers as they are."""
    try:
        from textual.drivers import linux_driver
    except ImportError:
        return driver
    if not issubclass(driver, linux_driver.LinuxDriver):
        return driver
    return type("Thorough", (Returned, driver), {})
