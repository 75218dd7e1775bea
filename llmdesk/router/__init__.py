"""The router: takes one request down its lane, with the only retry and failover loop there is (policy R3).

What each class of failure means is data in ``core.policy``. Here: ``targets`` (what is known without asking),
``journey`` (the walk down the lane), ``attempt`` (one target, asked as often as allowed), ``prepare`` (what is sent),
``controls`` (where the user can cut in), ``words`` (messages). Parts of an attempt: ``fit`` (may it be asked at all),
``schema``, ``pacing`` and ``turns`` (the user's own rate limits), ``afford`` and ``limits`` (what may be spent on it),
``patience`` (when it is repeated), ``usage`` and ``weight`` (what it used), ``aftermath`` (what it leaves behind).
``decision`` tells all of it beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.router.afford import priced
from llmdesk.router.controls import Controls, Wish
from llmdesk.router.decision import decide
from llmdesk.router.fit import in_order, preferred
from llmdesk.router.journey import Journey
from llmdesk.router.route import Checker, Recorder, Route, Sink, Trip, Walk
from llmdesk.router.targets import Cooldowns, Targets

if TYPE_CHECKING:
    from llmdesk.router.route import Tapping

__all__ = [
    "Checker",
    "Controls",
    "Cooldowns",
    "Recorder",
    "Route",
    "Router",
    "Sink",
    "Targets",
    "Walk",
    "Wish",
    "decide",
    "in_order",
    "preferred",
    "priced",
]


class Router:
    """Walks requests down their lanes.

    Args:
        targets: what is known of providers and models.
        check: the schema checker.
    """

    def __init__(self, targets: Targets, *, check: Checker) -> None:
        self.targets = targets
        self._check = check

    async def run(
        self, route: Route, walk: Walk, *, sink: Sink, record: Recorder, controls: Controls, tap: Tapping | None = None
    ) -> None:
        """Walk ``route`` to its end; ``walk`` is complete at every moment and final when this returns.

        Only what its last attempt cost is not known yet: whoever owns the walk asks with ``priced``, as by then nothing
        can be interrupted.

        Args:
            route: the request.
            walk: empty; tells what came of it, also after a cancellation.
            sink: gets every event at once.
            record: awaited for every failed attempt and skip before anything else is sent.
            controls: where the user cuts in.
            tap: gives what takes the bytes of an attempt; ``None`` = nobody wants them.
        """
        trip = Trip(route=route, walk=walk, sink=sink, record=record, controls=controls, check=self._check, tap=tap)
        await Journey(self.targets, trip).go()
