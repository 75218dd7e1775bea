"""What Ollama's cloud tells of a plan: how much of each limit is used.

``GET /api/usage`` is not documented and has changed its shape before: ``limits`` held ``session`` and ``weekly``, since
September 2026 ``monthly``, each with a ``usage`` from 0 to 1, ``null`` where a plan has no such limit; no time of a
reset was told (ollama/ollama#12532, fgrehm/pi-ollama-cloud#42 and #53). So names are taken as they come, and what is
not understood is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from llmdesk.core.text import has_visible
from llmdesk.core.views import Quota
from llmdesk.providers.refusals import brief

_MOST = 8
"""Limits that are looked at."""

_NAME_CHARS = 24
_OVERDRAWN = 2.0
"""A share above 1 is a limit that was passed; above this it is no share."""

_USED = ("usage", "used", "fraction")
_RESETS = ("resets_at", "reset_at", "reset")


def quotas_of(told: object) -> tuple[Quota, ...]:
    """Read how much of each limit is used, in the order in which they are told; nothing of what is no such thing."""
    limits = told.get("limits") if isinstance(told, Mapping) else None
    if not isinstance(limits, Mapping):
        return ()
    found = (_quota(name, entry) for name, entry in islice(limits.items(), _MOST))
    return tuple(quota for quota in found if quota is not None)


def _quota(name: object, entry: object) -> Quota | None:
    facts = entry if isinstance(entry, Mapping) else {"usage": entry}
    used = next((share for key in _USED if (share := _share(facts.get(key))) is not None), None)
    shown = brief(name, _NAME_CHARS)
    if used is None or not has_visible(shown):
        return None
    return Quota(name=shown, used=used, resets_at=next((at for key in _RESETS if (at := _time(facts.get(key)))), None))


def _share(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _OVERDRAWN:
        return None
    return min(1.0, float(value))


def _time(value: object) -> float | None:
    """A moment as UTC epoch seconds, told so or as ISO 8601; ``None`` = it is none."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value) if 0 < value < _YEAR_9999 else None


_YEAR_9999 = 253_402_300_800.0
"""Where calendars end, UTC epoch seconds."""
