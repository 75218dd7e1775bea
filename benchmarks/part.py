"""Run one part in this process: its samples go to standard output, one JSON object a line.

    python -m benchmarks.part NAME [--rounds 3] [--quick] [--rivals FOLDER]

It measures the llmdesk of the interpreter it runs in. ``python3 -m benchmarks`` calls it in an environment made for it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.apparatus.told import Told
from benchmarks.judging.samples import to_line
from benchmarks.running.parts import MORE, PARTS

if TYPE_CHECKING:
    from types import FrameType


def main() -> int:
    """Measure, and tell each value as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*PARTS, *MORE])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rivals", type=Path)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)  # so that servers and folders are taken down on the way out
    module = import_module(f"benchmarks.{given.name}")
    with tempfile.TemporaryDirectory(prefix="llmdesk-bench-") as folder:
        told = Told(rounds=given.rounds, quick=given.quick, rivals=given.rivals, folder=Path(folder))
        for each in module.measure(told):
            print(to_line(each), flush=True)
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
