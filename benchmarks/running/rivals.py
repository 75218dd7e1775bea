"""Rivals from PyPI: what each one is installed from, each into an environment of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.running.environment import Environment, NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGES = {
    "elia": ("elia-chat",),
    "oterm": ("oterm",),
    "parllama": ("parllama",),
    "llm": ("llm", "llm-ollama"),
    "litellm": ("litellm",),
}

NEEDED = {
    "start": ("elia", "oterm", "parllama"),
    "exec": ("llm",),
    "selection": ("litellm",),
    "failover": ("litellm",),
    "promises": ("elia", "oterm", "parllama", "llm"),
}
"""Who is measured by which part."""

WHY = "why.txt"
"""Stands in the folder of a rival that could not be installed, and says why."""


def install_rivals(folder: Path, parts: Sequence[str], uv: str | None) -> dict[str, str]:
    """Install whom some parts measure; returns for each who could not be installed why."""
    missing = {}
    for name in dict.fromkeys(name for part in parts for name in NEEDED.get(part, ())):
        place = folder / name
        try:
            Environment(place, uv).install(PACKAGES[name])
        except NotInstalledError as error:
            missing[name] = f"{name} could not be installed: {error}"
            place.mkdir(parents=True, exist_ok=True)
            (place / WHY).write_text(missing[name], "utf-8")
    return missing


def versions(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Of those that are installed, which version."""
    found = {}
    for name in names:
        package = PACKAGES[name][0].replace("-", "_")
        for place in (folder / name / "lib").glob(f"python*/site-packages/{package}-*.dist-info"):
            found[name] = place.name.removeprefix(f"{package}-").removesuffix(".dist-info")
    return found
