"""What a campaign of sequences came to, as a table: seeds, counts, rate, and every broken rule with its seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.campaign.stage import Verdict

MOST_TOLD = 3
"""Of so many seeds a broken rule is told in words; the others are named."""


@dataclass(kw_only=True)
class Tally:
    """Verdicts added up."""

    first: int
    played: int = 0
    last: int = 0
    asked: int = 0
    served: int = 0
    again: int = 0
    longest_s: float = 0.0
    longest_seed: int = 0
    symbols: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """By rule, seeds with what was seen; ``campaign`` = the campaign itself broke."""

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.played += 1
        self.last = max(self.last, verdict.seed)
        self.asked += verdict.asked
        self.served += verdict.served
        self.again += verdict.again
        if verdict.seconds > self.longest_s:
            self.longest_s, self.longest_seed = verdict.seconds, verdict.seed
        self.symbols += verdict.symbols
        self.steps += verdict.steps
        for violation in verdict.violations:
            self.broken.setdefault(violation.rule, []).append((verdict.seed, violation.words))
        for note in verdict.notes:
            self.broken.setdefault("campaign", []).append((verdict.seed, note))

    @property
    def well(self) -> bool:
        """Nothing broke."""
        return not self.broken


def lines(tally: Tally, *, seconds: float, jobs: int, stories: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The table, line by line; ``stories`` = by rule, the smallest sequence found that breaks it."""
    rate = tally.played / seconds * 60 if seconds else 0.0
    yield ""
    yield f"{'sequences':<24}{tally.played:>10,}   seeds {tally.first} to {tally.last}"
    yield f"{'requests asked':<24}{tally.asked:>10,}"
    yield f"{'requests served':<24}{tally.served:>10,}"
    yield f"{'time':<24}{seconds:>10.0f} s with {jobs} jobs, {rate:.0f} sequences a minute"
    yield f"{'played again':<24}{tally.again:>10,}   because the machine was busy"
    yield f"{'longest':<24}{tally.longest_s:>10.1f} s   seed {tally.longest_seed}"
    yield from _counted("step", tally.steps)
    yield from _counted("met", _by_wire(tally.symbols))
    yield f"{'symbols met':<24}{len(tally.symbols):>10,}   of {_all_symbols():,}"
    yield ""
    if tally.well:
        yield "violations: none"
        return
    for rule, found in sorted(tally.broken.items()):
        seeds = sorted({seed for seed, _ in found})
        yield f"BROKEN {rule}: {len(found)} times in {len(seeds)} sequences: {', '.join(map(str, seeds[:20]))}"
        for seed, words in found[:MOST_TOLD]:
            yield f"    seed {seed}: {words}"
        for line in stories.get(rule, ()):
            yield f"      | {line}"


def _counted(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{title + ' ' + name:<24}{count:>10,}"


def _by_wire(symbols: Counter[str]) -> Counter[str]:
    wires: Counter[str] = Counter()
    for name, count in symbols.items():
        wires[name.partition("/")[0]] += count
    return wires


def symbol_lines(symbols: Counter[str]) -> Iterator[str]:
    """How often each symbol was met, those never met too."""
    from tests.campaign.alphabet import SYMBOLS

    for name in sorted({*SYMBOLS, *symbols}):
        yield f"{name:<44}{symbols[name]:>8,}"


def _all_symbols() -> int:
    from tests.campaign.alphabet import SYMBOLS

    return len(SYMBOLS)
