"""Money that adds up: whole nano-dollars inside, decimal strings outside. ``None`` is an unknown price, never zero."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

NANO = Decimal(10**9)
"""Nano-dollars in a dollar."""


def whole_nano(usd: Decimal) -> int:
    """Dollars as whole nano-dollars, half a nano-dollar up."""
    return int((usd * NANO).to_integral_value(ROUND_HALF_UP))


def to_nano_usd(cost_usd: str | None) -> int | None:
    """A decimal string of dollars as whole nano-dollars; what is no finite number counts as unknown."""
    if cost_usd is None:
        return None
    try:
        amount = Decimal(cost_usd)
    except InvalidOperation:
        return None
    return whole_nano(amount) if amount.is_finite() else None


def to_usd(nano_usd: int | None) -> str | None:
    """Nano-dollars as a decimal string without needless zeros."""
    if nano_usd is None:
        return None
    text = f"{Decimal(nano_usd) / NANO:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_usd(nano_usd: int) -> str:
    """Nano-dollars for people: two decimals, and more where a small amount needs them: ``2.00``, ``0.0034``."""
    amount = Decimal(nano_usd) / NANO
    if amount == amount.quantize(Decimal("0.01")):
        return f"{amount:.2f}"
    if abs(amount) >= 1:
        return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):.2f}"
    digits = f"{amount:.3g}" if abs(amount) >= Decimal("0.0001") else f"{amount:.2g}"
    return f"{Decimal(digits):f}"
