"""What a model costs, and what that makes of the tokens an attempt used."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import TYPE_CHECKING

from llmdesk.core.money import NANO
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import Usage

NANO_PER_MTOK = 1000
"""One dollar a million tokens is a thousand nano-dollars a token."""

MOST_NANO_USD = 2**53
"""No call is booked for more, nine million dollars: what a mad server counts still fits into every sum."""

_EXACT = Context(prec=1_000)
"""More digits than any rate times any count has: nothing is rounded before the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Flat rates of one model, US dollars a million tokens.

    ``cached_input_usd_per_mtok`` and ``cache_write_usd_per_mtok`` are for the part of the input that the provider read
    from, or wrote to, its cache; ``None`` = the same as other input. Images are billed as input, reasoning as output.
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
        """What ``usage`` costs, whole nano-dollars, rounded once; ``None`` where it tells no tokens at all.

        It is ``MOST_NANO_USD`` at most. Parts of the input that add up to more than the whole are cut down to it, the
        written part first.
        """
        if self.free:
            return 0
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
        whole = cached + written if usage.input_tokens is None else usage.input_tokens
        cached = min(cached, whole)
        written = min(written, whole - cached)
        cost = self._nano(
            ROUND_HALF_UP,
            (whole - cached - written, self.input_usd_per_mtok),
            (cached, self.cached_input_usd_per_mtok),
            (written, self.cache_write_usd_per_mtok),
            (usage.output_tokens or 0, self.output_usd_per_mtok),
        )
        return min(cost, MOST_NANO_USD)

    def bound_nano_usd(self, input_tokens: int, output_tokens: int) -> int:
        """The most that so many tokens can cost, whole nano-dollars, whatever part of them a cache is used for."""
        return self._nano(ROUND_CEILING, (input_tokens, self._dearest_input), (output_tokens, self.output_usd_per_mtok))

    def output_within(self, nano_usd: int, input_tokens: int) -> int | None:
        """The most output tokens ``nano_usd`` pay for beside a prompt; ``None`` = any number, < 0 = not even it."""
        with localcontext(_EXACT):
            left = nano_usd - self._exact((input_tokens, self._dearest_input))
            if left < 0:
                return -1
            if not self.output_usd_per_mtok:
                return None
            return int(left // (self.output_usd_per_mtok * NANO_PER_MTOK))

    @property
    def _dearest_input(self) -> Decimal:
        """The rate of the input token that costs most: a token written to a cache may cost more than a plain one."""
        rates = (self.input_usd_per_mtok, self.cached_input_usd_per_mtok, self.cache_write_usd_per_mtok)
        return max(rate for rate in rates if rate is not None)

    def _nano(self, rounding: str, *parts: tuple[int, Decimal | None]) -> int:
        with localcontext(_EXACT):
            return int(self._exact(*parts).to_integral_value(rounding))

    def _exact(self, *parts: tuple[int, Decimal | None]) -> Decimal:
        """The price of one call with these tokens, each at its rate (``None`` = that of input), nano-dollars."""
        tokens = sum(
            (number * (self.input_usd_per_mtok if rate is None else rate) for number, rate in parts), Decimal(0)
        )
        return tokens * NANO_PER_MTOK + self.per_request_usd * NANO


FREE = Price(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))
"""What runs here, or is paid by a plan."""
