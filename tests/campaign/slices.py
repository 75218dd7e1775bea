"""The sequences that every run of the tests plays: what was found before, and a fixed piece of the endless rest."""

from __future__ import annotations

from pathlib import Path

from tests.campaign.run import play_all

FIRST = 6_000_000
"""The first seed of the piece; a longer campaign begins somewhere else each time."""

EACH = 32
"""Sequences of one test: few enough for its time limit on a machine that is busy."""

PATIENT_S = 400
"""How long one test may take: some seconds where the machine is free, more where sequences must be played again."""

FOUND = Path(__file__).with_name("seeds.txt")
"""Seeds that broke a rule once, one a line, and what each found."""


def found_before() -> tuple[int, ...]:
    """The seeds of ``seeds.txt``."""
    lines = (line.partition("#")[0].strip() for line in FOUND.read_text(encoding="utf-8").splitlines())
    return tuple(int(line) for line in lines if line)


def piece(number: int) -> range:
    """The seeds of one test."""
    return range(FIRST + number * EACH, FIRST + (number + 1) * EACH)


def broken(seeds: range | tuple[int, ...]) -> list[str]:
    """Play seeds; every broken rule in words, so that a failed test tells how to see it again."""
    return [
        f"python -m tests.campaign sequences --verbose --seed {verdict.seed}: {words}"
        for verdict in play_all(seeds)
        for words in (*(f"{each.rule}: {each.words}" for each in verdict.violations), *verdict.notes)
    ]
