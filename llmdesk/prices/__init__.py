"""What models cost: what the user wrote, else nothing where it runs free, else what the price catalogue knows.

``None`` is a price that nobody knows; it is never taken for zero.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from llmdesk.core.prices import FREE
from llmdesk.core.values import dataclass
from llmdesk.prices import catalogue
from llmdesk.prices.snapshots import is_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmdesk.core.prices import Price
    from llmdesk.core.types import ModelRef
    from llmdesk.prices.catalogue import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """How a provider bills: nothing at all, or by the catalogue entry that belongs to its address."""

    free: bool
    base_url: str = ""


class PriceBook:
    """The prices of one configuration.

    Args:
        billing: how each provider bills.
        written: the prices that the user wrote, by ``provider/model``.
        load: reads the catalogue; called once at most, in a thread, when a price is asked for that only it can know.
        clock: UTC epoch seconds.
    """

    def __init__(
        self,
        billing: Mapping[str, Billing],
        written: Mapping[str, Price],
        *,
        load: Callable[[], Catalogue | None] = catalogue.load,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._billing = billing
        self._written = written
        self._load = load
        self._clock = clock
        self._catalogue: Catalogue | None = None
        self._loading: asyncio.Future[None] | None = None

    def begin(self, ref: ModelRef) -> None:
        """Begin to find out what ``ref`` costs, beside whatever goes on; the loop must run."""
        if self.needs_catalogue(ref):
            self._begin_to_load()

    async def ready(self, ref: ModelRef, *, served: str = "") -> None:
        """Wait until ``price`` tells all that can be known of ``ref``, answered under the name ``served``."""
        if self.needs_catalogue(ref, served=served):
            await asyncio.shield(self._begin_to_load())  # whoever is cancelled, the others still wait for it

    def needs_catalogue(self, ref: ModelRef, *, served: str = "") -> bool:
        """Whether only the catalogue can tell what ``ref`` costs."""
        billing = self._billing.get(ref.provider)
        if billing is None or not catalogue.may_list(billing.base_url):
            return False
        return self._certain(ref, served) is None

    def price(self, ref: ModelRef, *, served: str = "", input_tokens: int = 0) -> Price | None:
        """What a call costs, as far as it is known now; ``None`` = unknown.

        A price that was written for the model that answered goes before the catalogue's, and that one before a price
        that was written for another model than answered.

        Args:
            ref: the model that was asked.
            served: the name under which the provider says it answered; empty = as asked.
            input_tokens: the size of the prompt, where rates depend on it.
        """
        if (certain := self._certain(ref, served)) is not None:
            return certain
        if (listed := self._listed(ref, served or ref.model, input_tokens)) is not None:
            return listed
        if (written := self._written.get(str(ref))) is not None:
            return written
        return self._listed(ref, ref.model, input_tokens) if served and is_snapshot(served, ref.model) else None

    def _certain(self, ref: ModelRef, served: str) -> Price | None:
        """What the catalogue cannot change."""
        asked = self._written.get(str(ref))
        if served and (found := self._written.get(f"{ref.provider}/{served}")) is not None:
            return found
        if asked is not None and (not served or is_snapshot(served, ref.model)):
            return asked
        billing = self._billing.get(ref.provider)
        return (asked or FREE) if billing is not None and billing.free else None

    def _listed(self, ref: ModelRef, name: str, input_tokens: int) -> Price | None:
        billing = self._billing.get(ref.provider)
        if billing is None or self._catalogue is None:
            return None
        return self._catalogue.price(billing.base_url, name, input_tokens=input_tokens, at=self._clock())

    def _begin_to_load(self) -> asyncio.Future[None]:
        if self._loading is None or self._loading.cancelled():
            self._loading = asyncio.ensure_future(asyncio.to_thread(self._read))
        return self._loading

    def _read(self) -> None:
        self._catalogue = self._load()
