"""``python -m tests.campaign NAME …``: one command for each part of the fault campaign."""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = {
    "all": ("tests.campaign.everything", "every part in full, one after the other"),
    "sequences": ("tests.campaign.sequences", "random fault sequences, judged from outside"),
    "crash": ("tests.campaign.crash", "a stop before and inside every file operation"),
    "instances": ("tests.campaign.instances", "many processes on one folder"),
    "terminal": ("tests.campaign.terminal", "hostile text and signals in a real pseudo-terminal"),
    "disk": ("tests.campaign.disk", "full, read-only, foreign and damaged disks"),
    "secrets": ("tests.campaign.secrets", "canary keys and prompts, searched everywhere"),
    "limits": ("tests.campaign.limits", "bombs and slow peers, within bounds of memory and time"),
    "mutants": ("tests.campaign.mutants", "seeded bugs, each of which has to be found"),
}
"""By name: the module, whose ``main(argv)`` returns the exit code, and what it does."""


def main(words: list[str]) -> int:
    """Run one part, or list them."""
    if not words or words[0] not in PARTS:
        for name, (_, what) in PARTS.items():
            print(f"  {name:<12}{what}")
        return 0 if not words else 2
    part = import_module(PARTS[words[0]][0])
    if not hasattr(part, "main"):  # a folder keeps its command beside its other modules
        part = import_module(f"{PARTS[words[0]][0]}.command")
    code = part.main(words[1:])
    assert isinstance(code, int)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
