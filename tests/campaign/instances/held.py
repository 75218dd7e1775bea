"""llmdesk, loaded and held at a gate, so that many begin at the same moment and not one after another.

``python held.py GATE READY WORD…``: everything is imported, one byte goes to the descriptor READY, and the command runs
as soon as the other end of GATE is closed. What runs is the program itself; only the loading came before.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

LOADED = ("llmdesk.__main__", "llmdesk.cli.main", "llmdesk.cli.commands.exec", "llmdesk.wiring", "httpx", "sqlite3")


def main() -> int:
    """Load, say so, wait, run."""
    gate, ready = int(sys.argv[1]), int(sys.argv[2])
    program, *_ = (import_module(name) for name in LOADED)
    os.write(ready, b"x")
    os.close(ready)
    os.read(gate, 1)
    os.close(gate)
    return int(program.main(sys.argv[3:]))


if __name__ == "__main__":
    sys.exit(main())
