"""Asks LiteLLM's Router, where it is installed, in a process of its own environment."""

from __future__ import annotations

import json
import statistics
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.apparatus.told import variables
from benchmarks.judging.figures import LITELLM
from benchmarks.judging.samples import Failure, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.apparatus.told import Told

PROGRAM = Path(__file__).with_name("litellm_router.py")
LIMIT_S = 300


def routed(told: Told, figure: str, size: int, *words: str) -> Iterator[Sample | Failure]:
    """The median of each round of what ``litellm_router.py`` measures; nothing where rivals are left out."""
    python = told.rival("litellm")
    if python is None:
        return
    if isinstance(python, Failure):
        yield Failure(of=LITELLM, why=python.why)
        return
    for _ in range(told.rounds):
        try:
            done = subprocess.run(
                [python, PROGRAM, *words], env=variables(told.folder), cwd=told.folder, capture_output=True, text=True,
                check=True, timeout=LIMIT_S,
            )  # fmt: skip
            times = json.loads(done.stdout.splitlines()[-1])
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
            said = str(getattr(error, "stderr", "") or error).strip().splitlines()
            yield Failure(of=LITELLM, why=f"LiteLLM's Router failed: {' '.join(said[-1:])[:200]}")
            return
        yield Sample(figure=figure, of=LITELLM, value=statistics.median(times), size=size)
