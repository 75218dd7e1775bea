"""Times as people and programs read them, and the spans that options take."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from llmdesk.core.errors import UsageError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def iso(at: float | None) -> str | None:
    """UTC epoch seconds as ISO 8601 in local time with its offset; ``None`` stays unknown."""
    return None if at is None else _local(at).isoformat(timespec="milliseconds")


def clock(at: float, now: float) -> str:
    """UTC epoch seconds for people: the time of day, with seconds when it is near and the date when it is not today."""
    moment = _local(at)
    if moment.date() != _local(now).date():
        return moment.strftime("%Y-%m-%d %H:%M")
    return moment.strftime("%H:%M:%S" if abs(at - now) < 120 else "%H:%M")


def stamp(at: float) -> str:
    """UTC epoch seconds as a local date and time for tables."""
    return _local(at).strftime("%Y-%m-%d %H:%M:%S")


def since(text: str, now: float) -> float:
    """Read ``7d``, ``90m`` or an ISO date as UTC epoch seconds.

    Raises:
        UsageError: it is neither.
    """
    if span := _SPAN.fullmatch(text.strip().lower()):
        return now - float(span[1]) * _UNITS[span[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"'{text}' is no span of time. Write 30m, 24h, 7d, 2w or a date such as 2026-01-31.") from None


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC).astimezone()
