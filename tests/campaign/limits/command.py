"""``python -m tests.campaign limits``: every bomb and every slow peer, each against its plain run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.limits import files, floods, peers
from tests.campaign.limits.bench import measure
from tests.campaign.limits.judge import judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.campaign.limits.bench import Ran
    from tests.campaign.limits.cases import Case, SetScene
    from tests.campaign.limits.judge import Verdict

ROW = "{:<48} {:>7} {:>7}  {:<10} {}"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from peers.cases()
    yield from floods.cases()
    yield from files.cases()


def run(case: Case, folder: Path, plain_runs: dict[str, Ran]) -> Verdict:
    """Run one case, and before the first of its kind its plain run."""
    folder.mkdir(exist_ok=True)
    kind = _kind(case.plain)
    if kind not in plain_runs:
        plain_runs[kind], _, _ = _measured(case.plain, folder / f"plain-{len(plain_runs)}")
    ran, began, left = _measured(case.play, folder / "hostile")
    return judged(case, plain_runs[kind], ran, began=began, left=left)


def _kind(plain: SetScene) -> str:
    """What a plain run is known by."""
    return repr((getattr(plain, "args", plain), getattr(plain, "keywords", None)))


def _measured(play: SetScene, folder: Path) -> tuple[Ran, float | None, tuple[str, ...]]:
    folder.mkdir()
    with play(folder) as scene:
        ran = measure(scene.words, environment=scene.environment, folder=folder, stdin=scene.stdin)
        return ran, scene.began(), scene.left()


def main(argv: Sequence[str]) -> int:
    """Run the cases and print a table; 1 = something was broken."""
    parser = argparse.ArgumentParser(prog="limits", description=__doc__)
    parser.add_argument("--only", metavar="WORDS", help="cases whose name holds this")
    parser.add_argument("--quick", action="store_true", help="the short slice alone")
    wish = parser.parse_args(argv)
    write = sys.stdout.write
    write(ROW.format("case", "s", "MiB", "class", "verdict") + "\n")
    broken = count = 0
    plain_runs: dict[str, Ran] = {}
    for number, case in enumerate(cases()):
        if (wish.only and wish.only not in case.name) or (wish.quick and not case.quick):
            continue
        with tempfile.TemporaryDirectory(prefix="llmdesk-limits-") as folder:
            verdict = run(case, Path(folder) / str(number), plain_runs)
        count += 1
        broken += len(verdict.violations)
        kept = "broken" if verdict.violations else "kept"
        cells = (case.name, f"{verdict.seconds:.1f}", f"{verdict.growth_mib:.0f}", case.error or "-", kept)
        write(ROW.format(*cells) + "\n")
        for violation in verdict.violations:
            write(f"    {violation.rule}: {violation.words}\n")
        sys.stdout.flush()
    write(f"\n{count} cases, {broken} violations\n")
    return 1 if broken else 0
