"""How long an OpenAI-compatible endpoint asks to wait: from its headers, and from its words.

Sources: openai-python, ``_base_client.py`` (``retry-after-ms`` before ``retry-after``); developers.openai.com, rate
limits (``x-ratelimit-remaining-*`` and ``x-ratelimit-reset-*``, with values such as ``1s`` and ``6m0s``);
console.groq.com/docs/rate-limits (the same, and ``retry-after`` on 429 only).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.cooldown import usable_hint
from llmdesk.providers.retry_after import hint_from

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(
    r"\s?(\d{1,12}(?:\.\d{1,9})?)\s?(ms|milliseconds?|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"(?:try again|retry(?:ing)?|wait)(?: again)?(?: (?:in|after|for|at least|about))?(?=[ ]?\d)", re.IGNORECASE
)
_LIMITS = ("requests", "tokens")


def duration_s(text: str) -> float | None:
    """Read a duration at the beginning of ``text``: ``6m0s``, ``120ms``, ``1h2m3.5s``, ``52220 seconds``."""
    total, at = 0.0, 0
    while (part := _PART.match(text, at)) is not None:
        total += float(part[1]) * _UNITS[_unit(part[2].lower())]
        at = part.end()
    return total if at else None


def _unit(name: str) -> str:
    return "ms" if name in ("ms", "millisecond", "milliseconds") else name[0]


def asked_s(text: str) -> float | None:
    """How long a message asks to wait: ``Please try again in 20s``, ``Please wait 52220 seconds before retrying``."""
    for asked in _ASKED.finditer(text[:4_000]):
        if (told := duration_s(text[asked.end() : asked.end() + 80])) is not None:
            return usable_hint(told)
    return None


def wait_hint(
    status: int | None, headers: Mapping[str, str], text: str, now: float, *, reset_ms: float | None = None
) -> float | None:
    """How long to wait, seconds; ``None`` = nothing usable is told.

    What a server says about this refusal goes before what it says about its limits in general; those count for a 429
    only, and of them the one that is used up (their *reset* is the time until it is whole again, which may be long).

    Args:
        status: the HTTP status.
        headers: of the reply, names in any case.
        text: what the refusal says.
        now: UTC epoch seconds, to measure a date against.
        reset_ms: when the limit begins anew, epoch milliseconds, where the body tells it.
    """
    told = _milliseconds(headers.get("retry-after-ms"))
    told = told if told is not None else hint_from(headers.get("retry-after"), now)
    told = told if told is not None else asked_s(text)
    if told is None and reset_ms is not None:
        told = usable_hint(reset_ms / 1000 - now)
    if told is None and status == 429:
        told = _reset(headers)
    return told


def _milliseconds(value: str | None) -> float | None:
    text = (value or "").strip()
    return usable_hint(float(text) / 1000) if re.fullmatch(r"\d{1,12}(?:\.\d{1,9})?", text) else None


def _reset(headers: Mapping[str, str]) -> float | None:
    used_up = [name for name in _LIMITS if headers.get(f"x-ratelimit-remaining-{name}", "").strip() == "0"]
    told = (duration_s(headers.get(f"x-ratelimit-reset-{name}", "")) for name in used_up or _LIMITS)
    usable = [hint for each in told if (hint := usable_hint(each)) is not None]
    if not usable:
        return None
    return max(usable) if used_up else min(usable)
