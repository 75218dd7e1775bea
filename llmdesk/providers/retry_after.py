"""Reading ``Retry-After`` (RFC 9110, section 10.2.3), by the table of docs/policy.md, N16."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from llmdesk.core.cooldown import usable_hint

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{0,15})?(?:[eE][+-]?[0-9]{1,3})?")


def hint_from(value: str | None, now: float) -> float | None:
    """Return how long a server asks to wait, in seconds, clamped to 1 s … 24 h; ``None`` = no usable hint.

    Args:
        value: the header; seconds (a fraction is taken too, servers send it) or an HTTP date.
        now: UTC epoch seconds, to measure a date against.
    """
    if value is None:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return usable_hint(float(text))
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return usable_hint(moment.timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
