"""``python -m tests.campaign instances``: every scenario, as often as wished, each with a seed of its own."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.instances import cooldowns, outbox, readers, spending, starts, upgrades

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.campaign.instances.report import Report

SCENARIOS: dict[str, Callable[[Path, random.Random, int, int], Report]] = {
    "starts": starts.play,
    "cooldowns": cooldowns.play,
    "spending": spending.play,
    "outbox": outbox.play,
    "upgrades": upgrades.play,
    "readers": readers.play,
}

ROW = "{:<20} {:>10} {:>8} {:>9} {:>6} {:>6} {:>7}  {}"


def played(name: str, seed: int, at_once: int, folder: Path) -> Report:
    """Play a scenario in a folder of its own; the same seed draws the same."""
    home = folder / f"{name}-{seed}"
    home.mkdir()
    return SCENARIOS[name](home, random.Random(f"{name}/{seed}"), at_once, seed)


def main(argv: Sequence[str]) -> int:
    """Play the scenarios and print a table; 1 = something was broken."""
    parser = argparse.ArgumentParser(prog="instances", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each scenario is played")
    parser.add_argument("--seed", type=int, help="the first round's; drawn when it is not given")
    parser.add_argument("--processes", type=int, default=16, help="how many at once, 2 to 16")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario alone; may be repeated")
    wish = parser.parse_args(argv)
    first = random.SystemRandom().randrange(10**6) if wish.seed is None else wish.seed
    write = sys.stdout.write
    write(f"{wish.processes} processes at once, seeds {first} to {first + wish.rounds - 1}\n\n")
    write(ROW.format("scenario", "seed", "started", "killed", "calls", "broken", "s", "") + "\n")
    broken = 0
    with tempfile.TemporaryDirectory(prefix="llmdesk-instances-") as folder:
        for seed in range(first, first + wish.rounds):
            for name in wish.only or SCENARIOS:
                begun = time.monotonic()
                report = played(name, seed, wish.processes, Path(folder))
                took_s = f"{time.monotonic() - begun:.1f}"
                count = len(report.violations)
                cells = (report.name, seed, report.processes, report.killed, report.calls, count, took_s, report.told)
                write(ROW.format(*cells) + "\n")
                for violation in report.violations:
                    write(f"    {violation.rule}: {violation.words}\n")
                sys.stdout.flush()
                broken += count
    write(f"\n{broken} violations\n")
    return 1 if broken else 0
