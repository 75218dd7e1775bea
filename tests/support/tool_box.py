"""Programs of known names in a folder for ``PATH``, each standing in for the tool it is called like."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"


def tool_box(folder: Path, *names: str) -> str:
    """Put the named tools into ``folder``; the value of ``PATH`` with it in front."""
    folder.mkdir(exist_ok=True)
    for name in names:
        source = (TOOLS / f"{name}.py").read_text(encoding="utf-8")
        program = folder / name
        program.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
        program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
