"""Commented configurations to begin with, all cut from one template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.new_files import create_whole, make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ("minimal", "full", "local", "openai-compatible", "anthropic", "google", "command", "many")
"""The names ``example`` knows, the usual one first."""

_MARK = "#: "
"""Begins the line before a block of the template; the names of the examples that contain it follow."""


def example(name: str = EXAMPLES[0]) -> str:
    """A commented, valid configuration.

    Raises:
        UsageError: there is no example of that name.
    """
    if name not in EXAMPLES:
        raise UsageError(f"There is no example '{name}'. There are: {', '.join(EXAMPLES)}.")
    from importlib.resources import files

    template = files("llmdesk.config").joinpath("example.yaml").read_text(encoding="utf-8")
    kept: list[str] = []
    wanted = False
    for line in template.splitlines():
        if line.startswith(_MARK):
            wanted = name in line.removeprefix(_MARK).split()
        elif wanted:
            kept.append(line)
    return "\n".join(kept).strip() + "\n"


def write_example(path: Path, text: str) -> None:
    """Write a new configuration, for its owner only; what is there already is never touched.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be made: {error.strerror or error}.") from None
    try:
        create_whole(path, text.encode())
    except FileExistsError:
        raise UsageError(f"{path} exists already; nothing was written.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from None
