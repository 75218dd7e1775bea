"""One run of the real program under a load cell: its time, its memory, and what it said."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEASURED = Path(__file__).with_name("measured.py")
ROOT = Path(__file__).resolve().parents[3]

HANG_S = 90.0
"""Whoever takes longer than that is killed and counts as hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a process did. ``peak_mib`` is the most that it, or a child that it waited for, had in memory."""

    code: int
    seconds: float
    over: float
    peak_mib: float
    hung: bool
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object on stdout; empty when there is none."""
        try:
            value = json.loads(self.out)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def measure(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdin: BinaryIO | int | None = None
) -> Ran:
    """Run ``llmdesk WORD…`` to its end; what it prints goes to files, so that nobody has to hold it in memory."""
    program = (sys.executable, "-m", "llmdesk", *words)
    report, out, err = (folder / f"{uuid.uuid4().hex}.{kind}" for kind in ("report", "out", "err"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-I", "-S", str(MEASURED), str(report), str(HANG_S), *program],
            env=dict(environment),
            cwd=ROOT,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            timeout=HANG_S * 2,
            check=True,
        )
    told = json.loads(report.read_text(encoding="ascii"))
    return Ran(
        code=told["code"],
        seconds=told["seconds"],
        over=told["over"],
        peak_mib=told["peak_kib"] / 1024,
        hung=told["hung"],
        out=_beginning(out),
        err=_beginning(err),
    )


def _beginning(path: Path, most: int = 1 << 20) -> str:
    with path.open("rb") as file:
        return file.read(most).decode(errors="replace")
