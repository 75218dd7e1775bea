"""What a part is told: how much to measure, where, and beside whom."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.judging.samples import Failure
from benchmarks.running.rivals import WHY

LLMDESK = str(Path(sys.executable).parent / "llmdesk")
"""The command of the interpreter a part runs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How one part is to be measured.

    Args:
        rounds: so many values of everything.
        quick: as little work as shows that it works; the figures mean nothing.
        rivals: the folder of their environments; ``None`` = they are left out.
        folder: for whatever files are needed; it is removed afterwards.
    """

    rounds: int
    quick: bool
    rivals: Path | None
    folder: Path

    def sizes(self, *sizes: int, quick: tuple[int, ...]) -> tuple[int, ...]:
        """The sizes to measure."""
        return quick if self.quick else sizes

    def count(self, count: int, quick: int) -> int:
        """How often something is measured within a round."""
        return quick if self.quick else count

    def rival(self, name: str, program: str = "python") -> Path | Failure | None:
        """A rival's program, or why there is none; ``None`` = rivals are left out."""
        if self.rivals is None:
            return None
        why = self.rivals / name / WHY
        if why.exists():
            return Failure(of=name, why=why.read_text("utf-8"))
        return self.rivals / name / "bin" / program


def variables(home: Path, **more: str) -> dict[str, str]:
    """The environment of a program that is measured: nothing of the user's, and byte code is written."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": str(home), **more}
