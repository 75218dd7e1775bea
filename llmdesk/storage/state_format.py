"""The text of ``llm_state.json``: read with every damage in mind, written so that the oldest format can be read too.

::

    {"version": 1,
     "cloud_cooldown_until": <UTC epoch seconds, 0 = none>,
     "cooldowns": {"<provider>": {"reason": "rate", "message": "…", "duration_s": 600.0, "boot_id": "…",
                                  "set_wall": …, "until_wall": …, "until_boot": …}}}

Wall times are UTC epoch seconds, ``until_boot`` counts seconds since the boot that ``boot_id`` names. The top-level key
is all the oldest format had. Keys that are not known here are kept.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from llmdesk.core.cooldown import MAX_DURATION_S, Cooldown, remaining_s
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.cooldown import Instant

VERSION = 1
OLDEST_KEY = "cloud_cooldown_until"

MAX_ENTRIES = 10_000
"""Cooldowns of one file; every look at any of them walks through all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a file says: its whole document, the cooldowns in it, and one line for each thing that made no sense."""

    document: Mapping[str, object]
    cooldowns: Mapping[str, Cooldown]
    faults: tuple[str, ...] = ()


EMPTY = State(document={}, cooldowns={})


def decode(text: str, *, oldest: str, oldest_duration_s: float) -> State:
    """Read a state file.

    Args:
        text: its content.
        oldest: the provider the top-level key speaks of; the key counts where that provider has no entry of its own.
        oldest_duration_s: how long such a cooldown can have been, which the key does not say; seconds.

    Raises:
        ValueError: this is no JSON object at all, or one of an absurd size.
    """
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - damage of a file, not a caller's mistake
    faults: list[str] = []
    cooldowns: dict[str, Cooldown] = {}
    entries = document.get("cooldowns", {})
    if not isinstance(entries, dict):
        faults.append("'cooldowns' is no object")
        entries = {}
    if len(entries) > MAX_ENTRIES:
        raise ValueError("too many cooldowns")
    for provider, entry in entries.items():
        try:
            cooldowns[provider] = _cooldown(provider, entry)
        except ValueError as error:
            faults.append(f"the cooldown of {one_line(provider, 40)} has {error}")
    if oldest not in cooldowns and document.get(OLDEST_KEY) not in (None, 0):
        try:
            until = _number(document, OLDEST_KEY)
        except ValueError as error:
            faults.append(str(error))
        else:
            cooldowns[oldest] = _from_oldest(oldest, until, oldest_duration_s)
    return State(document=document, cooldowns=cooldowns, faults=tuple(faults))


def encode(document: Mapping[str, object], cooldowns: Mapping[str, Cooldown], now: Instant, *, oldest: str) -> bytes:
    """Write ``cooldowns`` into ``document``; whatever else it holds stays."""
    before = document.get("cooldowns")
    entries = before if isinstance(before, dict) else {}
    written = {}
    for provider, cooldown in cooldowns.items():
        entry = entries.get(provider)
        written[provider] = {**(entry if isinstance(entry, dict) else {}), **_fields(cooldown)}
    left = remaining_s(cooldowns[oldest], now) if oldest in cooldowns else 0.0
    version = document.get("version")
    whole = {
        **document,
        "version": version if isinstance(version, int) and version > VERSION else VERSION,
        OLDEST_KEY: round(now.wall + left, 3) if left else 0,
        "cooldowns": written,
    }
    return (json.dumps(whole, indent=1) + "\n").encode()


def _fields(cooldown: Cooldown) -> dict[str, object]:
    return {
        "reason": cooldown.reason,
        "message": cooldown.message,
        "duration_s": cooldown.duration_s,
        "set_wall": cooldown.set_wall,
        "until_wall": cooldown.until_wall,
        "boot_id": cooldown.boot_id,
        "until_boot": cooldown.until_boot,
    }


def _cooldown(provider: str, entry: object) -> Cooldown:
    if not isinstance(entry, dict):
        raise ValueError("no fields")  # noqa: TRY004 - damage of a file, not a caller's mistake
    duration_s = _number(entry, "duration_s")
    if not 0 < duration_s <= MAX_DURATION_S:
        raise ValueError("an impossible duration_s")
    until_wall = _number(entry, "until_wall")
    boot_id = entry.get("boot_id", "")
    return Cooldown(
        provider=provider,
        reason=_text(entry, "reason") or "rate",
        message=one_line(_text(entry, "message")),
        duration_s=duration_s,
        set_wall=_number(entry, "set_wall", until_wall - duration_s),
        until_wall=until_wall,
        boot_id=boot_id if isinstance(boot_id, str) else "",
        until_boot=_number(entry, "until_boot", 0.0),
    )


def _from_oldest(provider: str, until_wall: float, duration_s: float) -> Cooldown:
    return Cooldown(
        provider=provider,
        reason="rate",
        message="",
        duration_s=duration_s,
        set_wall=until_wall - duration_s,
        until_wall=until_wall,
        boot_id="",
        until_boot=0.0,
    )


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key, "")
    return value if isinstance(value, str) else ""


def _number(entry: Mapping[str, object], key: str, default: float | None = None) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"no number in {key}")  # noqa: TRY004 - damage of a file, not a caller's mistake
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"no finite number in {key}")
    return number
