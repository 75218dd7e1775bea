"""``python -m tests.campaign mutants``: a copy of the program for each seeded bug, and the campaign against it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.campaign.mutants.catalogue.everything import MUTANTS
from tests.campaign.mutants.mutant import ROOT, Mutant, Slice
from tests.campaign.mutants.slice import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIMIT_S = 120.0
"""How long sequences may need for one mutant, seconds."""

COMMAND_LIMIT_S = 400.0
"""How long another part of the campaign may need, seconds."""

RULE = re.compile(r"\bI\d{1,2}b?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What became of a mutant.

    Args:
        mutant: it.
        killed: the campaign found something wrong.
        rules: the invariants that it found broken.
        seconds: how long that took.
        words: what was seen, or why it lives.
    """

    mutant: Mutant
    killed: bool
    rules: tuple[str, ...]
    seconds: float
    words: str


def main(argv: Sequence[str]) -> int:
    """Run them; 1 = one survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those with this in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a slice may be played")
    parser.add_argument("--list", action="store_true", help="name them")
    options = parser.parse_args(argv)
    chosen = [mutant for mutant in MUTANTS if options.only.casefold() in mutant.name.casefold()]
    if options.list:
        for mutant in chosen:
            _say(f"{mutant.file:<34}{mutant.name} ({', '.join(mutant.rules)})")
        return 0
    began = time.monotonic()
    deaths: list[Death] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for death in pool.map(lambda mutant: run(mutant, seconds=options.seconds), chosen):
            deaths.append(death)
            _say(line(death))
    survivors = [death for death in deaths if not death.killed]
    _say("")
    _say(f"mutants   {len(deaths)}")
    _say(f"killed    {len(deaths) - len(survivors)}")
    _say(f"survived  {len(survivors)}")
    _say(f"time      {time.monotonic() - began:.0f} s with {options.jobs} jobs")
    for death in survivors:
        _say(f"SURVIVED  {death.mutant.name}: {death.words}")
    return 1 if survivors or not chosen else 0


def line(death: Death) -> str:
    """One mutant as a line of the table."""
    if not death.killed:
        return f"SURVIVED {death.seconds:6.1f} s  {death.mutant.name}: {death.words}"
    return f"killed   {death.seconds:6.1f} s  {', '.join(death.rules):<14} {death.mutant.name}"


def run(mutant: Mutant, *, seconds: float) -> Death:
    """Copy the program, put the bug in, and let the campaign find it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="llmdesk-mutant-") as name:
        folder = Path(name)
        copy_to(folder)
        mutant.apply(folder / "llmdesk")
        limit_s = LIMIT_S if isinstance(mutant.killer, Slice) else COMMAND_LIMIT_S
        code, out = _run(_words(mutant, seconds), folder, limit_s)
    took = time.monotonic() - began
    return Death(mutant=mutant, seconds=took, **read_out(mutant, code, out))


def _words(mutant: Mutant, seconds: float) -> tuple[str, ...]:
    """What Python is told to run in the copy."""
    if isinstance(mutant.killer, Slice):
        return (*words_of(mutant.killer, mutant.rules), "--seconds", str(seconds))
    return ("-m", "tests.campaign", *mutant.killer.words)


def read_out(mutant: Mutant, code: int | None, out: str) -> dict[str, Any]:
    """What the campaign has said; sequences must name a rule that the mutant was made to break."""
    told = list(_told(out))
    if not isinstance(mutant.killer, Slice):
        rules = tuple(sorted(set(RULE.findall(out))))
        return {"killed": code == 1, "rules": rules, "words": out.strip()[-300:]}
    found = [each for each in told if set(each.get("rules", ())) & set(mutant.rules)]
    if code == 1 and found:
        return {"killed": True, "rules": tuple(found[0]["rules"]), "words": str(found[0]["words"][0])}
    others = sorted({rule for each in told for rule in each.get("rules", ())})
    played = sum(int(each.get("played", 0)) for each in told)
    if code is None:
        words = "the campaign did not end in time"
    elif code == 0:
        words = f"{played} sequences did not find it{f', but {others}' if others else ''}"
    else:
        words = f"the campaign broke with exit code {code}: {out.strip()[-200:]}"
    return {"killed": False, "rules": (), "words": words}


def copy_to(folder: Path) -> None:
    """The program and the campaign as they are, without what was made of them."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "assets", "tui", "outside")
    shutil.copytree(ROOT / "llmdesk", folder / "llmdesk", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")


def _run(words: Sequence[str], folder: Path, limit_s: float) -> tuple[int | None, str]:
    """Run Python in the copy, in a group of its own; ``None`` = it did not end in time, which is no death."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
            return None, out.decode("utf-8", "replace")
    return process.returncode, out.decode("utf-8", "replace")


def _told(out: str) -> Iterator[dict[str, Any]]:
    for text in out.splitlines():
        if text.startswith("{"):
            try:
                value = json.loads(text)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def _say(text: str) -> None:
    print(text, flush=True)
