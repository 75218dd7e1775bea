"""Files that are named in a command of the linear mode."""

from __future__ import annotations

from pathlib import Path

from llmdesk.core.errors import UsageError


def file_of(name: str) -> Path:
    """The file of this name, ``~`` understood.

    Raises:
        UsageError: it is in the home folder of nobody.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise UsageError(f"{name}: there is no such home folder.") from None
