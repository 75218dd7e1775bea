"""A copy of the program and of the campaign to put a bug into, with a Python of its own that imports no other.

Processes of the campaign start further ones, in other folders and with environments of their own: whichever of them
runs this Python runs the copy.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.mutants.mutant import ROOT

if TYPE_CHECKING:
    from tests.campaign.mutants.mutant import Mutant

_NOT_NEEDED = shutil.ignore_patterns("assets", "tui", "outside", "*-pytest-*.pyc", "*.tmp", "*.pyc.*")


def copy_to(folder: Path) -> None:
    """The program and the campaign as they are now, with what Python has compiled of them."""
    shutil.copytree(ROOT / "llmdesk", folder / "llmdesk", ignore=shutil.ignore_patterns("*.tmp", "*.pyc.*"))
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=_NOT_NEEDED)
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")


def with_bug(mutant: Mutant, original: Path, folder: Path) -> Path:
    """Copy the copy, put a bug into it; the Python that runs it.

    Args:
        mutant: the bug.
        original: where ``copy_to`` has copied to.
        folder: does not exist yet.
    """
    shutil.copytree(original, folder)
    package = folder / "llmdesk"
    Path(cache_from_source(str(package / mutant.file))).unlink(missing_ok=True)
    mutant.apply(package)
    return _python(folder)


def _python(folder: Path) -> Path:
    """A virtual environment that has what this one has, but the program from the copy."""
    place = folder / "python"
    packages = place / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    # a folder named here is searched, but paths that are named in it, as this checkout is, are not
    (packages / "copy.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    program = place / "bin" / "python"
    program.parent.mkdir()
    real = Path(sys.executable).resolve()
    program.symlink_to(real)
    (place / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n", encoding="utf-8")
    return program
