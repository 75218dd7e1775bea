"""Times ahead, as coarse as they are looked at: nothing here changes more often than once a minute."""

from __future__ import annotations

import time

_DAY_S = 86_400


def coarse(left_s: float) -> str:
    """A time left as ``3 d 4 h``, ``9 h 12 min`` or ``12 min``; a begun minute counts."""
    minutes = max(0, -int(-left_s // 60))
    if minutes <= 1:
        return "a minute"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h")) if days else ((hours, "h"), (minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def moment(at: float, now: float) -> str:
    """A moment ahead (UTC epoch seconds) as a user's clock or calendar shows it: ``14:32``, ``1 Dec``, ``1 Dec 14:32``.

    Midnight within the next day is ``00:00``; two days ahead and more, the date says enough.
    """
    there, here = time.localtime(at), time.localtime(now)
    clock = f"{there.tm_hour:02}:{there.tm_min:02}"
    date = f"{there.tm_mday} {time.strftime('%b', there)}"
    if (there.tm_year, there.tm_yday) == (here.tm_year, here.tm_yday) or (clock == "00:00" and at - now < _DAY_S):
        return clock
    return date if clock == "00:00" or at - now >= 2 * _DAY_S else f"{date} {clock}"
