"""Reading what a path in the prompt stands for: a file, or a whole folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.views import Attachment
    from llmdesk.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a path stands for; ``told`` is what is to be said of it, empty = nothing."""

    files: tuple[Attachment, ...]
    told: str = ""


def read_path(desk: Desk, path: str) -> Found:
    """Read a file, or the files of a folder; blocks.

    Raises:
        UsageError: there is nothing that can be attached.
    """
    from llmdesk.desk.folders import is_folder

    try:
        where = Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{one_line(path)}: there is no such home folder.") from None
    if not is_folder(where):
        return Found(files=(desk.attach(where),))
    folder = desk.attach_folder(where)
    return Found(files=folder.files, told=f"{one_line(path)}: {folder.told}.")
