"""The clocks of a sequence's machine: its own time, set forward and back, asleep for hours, booted anew."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from llmdesk.core.cooldown import Instant
from llmdesk.storage.clocks import system_clock
from tests.campaign.evidence import Clock

FRESH_BOOT_S = 30.0
"""How long a machine runs before the program starts on it, seconds."""


@dataclass(slots=True)
class Machine:
    """Now on both clocks, as ``make_desk`` takes them. Unless it is set, it is the machine the tests run on.

    Args:
        own_boot: it has a boot of its own; false = real processes share its clocks, so that these stay the machine's.
    """

    own_boot: bool = True
    history: list[Clock] = field(default_factory=list)
    _wall: float = 0.0
    _boot: float = 0.0
    _boots: int = 0
    _boot_id: str = ""

    def __post_init__(self) -> None:
        self._boot_id = "campaign-boot-0" if self.own_boot else system_clock().boot_id
        self._note()

    def __call__(self) -> Instant:
        """Now."""
        now = system_clock()
        return Instant(wall=now.wall + self._wall, boot=now.boot + self._boot, boot_id=self._boot_id)

    def both(self) -> tuple[float, float]:
        """Wall clock and elapsed time, seconds."""
        now = self()
        return now.wall, now.boot

    def jump(self, wall: float, boot: float) -> None:
        """Set the clocks so many seconds further, or back."""
        self._wall += wall
        self._boot += boot
        self._note()

    def reboot(self, wall: float) -> None:
        """Begin a new boot, in which the wall clock is so many seconds further."""
        self._boots += 1
        self._boot_id = f"campaign-boot-{self._boots}"
        self._boot = FRESH_BOOT_S - system_clock().boot
        self._wall += wall
        self._note()

    def _note(self) -> None:
        self.history.append(Clock(at=time.monotonic(), wall=self._wall, boot=self._boot, boot_id=self._boot_id))
