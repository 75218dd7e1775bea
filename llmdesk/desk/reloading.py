"""Reloading: a configuration that was edited while the desk runs is taken over as a whole, or not at all.

New requests meet the new settings. Those under way end under the old ones, whose adapters are closed after that; only
the budgets of now hold for their next attempts too.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from llmdesk.core.edits import Reread
from llmdesk.core.errors import ConfigurationError, UsageError
from llmdesk.core.views import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from llmdesk.core.edits import Edit, LaneEntry, Proposal
    from llmdesk.desk.inventory import Inventory
    from llmdesk.desk.parts import Adapters, Change, Configuration, Parts

GIVEN = "The settings of this desk come from no file."


class Reloading:
    """Reads the configuration again, for one desk.

    Args:
        parts: the desk's.
        inventory: knows the providers; forgets what it knew of those that have changed.
        changed: told when the settings were read.
    """

    def __init__(self, parts: Parts, inventory: Inventory, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._inventory = inventory
        self._changed = changed
        self._turn = asyncio.Lock()
        self._reading: asyncio.Task[Reread] | None = None
        self._left: dict[asyncio.Task[None], Adapters] = {}
        self._ending: set[asyncio.Task[None]] = set()
        """Those that nobody uses any more, while they are being closed."""
        self.last: Reread | None = None
        """What the last reading has brought; ``None`` = there was none since the start."""

    def glance(self) -> None:
        """Look whether the file is another one, which is cheap; if so, begin to read it."""
        configuration = self._parts.configuration
        if configuration is None or not configuration.changed:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self.now())

    async def now(self) -> Reread:
        """Read the file and take it over, or tell every fault of it and change nothing."""
        configuration = self._configuration()
        async with self._turn:
            try:
                take = await asyncio.to_thread(configuration.read)
            except ConfigurationError as error:
                self.last = Reread(faults=error.faults)
            else:
                self.last = self._take(take())
            self._changed(Topic.SETTINGS)
            return self.last

    def _take(self, change: Change) -> Reread:
        before = self._parts.router.targets
        self._parts.take_over(change.setup)
        change.setup.router.targets.go_on_from(before, change.unchanged)
        before.purse = change.setup.router.targets.purse  # what is under way spends no more than is said now
        self._inventory.forget(self._inventory.known - change.unchanged)
        self._parts.warnings += [note for note in change.notes if note not in self._parts.warnings]
        if change.mute and self._parts.telemetry is not None:
            self._parts.telemetry.fall_silent()
            self._parts.telemetry = None
        closing = asyncio.get_running_loop().create_task(self._close(change.left))
        self._left[closing] = change.left
        closing.add_done_callback(self._left.pop)
        self._changed(Topic.PROVIDERS)
        return Reread(notes=tuple(change.notes))

    async def _close(self, adapters: Adapters) -> None:
        await self._parts.leases.ended()
        task = asyncio.current_task()
        assert task is not None
        self._ending.add(task)
        try:
            await adapters.aclose()
        finally:
            self._ending.discard(task)

    async def aclose(self) -> None:
        """Read nothing more, and close the adapters of former settings; by now nothing uses them."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        left = dict(self._left)
        for closing in left:
            if closing not in self._ending:  # half closed would be closed by nobody
                closing.cancel()  # it may wait for somebody who is gone
        if left:
            await asyncio.wait(left)
        async with AsyncExitStack() as stack:
            for adapters in left.values():
                stack.push_async_callback(adapters.aclose)

    # --- changes that the user makes on the screen ---

    def lanes(self) -> tuple[LaneEntry, ...]:
        """The lanes as the configuration has them."""
        return self._configuration().lanes()

    async def propose(self, edits: Sequence[Edit]) -> Proposal:
        """Say what edits would make of the file."""
        return await asyncio.to_thread(self._configuration().propose, edits)

    async def write(self, proposal: Proposal) -> Path | None:
        """Write what the user has seen and approved, and take it over at once."""
        copy = await asyncio.to_thread(self._configuration().write, proposal)
        await self.now()
        return copy

    def _configuration(self) -> Configuration:
        if self._parts.configuration is None:
            raise UsageError(GIVEN)
        return self._parts.configuration
