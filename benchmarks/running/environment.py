"""Environments that are measured in: the clone installed as a user has it, compiled, with what measuring needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLONE = Path(__file__).resolve().parents[2]

FOREIGN = re.compile(r"PYTHON.*|VIRTUAL_ENV|UV_PROJECT_ENVIRONMENT|LLMDESK_.*|OLLAMA_.*|.*_API_KEY|COLUMNS|LINES")
"""Variables of the surrounding environment that would change what is installed or measured."""

INSTALL_LIMIT_S = 900


class NotInstalledError(Exception):
    """An environment could not be made; says why in one line."""


def clean_variables() -> dict[str, str]:
    """This process's environment without what would change a measurement; byte code is written."""
    return {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}


def measuring_needs(clone: Path = CLONE) -> list[str]:
    """What measuring needs beside llmdesk: the group ``bench`` of ``pyproject.toml``."""
    with (clone / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["dependency-groups"]["bench"])


class Environment:
    """One virtual environment.

    Args:
        folder: where it is, or will be.
        uv: the path of uv; ``None`` = venv and pip do it.
    """

    def __init__(self, folder: Path, uv: str | None) -> None:
        self.folder = folder
        self._uv = uv
        self.python = folder / "bin" / "python"

    def install(self, requirements: Sequence[str], *, anew: str = "") -> None:
        """Install into it, compiled; what is there and fits stays.

        Args:
            requirements: names with versions, and paths.
            anew: the name of a package that is installed again whatever is there, and stands first in them.

        Raises:
            NotInstalledError: something could not be installed.
        """
        python = str(self.python)
        if self._uv is not None:
            if not self.python.exists():
                _run([self._uv, "venv", "-q", "--clear", "--python", sys.executable, str(self.folder)])
            again = ["--reinstall-package", anew] if anew else []
            _run([self._uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *again, *requirements])
            return
        if not self.python.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(self.folder)])
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, *requirements])
        if anew:
            _run([*pip, "--force-reinstall", "--no-deps", requirements[0]])


def find_uv(clone: Path = CLONE) -> str | None:
    """The uv on the path, or that of the clone's own environment."""
    beside = clone / ".venv" / "bin" / "uv"
    return shutil.which("uv") or (str(beside) if beside.exists() else None)


def _run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            argv, env=env or clean_variables(), capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"{argv[0]}: {error}") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NotInstalledError(" ".join(said[-4:])[:300] or f"{argv[0]} ended with code {done.returncode}")
