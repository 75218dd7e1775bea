"""The decision table of docs/policy.md, section 1, once more and in other words: what may follow a failed attempt.

Written down a second time on purpose: a judge that read the program's own table would find it right whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.evidence import Target
    from tests.campaign.rules.meanings import Meaning


class After(Enum):
    """What follows an attempt."""

    AGAIN = "the same target once more"
    NEXT = "the next target"
    END = "nothing"


PATIENT = frozenset({"server", "net", "truncated"})
FINAL_STATUS = {
    "request": "failed",
    "schema": "failed",
    "refused": "refused",
    "budget": "blocked",
    "cancelled": "cancelled",
}
"""How a request ends whose last target failed so; everything else pauses it."""

CLASSES = frozenset({
    "rate", "quota", "server", "net", "silent", "truncated", "auth", "gone", "request", "config", "captive", "refused",
    "schema", "budget", "cancelled",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An attempt that failed: with what, as the how-manieth of its target, as which of its limits."""

    error: str
    count: int
    limited: int
    target: Target
    meaning: Meaning
    sole: bool


def after(this: Try) -> frozenset[After]:
    """What may follow; one thing, but where the row leaves it open."""
    if _again(this):
        return frozenset({After.AGAIN})
    if this.meaning.smaller_model and this.target.model == "largest":
        return frozenset({After.AGAIN, After.NEXT})
    return frozenset({_onwards(this)})


def _again(this: Try) -> bool:
    target, meaning = this.target, this.meaning
    tries = target.attempts if meaning.retries is None else min(target.attempts, 1 + meaning.retries)
    hint = meaning.hint_s
    if this.error in PATIENT or (this.error == "silent" and this.sole):
        return this.count < tries and not (hint is not None and hint > target.short_wait_s)
    if this.error == "rate":
        short = hint is not None and hint <= target.short_wait_s
        return target.wire != "ollama" and short and this.limited <= 1
    return False


def _onwards(this: Try) -> After:
    if this.error == "request":
        return After.NEXT if this.meaning.target_specific else After.END
    return After.END if this.error in ("refused", "budget", "cancelled") else After.NEXT
