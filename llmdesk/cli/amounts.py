"""Amounts as a table shows them to people: tokens, money, seconds, shares, lengths of time."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from llmdesk.core.money import NANO, shown_usd

_LARGER = ("", "k", "M", "G", "T")


def tokens(count: int) -> str:
    """A count, in full below 100 000: ``12 345``, ``1.24 M``."""
    if abs(count) < 100_000:
        return f"{count:,}".replace(",", " ")
    amount, step = float(count), 0
    while abs(amount) >= 999.5 and step < len(_LARGER) - 1:
        amount, step = amount / 1_000, step + 1
    return f"{_three_digits(amount)} {_LARGER[step]}"


def dollars(nano_usd: int | None, *, more: bool = False) -> str:
    """Money without its unit; ``more`` marks what is known to be too little, ``?`` is unknown."""
    if nano_usd is None:
        return "?"
    text = shown_usd(nano_usd)
    if abs(nano_usd) >= 100_000 * NANO:
        text = f"{(Decimal(nano_usd) / NANO).quantize(Decimal(1), ROUND_HALF_UP):,}".replace(",", " ")
    return f"{text}+" if more else text


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
