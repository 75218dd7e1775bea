"""Cooldown deadlines: they only move later, and survive clock jumps and reboots. Time comes in as an argument."""

from __future__ import annotations

import math
from dataclasses import replace

from llmdesk.core.values import dataclass

MAX_HINT_S = 86_400.0
"""The longest hint a server is believed (policy N16), seconds."""

MAX_DURATION_S = 31 * 86_400.0
"""The longest cooldown there is, seconds: a quota that begins anew each month. A longer one on disk is damage."""

CLOCK_NOISE_S = 1e-3
"""How far a remainder may exceed its duration by rounding alone, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """Now, on two clocks: wall (UTC epoch seconds) and since boot, suspend included (seconds), with the boot's id.

    ``boot_id`` is empty where the system has none; then only the wall clock counts.
    """

    wall: float
    boot: float
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldown:
    """A time until which a provider is not called. ``reason`` is ``rate`` or ``quota``; ``message`` one line."""

    provider: str
    reason: str
    message: str
    duration_s: float
    set_wall: float
    until_wall: float
    boot_id: str
    until_boot: float


def start(provider: str, reason: str, message: str, duration_s: float, now: Instant) -> Cooldown:
    """Begin a cooldown of ``duration_s`` seconds at ``now``."""
    return Cooldown(
        provider=provider,
        reason=reason,
        message=message,
        duration_s=duration_s,
        set_wall=now.wall,
        until_wall=now.wall + duration_s,
        boot_id=now.boot_id,
        until_boot=now.boot + duration_s,
    )


def remaining_s(cooldown: Cooldown, now: Instant) -> float:
    """How long the provider still rests, in seconds; 0 when it may be called.

    In the same boot the boot clock decides, so that a jump of the wall clock changes nothing. After a reboot the wall
    clock decides. A remainder is never longer than the cooldown itself, whatever the clocks say (policy K5).
    """
    return min(max(_raw_s(cooldown, now), 0.0), cooldown.duration_s)


def _raw_s(cooldown: Cooldown, now: Instant) -> float:
    if cooldown.boot_id and cooldown.boot_id == now.boot_id:
        left = cooldown.until_boot - now.boot
    else:
        left = cooldown.until_wall - now.wall
    return left if math.isfinite(left) else 0.0


def settled(cooldown: Cooldown, now: Instant) -> Cooldown:
    """The cooldown as it is to be kept from ``now`` on; the same object when nothing has to change.

    Begun anew, once, if the clock that counts lies before its beginning: a wall clock set back where no boot clock
    helps (policy K1), or a damaged deadline (policy K5). Moved to the present boot's clock after a reboot.
    """
    left = _raw_s(cooldown, now)
    if left > cooldown.duration_s + CLOCK_NOISE_S:
        return start(cooldown.provider, cooldown.reason, cooldown.message, cooldown.duration_s, now)
    if now.boot_id and cooldown.boot_id != now.boot_id:
        return replace(cooldown, boot_id=now.boot_id, until_boot=now.boot + left)
    return cooldown


def is_settled(cooldown: Cooldown, now: Instant) -> bool:
    """Whether ``settled`` would change nothing, and no reboot has outlived it: so it is nearly always."""
    return cooldown.boot_id == now.boot_id != "" and cooldown.until_boot - now.boot <= cooldown.duration_s


def later(old: Cooldown | None, new: Cooldown, now: Instant) -> Cooldown:
    """The one of two cooldowns of a provider that ends later (policy R14); the newer message is kept."""
    if old is None or remaining_s(old, now) <= remaining_s(new, now):
        return new
    return replace(old, reason=new.reason, message=new.message)


def usable_hint(seconds: float | None) -> float | None:
    """A server's wish to wait: ``None`` if it is no positive finite number, else clamped to 1 s … 24 h."""
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return min(max(seconds, 1.0), MAX_HINT_S)
