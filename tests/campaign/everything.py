"""``python -m tests.campaign all``: every part in full, one after the other, and a table of what each came to."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FULL = {
    "sequences": ("--count", "10000"),
    "crash": ("--random", "20"),
    "instances": (),
    "terminal": (),
    "disk": (),
    "secrets": (),
    "limits": (),
    "mutants": (),
}
"""By part, the words that make it a whole one. One at a time: most of them measure, and each uses every core."""

ENDS = {0: "nothing broke", 1: "BROKEN", 2: "not run here"}
"""What an exit code of a part means."""


def main(argv: Sequence[str]) -> int:
    """Run them; 0 = every part was run and nothing broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign all", description=__doc__)
    parser.add_argument("--only", action="append", choices=tuple(FULL), help="these parts alone; may be repeated")
    wanted = parser.parse_args(argv).only or tuple(FULL)
    ended: list[tuple[str, int, float, str]] = []
    for part, words in FULL.items():
        if part in wanted:
            print(f"\n=== {part} {' '.join(words)}".rstrip(), flush=True)
            began = time.monotonic()
            code, last = _run(part, words)
            ended.append((part, code, time.monotonic() - began, last))
    print(f"\n{'part':<12}{'came to':<16}{'minutes':>8}   its last word")
    for part, code, seconds, last in ended:
        print(f"{part:<12}{ENDS.get(code, f'exit code {code}'):<16}{seconds / 60:>8.1f}   {last}")
    return 0 if all(code == 0 for _, code, _, _ in ended) else 1


def _run(part: str, words: Sequence[str]) -> tuple[int, str]:
    """Run a part and show what it prints; returns its exit code and its last line."""
    last = ""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.campaign", part, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as running:  # fmt: skip
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return running.returncode, last
