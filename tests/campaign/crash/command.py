"""``python -m tests.campaign crash``: every scenario stopped before and inside every file operation, as a table."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.crash.points import campaign, edges, every, those_at
from tests.campaign.crash.scenarios import ALL
from tests.campaign.crash.stage import MEMORY
from tests.campaign.crash.tracer import why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.points import Tally
    from tests.campaign.crash.tracer import Kill

_SHOWN = 40
_HEAD = f"{'scenario':<18}{'operations':>11}{'before':>8}{'inside':>8}{'random':>8}{'violations':>12}{'seconds':>9}"


def main(argv: Sequence[str]) -> int:
    """Run it; 0 = no violation, 1 = there are some, 2 = it cannot be done here."""
    names = [scenario.name for scenario in ALL]
    parser = argparse.ArgumentParser(prog="python -m tests.campaign crash", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=names, help="only this one; may be given several times")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every K-th operation only")
    parser.add_argument("--edges", action="store_true", help="of writes in a row the first and the last only")
    parser.add_argument("--at", default="", metavar="WORDS", help="operations with these words only: a call, a file")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="and N kills at random times")
    parser.add_argument("--seed", type=int, default=0, help="of the random times")
    parser.add_argument("--jobs", type=int, default=2, help="so many at a time")
    parser.add_argument("--keep", action="store_true", help="keep the files of trials with a violation")
    wanted = parser.parse_args(argv)
    if reason := why_not():
        print(f"Not run: {reason}.")
        return 2

    def choose(operations: Sequence[Operation]) -> list[Kill]:
        kills = edges(operations) if wanted.edges else every(operations, step=wanted.every)
        return those_at(wanted.at, kills, operations)

    print(_HEAD, flush=True)
    tallies: list[Tally] = []
    folder = Path(tempfile.mkdtemp(prefix="llmdesk-crash-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        for scenario in ALL:
            if wanted.scenario is None or scenario.name in wanted.scenario:
                tally = campaign(
                    scenario(), folder, choose=choose, jobs=wanted.jobs, kills=wanted.random, seed=wanted.seed
                )
                tallies.append(tally)
                print(_row(tally), flush=True)
                for each in tally.found[:_SHOWN]:
                    print(f"  {each}", flush=True)
                if len(tally.found) > _SHOWN:
                    print(f"  ... and {len(tally.found) - _SHOWN} more", flush=True)
    finally:
        found = [each for tally in tallies for each in tally.found]
        if not (found and wanted.keep):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
    print(f"{'all':<18}{'':>11}{_sum(tallies, 'before'):>8}{_sum(tallies, 'inside'):>8}{_sum(tallies, 'random'):>8}"
          f"{len(found):>12}{sum(tally.seconds for tally in tallies):>9.0f}")  # fmt: skip
    if found and wanted.keep:
        print(f"Files: {folder}")
    return 1 if found else 0


def _row(tally: Tally) -> str:
    return (
        f"{tally.scenario:<18}{tally.operations:>11}{tally.before:>8}{tally.inside:>8}{tally.random:>8}"
        f"{len(tally.found):>12}{tally.seconds:>9.0f}"
    )


def _sum(tallies: Sequence[Tally], name: str) -> int:
    return sum(getattr(tally, name) for tally in tallies)
