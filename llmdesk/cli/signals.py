"""Signals that end a program, turned into a request to stop; the second one stops at once (policy X5)."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Signals:
    """Listens while it is entered, inside a running event loop.

    Without an action a signal cancels the task that entered. A signal that was ignored at start (``nohup``) stays so.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.stop = asyncio.Event()
        self._action: Callable[[int], None] | None = None
        self._task: asyncio.Task[object] | None = None
        self._installed: list[signal.Signals] = []

    @property
    def exit_code(self) -> int:
        """128 + the first signal, as a shell reports it."""
        return 128 + (self.received or 0)

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                loop.add_signal_handler(number, self._arrived, number)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
                continue
            self._installed.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in self._installed:
            loop.remove_signal_handler(number)
        self._installed.clear()

    @contextmanager
    def handled_by(self, action: Callable[[int], None]) -> Iterator[None]:
        """Let the first signal call ``action`` with its number instead of cancelling the task."""
        self._action, before = action, self._action
        try:
            yield
        finally:
            self._action = before

    def forget(self) -> None:
        """Go on as if no signal had come: the program answered it by itself."""
        self.received = None
        self.stop.clear()

    def _arrived(self, number: signal.Signals) -> None:
        first = self.received is None
        if first:
            self.received = int(number)
        self.stop.set()
        if first and self._action is not None:
            self._action(int(number))
        elif self._task is not None:
            self._task.cancel()
