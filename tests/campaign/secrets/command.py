"""``python -m tests.campaign secrets``: canary keys and prompts through everything, and nothing beyond loopback.

Two rounds for each seed: one with secrets, searched for afterwards, and one under ``network: local-only``.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.campaign.secrets import borders, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.campaign.secrets.rounds import Round


def main(argv: list[str]) -> int:
    """Play rounds and print what they found; 1 = something got out."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign secrets", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="R", help="rounds of each kind")
    parser.add_argument("--seed", type=int, default=None, metavar="S", help="the first seed; else one of the clock")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="rounds at a time")
    asked = parser.parse_args(argv)
    first = int(time.time()) if asked.seed is None else asked.seed
    seeds = range(first, first + asked.rounds)
    began = time.monotonic()
    with ThreadPoolExecutor(asked.jobs) as pool:
        secret, local = pool.map(rounds.play, seeds), pool.map(borders.play, seeds)
        table = [("secrets", _told("secrets", secret)), ("local-only", _told("local-only", local))]
    print(f"{'part':<12}{'rounds':>8}{'processes':>11}{'searched':>10}{'leaks':>7}")
    for name, played in table:
        sums = [sum(values) for values in zip(*((r.processes, r.searched, len(r.leaks)) for r in played), strict=True)]
        print(f"{name:<12}{len(played):>8}{sums[0]:>11}{sums[1]:>10}{sums[2]:>7}")
    leaks = sum(len(each.leaks) for _, played in table for each in played)
    print(f"seeds {first} to {seeds[-1]}, {time.monotonic() - began:.0f} s: {leaks} leaks")
    return 1 if leaks else 0


def _told(name: str, played: Iterable[Round]) -> list[Round]:
    """Wait for the rounds; what leaked is printed at once, with all that led to it."""
    done = []
    for each in played:
        done.append(each)
        if each.leaks:
            print(f"LEAK: {name}, seed {each.seed}", flush=True)
            print(*(f"  ! {leak}" for leak in each.leaks), *(f"    {line}" for line in each.story), sep="\n")
    return done
