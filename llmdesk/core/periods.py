"""Days and months as a user's calendar has them, whatever its clocks do at midnight.

A period is named by its local date (``2026-11-21``) or month (``2026-11``), and that name is stored with whatever is
booked to it. Its ends are found by asking the calendar, never by adding 24 hours: there are days of 23 and 25 hours,
days that begin at 01:00, and days that never were. No place on earth has gone back to a date that it had left since
November 2010 (tz database 2026), so that a date is taken to be one stretch of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

Span = Literal["day", "month"]

_LONGEST_S = {"day": 4 * 86_400, "month": 35 * 86_400}
"""No period is longer, seconds; a day that is left out makes its neighbour's search longer, never wrong."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one place; ``local`` gives the local date of an instant (UTC epoch seconds)."""

    local: Callable[[float], date]

    def day(self, at: float) -> str:
        """The local date of an instant, ``2026-11-21``."""
        return self.local(at).isoformat()

    def month(self, at: float) -> str:
        """The local month of an instant, ``2026-11``."""
        return self.day(at)[:7]

    def period(self, span: Span, at: float) -> str:
        """The name of the day or month an instant lies in."""
        return self.day(at) if span == "day" else self.month(at)

    def ends_at(self, span: Span, at: float) -> float:
        """The first instant after the day or month that ``at`` lies in, UTC epoch seconds, to the second."""
        name = self.period(span, at)
        return self._first(int(at), int(at) + _LONGEST_S[span], lambda when: self.period(span, when) > name)

    def begins_at(self, span: Span, at: float) -> float:
        """The first instant of the day or month that ``at`` lies in, UTC epoch seconds, to the second."""
        name = self.period(span, at)
        return self._first(int(at) - _LONGEST_S[span], int(at), lambda when: self.period(span, when) >= name)

    @staticmethod
    def _first(low: int, high: int, reached: Callable[[float], bool]) -> float:
        """The first whole second in (low, high] at which ``reached`` holds, which it does at ``high``."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return float(high)
