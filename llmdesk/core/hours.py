"""Hours as a user's calendar has them: the hours of a day are counted from its beginning.

So no hour straddles two days, whatever the offset of a place is (India's is 5:30), and a day of 23 or 25 hours has as
many; where a clock is set by half an hour (Lord Howe), the last one of that day is a short one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.periods import Calendar

HOUR_S = 3600
QUARTER_S = 900
"""Every offset in use is a whole number of these, so that no day and no hour begins within one."""


def hour_of(calendar: Calendar, at: float) -> int:
    """The beginning of the local hour an instant lies in; both are UTC epoch seconds."""
    return _hour_of_quarter(calendar, int(at // QUARTER_S))


@lru_cache(maxsize=4096)
def _hour_of_quarter(calendar: Calendar, quarter: int) -> int:
    at = quarter * QUARTER_S
    try:
        day = int(calendar.begins_at("day", at))
    except (ValueError, OverflowError, OSError):  # beyond what any calendar knows
        day = 0
    return day + (at - day) // HOUR_S * HOUR_S


def end_of_hour(calendar: Calendar, hour: int) -> int:
    """The end of the local hour that begins at ``hour``."""
    return min(hour + HOUR_S, int(calendar.ends_at("day", hour)))
