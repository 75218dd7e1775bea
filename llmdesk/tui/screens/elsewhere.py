"""What is said of lanes that end while another one is shown: one message for all that end close together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT_S = 0.3
"""How long lanes are gathered before they are told, seconds."""

SHOWN_S = 4.0
"""How long such a message stays, seconds; a lane that ends meanwhile joins it."""


class Say(Protocol):
    """Shows a message at the edge of the screen, in place of another one."""

    def __call__(self, text: str, *, severity: str = "information", instead_of: str = "") -> None:
        """Show ``text``; ``instead_of`` is the text that goes."""
        ...


class Elsewhere:
    """Tells of the lanes that are not shown.

    Args:
        say: shows a message.
        later: calls something once, a moment from now, so that what ends at once is told at once.
        clock: seconds.
    """

    def __init__(
        self, say: Say, later: Callable[[Callable[[], None]], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._later = later
        self._clock = clock
        self._ended: dict[bool, list[str]] = {}
        self._told: dict[bool, tuple[float, list[str]]] = {}

    def ended(self, lane: str, *, failed: bool) -> None:
        """A lane has its answer, or has none."""
        if not self._ended:
            self._later(self._tell)
        self._ended.setdefault(failed, []).append(lane)

    def _tell(self) -> None:
        now, ended, self._ended = self._clock(), self._ended, {}
        for failed, new in ended.items():
            at, lanes = self._told.get(failed, (0.0, []))
            before = lanes if now - at < SHOWN_S else []
            lanes = list(dict.fromkeys([*(each for each in before if each not in new), *new]))
            self._told[failed] = (now, lanes)
            self._say(words(lanes, failed=failed), severity="warning" if failed else "information",
                      instead_of=words(before, failed=failed) if before else "")  # fmt: skip


def words(lanes: list[str], *, failed: bool) -> str:
    """One sentence for all of them."""
    if len(lanes) == 1:
        return f"Lane {lanes[0]} {'could not be answered' if failed else 'has its answer'}."
    return f"{len(lanes)} lanes {'could not be answered' if failed else 'have their answers'}: {', '.join(lanes)}."
