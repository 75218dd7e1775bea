"""``python -m tests.campaign mutants``: a copy of the program for each seeded bug, and the campaign against it."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.campaign.mutants.catalogue.everything import MUTANTS
from tests.campaign.mutants.mutant import Command, Slice, Test
from tests.campaign.mutants.replica import copy_to, with_bug
from tests.campaign.mutants.slice import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.campaign.mutants.mutant import Mutant

LIMIT_S = 60.0
"""How long the last sequences of one mutant may need when its time is up, seconds."""

COMMAND_LIMIT_S = 240.0
"""How long another part of the campaign may need, seconds."""

RULE = re.compile(r"\bI\d{1,2}b?\b")


ROW = "{:<8} {:>6} s  {:<8} {:<44} {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What became of a mutant.

    Args:
        mutant: it.
        killed: the campaign found something wrong.
        rules: the invariants that it found broken.
        killer: what found it.
        seconds: how long that took.
        words: what was seen, or why it lives.
    """

    mutant: Mutant
    killed: bool
    rules: tuple[str, ...]
    killer: str
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
    _say(ROW.format("", "took", "broken", "killer", "mutant"))
    with tempfile.TemporaryDirectory(prefix="llmdesk-mutants-") as name, ThreadPoolExecutor(options.jobs) as pool:
        original = Path(name) / "original"
        copy_to(original)
        for death in pool.map(lambda mutant: run(mutant, original, seconds=options.seconds), chosen):
            deaths.append(death)
            _say(line(death))
    survivors = [death for death in deaths if not death.killed]
    _say("")
    for death in survivors:
        _say(f"SURVIVED {death.mutant.name}: {death.words}")
    took = f"{time.monotonic() - began:.0f} s with {options.jobs} at a time"
    _say(f"{len(deaths)} mutants, {len(deaths) - len(survivors)} killed, {len(survivors)} survived, {took}")
    return 1 if survivors or not chosen else 0


def line(death: Death) -> str:
    """One mutant as a line of the table."""
    became = "killed" if death.killed else "SURVIVED"
    return ROW.format(became, f"{death.seconds:.1f}", ", ".join(death.rules), death.killer, death.mutant.name)


def run(mutant: Mutant, original: Path, *, seconds: float) -> Death:
    """Copy the program, put the bug in, and let the campaign find it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="llmdesk-mutant-") as name:
        folder = Path(name) / "copy"
        python = with_bug(mutant, original, folder)
        limit_s = seconds + LIMIT_S if isinstance(mutant.killer, Slice) else COMMAND_LIMIT_S
        code, out = _run([str(python), *_words(mutant, seconds)], folder, limit_s)
    return Death(mutant=mutant, seconds=time.monotonic() - began, **read_out(mutant, code, out))


def _words(mutant: Mutant, seconds: float) -> tuple[str, ...]:
    """What Python is told to run in the copy."""
    if isinstance(mutant.killer, Slice):
        return (*words_of(mutant.killer, mutant.rules), "--seconds", str(seconds))
    if isinstance(mutant.killer, Test):
        return ("-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *mutant.killer.words)
    return ("-m", "tests.campaign", *mutant.killer.words)


def read_out(mutant: Mutant, code: int | None, out: str) -> dict[str, Any]:
    """What the campaign has said; it must name a rule that the mutant was made to break."""
    if isinstance(mutant.killer, Slice):
        return _of_sequences(mutant, mutant.killer, code, out)
    seen = set(RULE.findall(out))
    rules = tuple(sorted(seen & set(mutant.rules)))
    if isinstance(mutant.killer, Command) and mutant.killer.tells:
        rules = mutant.rules if re.search(mutant.killer.tells, out) else ()
    words = "it found nothing" if code == 0 else f"it found {', '.join(sorted(seen)) or 'no rule broken'}"
    return {
        "killed": code == 1 and bool(rules),
        "rules": rules,
        "killer": _named(mutant.killer),
        "words": _why(code, out, words),
    }


def _named(killer: Command | Test) -> str:
    if isinstance(killer, Test):
        return f"test: {killer.words[0].rpartition('/')[2].partition('.')[0].removeprefix('test_')}"
    part, *more = killer.words
    return f"{part}: {' '.join(word for word in more if not word.startswith('-'))}"


def _of_sequences(mutant: Mutant, what: Slice, code: int | None, out: str) -> dict[str, Any]:
    told = list(_told(out))
    found = [each for each in told if set(each.get("rules", ())) & set(mutant.rules)]
    killer = f"story: {what.story}" if what.story else "sequences"
    if code == 1 and found:
        if not what.story:
            seed = found[0]["seed"]
            killer = f"seed {seed}" if seed in what.seeds else f"seed {seed} (drawn)"
        rules = tuple(rule for rule in found[0]["rules"] if rule in mutant.rules)
        return {"killed": True, "rules": rules, "killer": killer, "words": str(found[0]["words"][0])}
    others = sorted({rule for each in told for rule in each.get("rules", ())})
    unclear = sum("unclear" in each for each in told)
    played = sum(int(each.get("played", 0)) for each in told)
    words = f"{played} sequences did not find it"
    words += f", but {others}" if others else ""
    words += f"; the machine was too busy for {unclear} of them" if unclear else ""
    return {"killed": False, "rules": (), "killer": killer, "words": _why(code, out, words)}


def _why(code: int | None, out: str, words: str) -> str:
    if code is None:
        return f"the campaign did not end in time: {out.strip()[-1500:]}"
    return words if code in (0, 1) and "Traceback" not in out else f"the campaign broke ({code}): {out.strip()[-300:]}"


def _run(words: Sequence[str], folder: Path, limit_s: float) -> tuple[int | None, str]:
    """Run Python in the copy, in a group of its own; ``None`` = it did not end in time, which is no death."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTHONFAULTHANDLER"] = "1"  # what does not end tells where it is
    with subprocess.Popen(
        words,
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
            process.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with suppress(ProcessLookupError):
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
