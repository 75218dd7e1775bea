"""Under what a run was measured: the day, the machine, how busy it was, and the versions."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ASK = """
import importlib.metadata, json, sqlite3, sys
import llmdesk
names = ("llmdesk", "textual", "httpx", "ollama")
told = {name: importlib.metadata.version(name) for name in names}
told |= {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version, "from": llmdesk.__file__}
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy the machine was around one part: processes that ran or waited, over a minute (``getloadavg``)."""

    part: str
    before: float
    after: float
    seconds: float


def versions(python: Path, cwd: Path, env: dict[str, str]) -> dict[str, str]:
    """What is installed there, and where llmdesk comes ``from``."""
    asked = subprocess.run([python, "-c", _ASK], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(asked.stdout)
    return told


def commit(clone: Path) -> str:
    """The commit that is measured; with a mark where files differ from it, empty where git does not say."""
    git = ["git", "-C", str(clone)]
    try:
        found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "llmdesk", "themes", "pyproject.toml"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip() + (" with changes" if changed.stdout.strip() else "")


def tried(versions: Mapping[str, str], *, rounds: int) -> str:
    """Who was tried when, on one line."""
    day = time.strftime("%-d %B %Y")
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{day}: {named}. Each trial {rounds} time{'s' * (rounds != 1)}."


def told(found: dict[str, str], loads: Sequence[Load], *, rounds: int, quick: bool, at: str) -> str:
    """The conditions as a paragraph and a line for how busy it was."""
    day = time.strftime("%-d %B %Y")
    what = ", ".join(f"{name} {found[name]}" for name in ("textual", "httpx", "ollama"))
    here = f" ({at})" if at else ""
    text = (
        f"llmdesk {found['llmdesk']}{here}, {day}: {os.cpu_count()} cores ({platform.system()}, {platform.machine()}), "
        f"CPython {found['python']}, SQLite {found['sqlite']}, {what}. Medians of {rounds} "
        f"round{'s' * (rounds != 1)} (least-most)."
    )
    if quick:
        text += " **A quick run: too little of everything, the figures mean little.**"
    busy = ", ".join(f"{each.part} {each.before:.1f}→{each.after:.1f} in {each.seconds:.0f} s" for each in loads)
    return f"{text}\n\nLoad of the machine at the start and the end of each part: {busy}."
