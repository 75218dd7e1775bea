"""New private files that a command writes, and a name for one out of a title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_SLUG = 60
"""Characters of a name made from a title."""


def slug(title: str) -> str:
    """A file name without anything that a path, a shell or a terminal could take for more than a name (policy S10)."""
    words = re.findall(r"[^\W_]+", title.lower())
    return "-".join(words)[:LONGEST_SLUG].strip("-")


def write_new(path: Path, text: str) -> None:
    """Create ``path`` for its owner only.

    Raises:
        UsageError: it exists, or cannot be written.
    """
    from llmdesk.new_files import create_whole

    try:
        create_whole(path, text.encode("utf-8", "replace"))
    except FileExistsError:
        raise UsageError(f"{path} exists; it is not overwritten.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}.") from None
