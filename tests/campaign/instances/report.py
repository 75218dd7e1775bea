"""What one scenario came to, as a value and as a row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.evidence import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One scenario with one seed.

    Args:
        name: the scenario.
        seed: what plays the same again, as far as the system's scheduler lets it.
        processes: how many were started; ``killed`` of them by us.
        calls: how many requests the servers saw.
        told: what else is worth a look, in a few words.
        violations: what was broken.
    """

    name: str
    seed: int
    processes: int
    killed: int
    calls: int
    told: str
    violations: tuple[Violation, ...]
