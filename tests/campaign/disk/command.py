"""``python -m tests.campaign disk``: every bad disk of docs/policy.md under the whole program, as a table."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.crash.stage import MEMORY, Stage
from tests.campaign.crash.tracer import why_not
from tests.campaign.disk import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.campaign.evidence import Violation


def main(argv: Sequence[str]) -> int:
    """Run it; 0 = no violation, 1 = there are some, 2 = it cannot be done here."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign disk", description=__doc__)
    parser.add_argument("--only", action="append", metavar="WORDS", help="cases whose name holds these words")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="of the sweep every K-th write only")
    wanted = parser.parse_args(argv)
    if reason := why_not():
        print(f"Not run: {reason}.")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="llmdesk-disk-", dir=MEMORY if MEMORY.is_dir() else None)).resolve()
    try:
        with Stage.set_in(folder) as stage:
            return _run(stage, wanted.only or [""], wanted.every)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(stage: Stage, wanted: Sequence[str], step: int) -> int:
    chosen: dict[str, Callable[[Stage], Iterator[Violation]]] = dict(cases.quick())
    for reason, more in (
        (cases.why_no_other_owner(), cases.of_an_ordinary_user()),
        (cases.why_no_mounting(stage.world().home.parent), cases.of_file_systems()),
    ):
        if reason:
            print(f"Not run: {len(more)} cases, {reason}.")
        else:
            chosen |= more
    chosen |= cases.sweep(stage, step)
    violations = count = 0
    begun = time.monotonic()
    for name, case in chosen.items():
        if not any(words in name for words in wanted):
            continue
        count += 1
        found = list(case(stage))
        violations += len(found)
        print(f"{name:<52}{len(found):>4}", flush=True)
        for each in found:
            print(f"    {each.rule}: {each.words}")
    print(f"{count} cases, {violations} violations, {time.monotonic() - begun:.0f} s")
    return 1 if violations else 0
