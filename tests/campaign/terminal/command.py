"""``python -m tests.campaign terminal [--seed S] [--rounds R] [--jobs J] [--only PART] [--round N]``."""

from __future__ import annotations

import argparse
import random
import signal
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.campaign.terminal.corpus import HOSTILE
from tests.campaign.terminal.rounds import play_round

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.campaign.terminal.rounds import Row

PARTS = ("scenes", "commands", "storms")


def main(argv: Sequence[str]) -> int:
    """Play the rounds and print what was found; 1 = there are violations, 2 = none, but some plays prove nothing."""
    words = argparse.ArgumentParser(prog="python -m tests.campaign terminal", description=__doc__)
    words.add_argument("--seed", type=int, default=None, help="plays the same rounds again")
    words.add_argument("--rounds", type=int, default=20, help="the first 16 have every text of the corpus")
    words.add_argument("--jobs", type=int, default=2)
    words.add_argument("--only", choices=PARTS, action="append", help="this part alone")
    words.add_argument("--round", type=int, default=None, help="this round alone")
    given = words.parse_args(argv)
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    numbers = range(given.rounds) if given.round is None else [given.round]
    print(f"seed {seed}, {len(numbers)} rounds, {len(HOSTILE)} texts", flush=True)
    began = time.monotonic()
    with ProcessPoolExecutor(given.jobs, initializer=_hear) as pool:
        rows: list[Row] = []
        for number, played in zip(
            numbers, pool.map(partial(play_round, seed=seed, parts=given.only or PARTS), numbers), strict=True
        ):
            rows += played
            _tell(number, played, time.monotonic() - began)
    _print(rows)
    wrong, unproven = sum(len(row.wrong) for row in rows), sum(len(row.unproven) for row in rows)
    busy = f", {unproven} plays unproven on a machine too busy" if unproven else ""
    print(f"{wrong} violations, {len(rows)} plays{busy}, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 2 if unproven else 0


def _hear() -> None:
    """Let programs hear every signal: a shell starts what runs behind it, or under nohup, deaf to some."""
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


def _tell(number: int, played: Sequence[Row], after: float) -> None:
    wrong, unproven = sum(len(row.wrong) for row in played), sum(len(row.unproven) for row in played)
    busy = f", {unproven} unproven" if unproven else ""
    print(f"round {number}: {len(played)} plays, {wrong} violations{busy}, after {after:.0f} s", flush=True)
    for row in played:
        for each in row.violations:
            print(f"  {row.part}, {row.name}: {each.rule}: {each.words}", flush=True)


def _print(rows: Iterable[Row]) -> None:
    together: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        together[row.part, row.name].append(row)
    print(f"{'part':<9} {'what':<22} {'plays':>5} {'texts':>6} {'bytes':>10} {'wrong':>5} {'s each':>6}")
    for (part, name), plays in together.items():
        texts, size = sum(row.marks for row in plays), sum(row.size for row in plays)
        wrong, took = sum(len(row.wrong) for row in plays), sum(row.took for row in plays) / len(plays)
        print(f"{part:<9} {name:<22} {len(plays):>5} {texts:>6} {size:>10} {wrong:>5} {took:>6.1f}")
