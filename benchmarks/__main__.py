"""Measure what the desk costs: one command, one table.

    python3 -m benchmarks [--only PART,PART] [--rounds N] [--quick] [--rivals] [--write] [--keep]

It installs this clone as a user has it into an environment of its own below `.benchmarks/`, runs each part there as a
process, and prints one Markdown table. It exits with 1 if an aim is missed. Everything it made is removed at the end.
The part `promises` tries and does not measure: it prints a table of its own, and what was seen on standard error.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.judging import page, promises
from benchmarks.judging.figures import figures_of
from benchmarks.judging.rows import markdown, rows_of
from benchmarks.judging.samples import Failure
from benchmarks.running import conditions
from benchmarks.running.environment import CLONE, Environment, NotInstalledError, clean_variables, find_uv
from benchmarks.running.environment import measuring_needs as needs
from benchmarks.running.parts import MORE, PARTS, run_part
from benchmarks.running.rivals import install_rivals
from benchmarks.running.rivals import versions as rival_versions

if TYPE_CHECKING:
    from benchmarks.judging.rows import Row
    from benchmarks.judging.samples import Sample, Trial

PLACE = CLONE / ".benchmarks"
PAGE = CLONE / "docs" / "benchmarks.md"
TRIED_PAGE = CLONE / "docs" / "clients.md"


def main() -> int:
    """Measure and print; the exit code says whether every aim is met."""
    given = _given()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that all is taken down on the way out
    try:
        with tempfile.TemporaryDirectory(prefix="llmdesk-bench-") as work:
            return _measure(given, Path(work))
    except NotInstalledError as error:
        _say(f"The environment could not be made: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        if not given.keep:
            shutil.rmtree(PLACE, ignore_errors=True)


def _given() -> argparse.Namespace:
    parts = "".join(f"\n  {name:<14}{what}" for name, what in PARTS.items())
    more = "".join(f"\n  {name:<14}{what}" for name, what in MORE.items())
    parser = argparse.ArgumentParser(
        prog="python3 -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"parts:{parts}\n\nonly by name:{more}",
    )  # fmt: skip
    parser.add_argument("--only", metavar="PART[,PART]", help="some parts, by name")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="values of each figure (default: 3)")
    parser.add_argument("--quick", action="store_true", help="as little work as shows that everything runs")
    parser.add_argument("--rivals", action="store_true", help="install rivals from PyPI too, and measure beside them")
    parser.add_argument("--write", action="store_true", help="put the table into its page below docs/")
    parser.add_argument("--keep", action="store_true", help="keep the environments for the next run")
    given = parser.parse_args()
    given.parts = list(dict.fromkeys(given.only.split(","))) if given.only else list(PARTS)
    if unknown := [name for name in given.parts if name not in PARTS and name not in MORE]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join([*PARTS, *MORE])}")
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    tried = given.parts == ["promises"] and given.rivals
    if given.write and (given.quick or (set(PARTS) - set(given.parts) and not tried)):
        parser.error("--write takes a whole run: neither --quick nor --only (but for --only promises --rivals)")
    return given


def _measure(given: argparse.Namespace, work: Path) -> int:
    environment, rivals = _installed(given)
    staged = work / "staged"
    shutil.copytree(CLONE / "benchmarks", staged / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    env = {**clean_variables(), "PYTHONPATH": str(staged)}
    found = conditions.versions(environment.python, work, env)
    if not Path(found["from"]).is_relative_to(environment.folder):
        raise NotInstalledError(f"llmdesk comes from {found['from']}")
    told: dict[str, list[Sample | Failure | Trial]] = {}
    loads = []
    for part in given.parts:
        argv = [str(environment.python), "-m", "benchmarks.part", part, "--rounds", str(given.rounds)]
        argv += ["--quick"] * given.quick + (["--rivals", str(rivals)] if rivals is not None else [])
        before, at = os.getloadavg()[0], time.monotonic()
        told[part] = run_part(part, argv, env=env, cwd=work)
        loads.append(conditions.Load(part=part, before=before, after=os.getloadavg()[0], seconds=time.monotonic() - at))
        _say(
            f"{part}: {len(told[part])} values in {loads[-1].seconds:.0f} s, load {before:.1f} to {loads[-1].after:.1f}"
        )
    kept = True
    if "promises" in told:
        versions = {"llmdesk": found["llmdesk"]} | (rival_versions(rivals, promises.RIVALS) if rivals else {})
        kept = _tried(given, told["promises"], versions)
    measured = [part for part in given.parts if part != "promises"]
    if not measured:
        return 0 if kept else 1
    rows = rows_of(figures_of(measured), told)
    at_commit = conditions.commit(CLONE)
    said = conditions.told(found, loads, rounds=given.rounds, quick=given.quick, at=at_commit)
    text = f"{said}\n\n{markdown(rows)}"
    print(text)
    if given.write:
        page.write(PAGE, text)
    return _judged(rows) or (0 if kept else 1)


def _tried(given: argparse.Namespace, told: list[Sample | Failure | Trial], versions: dict[str, str]) -> bool:
    """Print what was tried, and put it into its page; false = the part itself failed."""
    marks = promises.marks_of(told)
    text = f"{conditions.tried(versions, rounds=given.rounds)}\n\n{promises.markdown(marks)}"
    print(text)
    _say(f"what was seen:\n{promises.seen(marks)}")
    failed = [each.why for each in told if isinstance(each, Failure) and not each.of]
    for why in failed:
        _say(why)
    if given.write and not failed:
        page.write(TRIED_PAGE, text)
    return not failed


def _installed(given: argparse.Namespace) -> tuple[Environment, Path | None]:
    """The environment with this clone in it, and the folder of the rivals."""
    PLACE.mkdir(exist_ok=True)
    (PLACE / ".gitignore").write_text("*\n", "utf-8")
    uv = find_uv()
    _say(f"installing this clone with {'uv' if uv else 'pip'}")
    environment = Environment(PLACE / "llmdesk", uv)
    environment.install([str(CLONE), *needs()], anew="llmdesk")
    if not given.rivals:
        return environment, None
    _say("installing rivals")
    rivals = PLACE / "rivals"
    for why in install_rivals(rivals, given.parts, uv).values():
        _say(why)
    return environment, rivals


def _judged(rows: list[Row]) -> int:
    missed = [row.cells[0] for row in rows if row.met is False]
    met = sum(row.met is True for row in rows)
    _say(f"{met} aims met, {len(missed)} not{': ' if missed else ''}{'; '.join(missed)}")
    return 1 if missed else 0


def _say(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
