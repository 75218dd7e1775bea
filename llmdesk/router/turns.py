"""Waiting for a turn where the user limits how fast a provider is asked, visibly and no longer than the lane allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types import RATE_LIMIT, Waiting
from llmdesk.router.controls import Wish
from llmdesk.router.route import Unfit
from llmdesk.router.words import busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.router.pacing import Pacer, Turn
    from llmdesk.router.route import Place, Trip
    from llmdesk.router.targets import Targets

LOOK_AGAIN_S = 60.0
"""When a paused request may be tried again where only requests under way are in its way, seconds.

They end by themselves, but nobody knows when.
"""

SAME_S = 1.0
"""A wait that ends within this of what was told is not told again, seconds."""


async def take_turn(pacer: Pacer, targets: Targets, trip: Trip, place: Place, look_again: Callable[[], None]) -> Turn:
    """Wait until a request may be sent to the target at ``place``; the caller ends the turn.

    *Retry now* does not jump the line, because the limit is the user's own; a probe does, and counts.

    Args:
        pacer: the line before its provider.
        targets: gives the clocks.
        trip: the request.
        place: the target.
        look_again: raises ``Unfit`` if the provider is meanwhile not to be asked.

    Raises:
        Unfit: it would take longer than the lane allows (``busy``), the user went on (``next``), or ``look_again``.
    """
    turn, joined = pacer.join(trip.controls.wake), targets.elapsed()
    try:
        await _stand_in_line(turn, targets, trip, place, look_again)
    except BaseException as left:
        turn.end(sent=False)
        if isinstance(left, Unfit):
            left.waited_s = targets.elapsed() - joined
        raise
    return turn


async def _stand_in_line(
    turn: Turn, targets: Targets, trip: Trip, place: Place, look_again: Callable[[], None]
) -> None:
    limit_s, joined = trip.route.lane.max_wait_s, targets.elapsed()
    told: list[tuple[float | None, int]] = []
    while not turn.begin(at_once=trip.route.probe):
        look_again()
        wait_s, left_s = turn.wait_s, limit_s - (targets.elapsed() - joined)
        if wait_s > left_s or left_s <= 0:
            now = targets.clock()
            until = now + (wait_s or LOOK_AGAIN_S)
            raise Unfit(busy(place, until=until if wait_s else None, now=now), reason="busy", until=until)
        _tell(trip, place, targets.clock() + wait_s if wait_s else None, turn.ahead, told)
        if await trip.controls.wait(min(wait_s, left_s) if wait_s else left_s) is Wish.NEXT:
            raise Unfit(f"{place.ref.provider}: left while it waited for its rate limit.", reason="next")


def _tell(trip: Trip, place: Place, until: float | None, ahead: int, told: list[tuple[float | None, int]]) -> None:
    """Show the wait, unless it was shown like this already."""
    if told and told[0][1] == ahead:
        before = told[0][0]
        if until is before is None or (until and before and abs(until - before) <= SAME_S):
            return
    told[:] = [(until, ahead)]
    trip.sink(Waiting(until=until, reason=RATE_LIMIT, target=place.target, ahead=ahead))
