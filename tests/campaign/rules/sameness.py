"""Two plays of one seed, side by side (I7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.rules.beside import SLOW, gave_up_first
from tests.campaign.rules.book import read
from tests.campaign.rules.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Evidence
    from tests.campaign.rules.beside import Pair

Step = tuple[str, str, str]


def differences(one: Evidence, other: Evidence) -> Iterator[Violation]:
    """I7: each prompt met the same targets in the same order, with the same classes, and ended alike.

    Prompts that were cut in on are left out, since the moment of that is nobody's to repeat; and so are those for which
    this machine was too slow once, so that patience ended before an answer that was on its way.
    """
    first, second = _ways(one), _ways(other)
    for number in sorted(first.keys() & second.keys()):
        if first[number] != second[number]:
            words = f"ask {number}: {_told(first[number])} the one time, {_told(second[number])} the other"
            yield Violation(rule="I7", words=words)
    for number in sorted({each.number for each in one.asked} ^ {each.number for each in other.asked}):
        yield Violation(rule="I7", words=f"ask {number} is in one play only")


def _ways(evidence: Evidence) -> dict[int, tuple[tuple[Step, ...], str]]:
    lives = Lives(evidence, read(evidence.home / "data" / "llmdesk.db"))
    found = {}
    for life in lives.all:
        if any(run.cut for run in life.runs) or any(map(_came_late, life.pairs)):
            continue
        steps = tuple(
            (pair.provider, pair.model, f"skip {pair.row.reason}" if pair.row and pair.skipped else pair.failed_with)
            for pair in life.pairs
        )
        found[life.asked.number] = (steps, life.row.status if life.row is not None else "")
    return found


def _came_late(pair: Pair) -> bool:
    """What was recorded is no other class than the one that was played, but that patience had ended before it came."""
    row, served = pair.row, pair.served
    if row is None or served is None or pair.recorded == served.error:
        return False
    return row.error_kind in SLOW and gave_up_first(row, served)


def _told(way: tuple[tuple[Step, ...], str]) -> str:
    steps, status = way
    told = ", ".join(f"{provider} {error or 'complete'}" for provider, _, error in steps)
    return f"{told}: {status or 'unknown'}"
