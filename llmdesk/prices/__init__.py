"""What models cost: what the user wrote, else nothing where it runs free, else what the price catalogue knows.

``None`` is a price that nobody knows; it is never taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmdesk.core.prices import FREE, Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.types import ModelRef


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
    """

    def __init__(self, billing: Mapping[str, Billing], written: Mapping[str, Price]) -> None:
        self._billing = billing
        self._written = written

    def begin(self, ref: ModelRef) -> None:
        """Begin to find out what ``ref`` costs, beside whatever goes on; the loop must run."""

    async def ready(self, ref: ModelRef) -> None:
        """Wait until ``price`` tells all that can be known of ``ref``."""

    def price(self, ref: ModelRef, *, served: str = "", input_tokens: int = 0) -> Price | None:
        """What a call costs, as far as it is known now; ``None`` = unknown.

        Args:
            ref: the model that was asked.
            served: the name under which the provider says it answered; empty = as asked.
            input_tokens: the size of the prompt, where rates depend on it.
        """
        for name in (served, ref.model):
            if name and (found := self._written.get(f"{ref.provider}/{name}")) is not None:
                return found
        billing = self._billing.get(ref.provider)
        return FREE if billing is not None and billing.free else None
