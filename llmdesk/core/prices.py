"""What a model costs, and what that makes of the tokens an attempt used."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from llmdesk.core.money import whole_nano

if TYPE_CHECKING:
    from llmdesk.core.types import Usage

NANO_PER_MTOK = 1000
"""One dollar a million tokens is a thousand nano-dollars a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Flat rates of one model, US dollars a million tokens.

    ``cached_input_usd_per_mtok`` and ``cache_write_usd_per_mtok`` are for the part of the input that the provider read
    from, or wrote to, its cache; ``None`` = the same as other input. Reasoning is billed as output.
    ``per_request_usd`` comes on top, once a call.
    """

    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    per_request_usd: Decimal = Decimal(0)

    @property
    def free(self) -> bool:
        """Whether nothing is ever billed."""
        return not any(
            (
                self.input_usd_per_mtok,
                self.output_usd_per_mtok,
                self.cached_input_usd_per_mtok,
                self.cache_write_usd_per_mtok,
                self.per_request_usd,
            )
        )

    def cost_nano_usd(self, usage: Usage) -> int | None:
        """What ``usage`` costs, whole nano-dollars, rounded once; ``None`` where it tells no tokens at all."""
        if self.free:
            return 0
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
        plain = max(0, (usage.input_tokens or 0) - cached - written)
        return self._nano(
            ROUND_HALF_UP,
            (plain, self.input_usd_per_mtok),
            (cached, self.cached_input_usd_per_mtok),
            (written, self.cache_write_usd_per_mtok),
            (usage.output_tokens or 0, self.output_usd_per_mtok),
        )

    def bound_nano_usd(self, input_tokens: int, output_tokens: int) -> int:
        """The most that so many tokens can cost, whole nano-dollars; nothing is taken to come from a cache."""
        dearest = max(self.input_usd_per_mtok, self.cached_input_usd_per_mtok or Decimal(0))
        return self._nano(ROUND_CEILING, (input_tokens, dearest), (output_tokens, self.output_usd_per_mtok))

    def output_within(self, nano_usd: int, input_tokens: int) -> int | None:
        """How many output tokens ``nano_usd`` pay for beside a prompt; ``None`` = any number, < 0 = not even it."""
        left = nano_usd - self.bound_nano_usd(input_tokens, 0)
        if left < 0:
            return -1
        if not self.output_usd_per_mtok:
            return None
        return int(Decimal(left) // (self.output_usd_per_mtok * NANO_PER_MTOK))

    def _nano(self, rounding: str, *parts: tuple[int, Decimal | None]) -> int:
        exact = sum(
            (tokens * (self.input_usd_per_mtok if rate is None else rate) * NANO_PER_MTOK for tokens, rate in parts),
            Decimal(0),
        )
        return int(exact.to_integral_value(rounding)) + whole_nano(self.per_request_usd)


FREE = Price(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))
"""What runs here, or is paid by a plan."""
