"""The works behind the facade: everything that one desk does, made together, opened and closed in order."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.desk.asking import Asking
from llmdesk.desk.inventory import Inventory
from llmdesk.desk.log_tail import log_mark
from llmdesk.desk.reloading import Reloading
from llmdesk.desk.resuming import Resuming
from llmdesk.desk.serving import Serving
from llmdesk.desk.shelf import Shelf
from llmdesk.desk.watch import Watch

if TYPE_CHECKING:
    from llmdesk.desk.parts import Parts


class Works:
    """What the parts of a desk are made into."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        booked = (parts.database, parts.ledger.database)  # one and the same, but off the record
        self.watch = Watch(
            lambda: (tuple(each.data_version() for each in booked), parts.cooldowns.mark()),
            glance=self._glance,
            log_mark=lambda: log_mark(parts.paths.log_file),
        )
        changed = self.watch.changed
        self.serving = Serving(parts, changed, self._answered)
        self.asking = Asking(parts, self.serving, changed)
        self.inventory = Inventory(parts, self.serving, changed)
        self.resuming = Resuming(parts, self.asking, self.watch)
        self.configuration = Reloading(parts, self.inventory, changed)
        self.shelf = Shelf(parts, changed)

    def _glance(self) -> None:
        self.configuration.glance()

    async def open(self) -> None:
        """Claim what a killed instance left behind: its requests come back as paused, exactly once.

        What it could not book is booked before that: a request that is asked again goes on with the next number.
        """
        parts = self._parts
        try:
            await parts.ledger.fold()
            await parts.spend.release_dead()
            await parts.requests.recover(parts.instance.is_alive)
            await self.shelf.purge()
        except StorageError as error:
            parts.warnings.append(str(error))
        if parts.at_start is not None:
            parts.at_start()
        if parts.upkeep is not None:
            parts.upkeep.begin()

    async def close(self) -> None:
        """Pause what runs, wait for the writes, close connections and files: each whatever becomes of the others."""
        parts = self._parts
        async with AsyncExitStack() as closing:  # the last one first
            if parts.telemetry is not None:
                closing.push_async_callback(parts.telemetry.aclose)
            closing.callback(parts.instance.close)
            closing.push_async_callback(parts.database.aclose)
            closing.push_async_callback(parts.ledger.database.aclose)
            closing.push_async_callback(self._purge)
            if parts.upkeep is not None:
                closing.push_async_callback(parts.upkeep.aclose)
            closing.push_async_callback(parts.adapters.aclose)
            closing.push_async_callback(self.configuration.aclose)
            closing.push_async_callback(self.inventory.plans.aclose)
            closing.push_async_callback(self.asking.aclose)
            await self.resuming.stop()

    async def _purge(self) -> None:
        with suppress(StorageError):
            await self.shelf.purge(at_close=True)

    def _answered(self, provider: str) -> None:
        """A plan has paid for an answer; who watches gauges will want to know what is left."""
        if self.watch.watched:
            self.inventory.plans.answered(provider)
