"""The clocks of a sequence, and how long a cooldown lasts by them, whatever they were set to.

Within one boot elapsed time decides. After a reboot the wall clock at the first look decides, which goes over into
elapsed time from there; a wall clock that then stands before the cooldown's beginning makes it begin anew, once
(policy K1 to K5). When that first look is nobody says, so every moment it can have been is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.campaign.evidence import Clock, Evidence

NOISE_S = 0.05
"""What two readings of a clock may differ by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One moment on the sequence's clocks."""

    wall: float
    boot: float
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A cooldown as it stands on some boot's clock."""

    set_wall: float
    until_wall: float
    boot_id: str
    until_boot: float


class Clocks:
    """Tells the time of a sequence at any moment of the machine's monotonic clock."""

    def __init__(self, evidence: Evidence) -> None:
        self.settings = sorted(evidence.clocks, key=lambda clock: clock.at)
        # Whoever asks looks at every cooldown first.
        self._looks = sorted(asked.at for asked in evidence.asked if asked.over is not None)
        self._wall = self._boot = 0.0
        if evidence.served:
            first = evidence.served[0]
            ahead = self._ahead(first.at)
            self._wall = first.wall - first.at - (ahead.wall if ahead else 0.0)
            self._boot = first.boot - first.at - (ahead.boot if ahead else 0.0)

    def at(self, moment: float) -> Now:
        """The clocks at a moment."""
        ahead = self._ahead(moment)
        wall, boot = (ahead.wall, ahead.boot) if ahead else (0.0, 0.0)
        return Now(
            wall=moment + self._wall + wall, boot=moment + self._boot + boot, boot_id=ahead.boot_id if ahead else ""
        )

    def _ahead(self, moment: float) -> Clock | None:
        past = [clock for clock in self.settings if clock.at <= moment]
        return past[-1] if past else (self.settings[0] if self.settings else None)

    def left_s(self, *, set_at: float, duration_s: float, moment: float) -> tuple[float, float]:
        """How long a cooldown of ``duration_s`` that was set at ``set_at`` still lasts at ``moment``, seconds.

        Returns:
            The least and the most of what may be: negative = it has been over for so long.
        """
        began = self.at(set_at)
        start = Deadline(
            set_wall=began.wall,
            until_wall=began.wall + duration_s,
            boot_id=began.boot_id,
            until_boot=began.boot + duration_s,
        )
        lefts = list(self._lefts(start, duration_s, set_at, moment))
        return min(lefts), max(lefts)

    def _lefts(self, start: Deadline, duration_s: float, set_at: float, moment: float) -> Iterable[float]:
        """What may be left at ``moment``, over all moments at which somebody may have looked after each reboot."""
        standing: set[Deadline | None] = {start}
        changes = [clock.at for clock in self.settings if set_at < clock.at <= moment]
        certain = {moment, *(look for look in self._looks if set_at < look <= moment)}
        # Between two settings of the clocks all looks come to the same; just before one and just after are enough.
        for look in sorted({*changes, *(change - 1e-6 for change in changes if change - 1e-6 > set_at), *certain}):
            now = self.at(look)
            moved = {_looked_at(deadline, duration_s, now) for deadline in standing if deadline is not None}
            standing = (moved | ({None} & standing)) if look in certain else standing | moved
        now = self.at(moment)
        return [_left(deadline, duration_s, now) if deadline is not None else -1e9 for deadline in standing]


def _raw(deadline: Deadline, now: Now) -> float:
    same = deadline.boot_id == now.boot_id and bool(now.boot_id)
    return deadline.until_boot - now.boot if same else deadline.until_wall - now.wall


def _left(deadline: Deadline, duration_s: float, now: Now) -> float:
    return min(_raw(deadline, now), duration_s)


def _looked_at(deadline: Deadline, duration_s: float, now: Now) -> Deadline | None:
    """What a look makes of it; ``None`` = it is over for good."""
    if deadline.boot_id == now.boot_id:
        return deadline
    left = _raw(deadline, now)
    if left <= 0:
        return None
    if left > duration_s:
        return Deadline(
            set_wall=now.wall, until_wall=now.wall + duration_s, boot_id=now.boot_id, until_boot=now.boot + duration_s
        )
    return Deadline(
        set_wall=deadline.set_wall, until_wall=deadline.until_wall, boot_id=now.boot_id, until_boot=now.boot + left
    )
