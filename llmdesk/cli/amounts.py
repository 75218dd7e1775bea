"""Amounts as a table shows them to people: tokens, money, seconds, shares, lengths of time."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from llmdesk.core.money import NANO, shown_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGER = ("", "k", "M", "G", "T")


def whole(count: int) -> str:
    """A count in full: ``12 345``."""
    return f"{count:,}".replace(",", " ")


def tokens(count: int) -> str:
    """A count, in full below 100 000: ``12 345``, ``1.24 M``."""
    if abs(count) < 100_000:
        return whole(count)
    amount, step = float(count), 0
    while abs(amount) >= 999.5 and step < len(_LARGER) - 1:
        amount, step = amount / 1_000, step + 1
    return f"{_three_digits(amount)} {_LARGER[step]}"


def dollar_column(values: Sequence[int | None]) -> list[str]:
    """Money that stands in one column, without its unit: as many decimals each as the finest needs, six at most.

    Args:
        values: nano-dollars; ``None`` = unknown, which shows as ``?``.
    """
    known = [value for value in values if value is not None]
    finest = max((len(shown_usd(value).partition(".")[2]) for value in known), default=0)
    digits = min(finest, 2 if max(map(abs, known), default=0) >= 1_000 * NANO else 6)
    return ["?" if value is None else _with_decimals(value, digits) for value in values]


def _with_decimals(nano_usd: int, digits: int) -> str:
    """An amount with so many decimals; one that is too small for them is not shown as nothing."""
    least = Decimal(1).scaleb(-digits)
    amount = (Decimal(nano_usd) / NANO).quantize(least, ROUND_HALF_UP)
    if nano_usd > 0 and not amount:
        return f"<{least:f}"
    return f"{amount:,f}".replace(",", " ") if amount >= 100_000 else f"{amount:f}"


def seconds(value: float | None) -> str:
    """Seconds without their unit, with three digits: ``0.412``, ``1.93``, ``12.4``, ``1 240``."""
    return "-" if value is None else _three_digits(value)


def share(value: float | None) -> str:
    """A share from 0 to 1 in per cent; what is not all is never shown as 100."""
    if value is None:
        return "-"
    if 0.995 <= value < 1:
        return "99.9 %" if value >= 0.9995 else f"{int(value * 1000) / 10:.1f} %"
    return f"{value:.0%}".replace("%", " %")


def lasting(length_s: float) -> str:
    """A length of time in its two largest units: ``4.1 s``, ``9 min 5 s``, ``5 h 12 min``, ``3 d 4 h``."""
    if length_s < 10:
        return f"{length_s:.1f} s"
    whole = round(length_s)
    for large, small, names in ((86_400, 3_600, ("d", "h")), (3_600, 60, ("h", "min")), (60, 1, ("min", "s"))):
        if whole >= large:
            first, rest = divmod(whole, large)
            second = rest // small
            return f"{first} {names[0]}" + (f" {second} {names[1]}" if second else "")
    return f"{whole} s"


def _three_digits(value: float) -> str:
    rounded = float(f"{value:.3g}") if value < 100 else value
    if rounded >= 100:
        return f"{rounded:,.0f}".replace(",", " ")
    if rounded >= 10:
        return f"{rounded:.1f}"
    return f"{rounded:.2f}" if rounded >= 1 or rounded == 0 else f"{rounded:.3f}"
