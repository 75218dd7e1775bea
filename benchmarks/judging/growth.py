"""How a figure grows with its work, in words, from the sizes measured in one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FLAT = 1.25
"""Up to so many times as much for ten times the work is no growth that medians of a few rounds can tell."""

LINEAR = (8.0, 12.5)
"""Times as much for ten times the work: as 10 divided and multiplied by 1.25."""


def per_ten(values: Mapping[int, float]) -> float | None:
    """How many times as much it is for ten times the work: the straight line through the logarithms, least squares.

    Args:
        values: by size, both above 0.

    Returns:
        ``None`` where there are not two sizes, or one of the numbers has no logarithm.
    """
    if len(values) < 2 or min(*values, *values.values()) <= 0:
        return None
    points = [(math.log10(size), math.log10(value)) for size, value in values.items()]
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)
    return float(10**slope)


def named(factor: float) -> str:
    """One word or two for a factor of ``per_ten``."""
    if factor < 1 / FLAT:
        return "falls"
    if factor <= FLAT:
        return "flat"
    if factor < LINEAR[0]:
        return "less than linear"
    return "linear" if factor <= LINEAR[1] else "more than linear"
