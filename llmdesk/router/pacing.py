"""A provider's own-side rate limit: who is next, and when.

Nothing here waits. A request joins the line, and is told through ``wake`` when it should look again.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.policy import RateLimit

MINUTE_S = 60.0


class Pacer:
    """The line before one provider: first come, first served.

    At most ``parallel`` requests are under way, and at most ``requests_per_minute`` begin in any 60 s: a window that
    slides, not one that starts anew every minute. A fraction counts as the whole number below it; less than one a
    minute means one in as many seconds as that takes.

    Args:
        limit: what the user wrote.
        elapsed: a clock for durations, seconds.
    """

    def __init__(self, limit: RateLimit, elapsed: Callable[[], float]) -> None:
        rate = limit.requests_per_minute
        self.parallel = limit.parallel
        self._count = max(1, int(rate)) if rate is not None else None
        self._window_s = MINUTE_S if rate is None or rate >= 1 else MINUTE_S / rate
        self._elapsed = elapsed
        self._line: deque[Turn] = deque()
        self._begun: deque[float] = deque()
        self.running = 0

    def join(self, wake: Callable[[], None]) -> Turn:
        """Stand in line, last.

        Args:
            wake: called when it may have become this one's turn.
        """
        turn = Turn(self, wake)
        self._line.append(turn)
        return turn

    def wake_all(self) -> None:
        """Let everybody in the line look again: they have moved up, or something became known of the provider."""
        for turn in tuple(self._line):
            turn.wake()

    def begin(self, turn: Turn, *, at_once: bool) -> float | None:
        """Let ``turn`` go ahead if it may, and return when that was; ``None`` = it has to wait.

        ``at_once``: it may in any case, and is counted like any other.
        """
        if not at_once and (self._line[0] is not turn or self.full or self.wait_s(turn) > 0):
            return None
        now = self._elapsed()
        self._line.remove(turn)
        if self._count is not None:
            self._begun.append(now)
        self.running += 1
        self.wake_all()
        return now

    def end(self, turn: Turn, begun: float | None, *, sent: bool) -> None:
        """Give up a place in the line, or one among those under way; what was never sent does not count."""
        if begun is None:
            self._line.remove(turn)
        else:
            self.running -= 1
            if not sent and begun in self._begun:
                self._begun.remove(begun)
        self.wake_all()

    def ahead(self, turn: Turn) -> int:
        """How many stand before ``turn`` in the line."""
        return self._line.index(turn)

    @property
    def full(self) -> bool:
        """As many requests as allowed are under way; nobody knows when one of them ends."""
        return self.parallel is not None and self.running >= self.parallel

    def wait_s(self, turn: Turn | None = None) -> float:
        """Seconds until ``turn`` (``None`` = whoever came now) could begin by the rate alone; 0 = now."""
        if self._count is None:
            return 0.0
        now = self._elapsed()
        while self._begun and self._begun[0] + self._window_s <= now:
            self._begun.popleft()
        begun = len(self._begun)
        place = len(self._line) if turn is None else self._line.index(turn)
        # Whoever begins ``count`` places earlier has to be a whole window ahead, be it begun or still in the line.
        before, windows = begun + place - self._count, 0
        while before >= begun:
            before, windows = before - self._count, windows + 1
        first = self._begun[before] + self._window_s - now if before >= 0 else 0.0
        return first + windows * self._window_s


class Turn:
    """One request's place: in the line, then among those under way."""

    def __init__(self, pacer: Pacer, wake: Callable[[], None]) -> None:
        self.wake = wake
        self._pacer = pacer
        self._begun: float | None = None
        self._ended = False

    def begin(self, *, at_once: bool = False) -> bool:
        """Go ahead if it is this one's turn; true = the request may be sent now."""
        self._begun = self._pacer.begin(self, at_once=at_once)
        return self._begun is not None

    @property
    def wait_s(self) -> float:
        """Seconds until it could begin by the rate alone; 0 = now, or as soon as a request under way has ended."""
        return self._pacer.wait_s(self)

    @property
    def ahead(self) -> int:
        """How many stand before it in the line."""
        return self._pacer.ahead(self)

    def end(self, *, sent: bool = True) -> None:
        """Make room: the request has ended (``sent`` false = it never went out), or no longer waits."""
        if not self._ended:
            self._ended = True
            self._pacer.end(self, self._begun, sent=sent)
