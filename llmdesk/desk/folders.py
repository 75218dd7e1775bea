"""Whole folders that go with a prompt: which files of one are attached, and what was left out."""

from __future__ import annotations

import os
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass
from llmdesk.desk.attach import MAX_BYTES, attachment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llmdesk.core.views import Attachment

FILES_AT_MOST = 50
"""Files of one folder that are attached."""

ENTRIES_AT_MOST = 5_000
"""Files and folders that are looked at; a home folder or a disk is not walked to its end."""

NAME_AT_MOST = 200
"""Characters of the name a file is attached under."""

_JUNK = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
"""Folders that programs fill; those that begin with a dot are hidden and need not stand here."""

HIDDEN, LINK, TOO_LARGE, TOO_MANY, OTHER, EMPTY, UNREADABLE = (
    "hidden", "links", "too large", f"more than {FILES_AT_MOST}", "neither text nor images", "empty", "not readable",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """The files of a folder, named as seen from it, and how many others were left out for which reason.

    ``whole`` = false: the folder has more entries than are looked at.
    """

    files: tuple[Attachment, ...]
    left_out: Mapping[str, int]
    whole: bool = True

    @property
    def told(self) -> str:
        """One line, as in ``12 files attached, 3 left out: too large``."""
        count = len(self.files)
        told = f"{count} file{'' if count == 1 else 's'} attached{_without(self.left_out)}"
        return f"{told}{'' if self.whole else f'; only {ENTRIES_AT_MOST:,} entries were looked at'}"


def is_folder(path: Path) -> bool:
    """Whether it is one, as far as can be told; what cannot be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_folder(folder: Path) -> FolderFiles:
    """Read the text and image files of a folder and of those in it: files before folders, each by their names.

    Hidden ones and folders that programs fill are not entered, links are not followed, and nothing but plain files is
    opened. All of them together may be as large as one attached file.

    Raises:
        UsageError: it is no folder, cannot be read, or holds nothing that can be attached.
    """
    left_out: Counter[str] = Counter()
    files: list[Attachment] = []
    room, seen = MAX_BYTES, 0
    try:
        with os.scandir(folder):
            pass
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: {getattr(error, 'strerror', None) or error}.") from None
    for entry in _walk(str(folder), left_out):
        seen += 1
        if seen > ENTRIES_AT_MOST:
            break
        if not isinstance(entry, os.DirEntry):
            continue
        found = _read(entry, str(folder), room) if len(files) < FILES_AT_MOST else TOO_MANY
        if isinstance(found, str):
            left_out[found] += 1
            continue
        file, used = found
        files.append(file)
        room -= used
    if not files:
        raise UsageError(f"{folder}: nothing in it can be attached{_without(left_out)}.")
    return FolderFiles(files=tuple(files), left_out=dict(left_out), whole=seen <= ENTRIES_AT_MOST)


def _walk(folder: str, left_out: Counter[str]) -> Iterator[os.DirEntry[str] | None]:
    """The plain files that come into question; ``None`` stands for any other entry that was looked at."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                listed = sorted(islice(entries, ENTRIES_AT_MOST + 1), key=lambda entry: entry.name)
        except OSError:
            left_out[UNREADABLE] += 1
            continue
        deeper: list[str] = []
        for entry in listed:
            kind = _kind(entry)
            if kind == "folder":
                deeper.append(entry.path)
            elif kind not in ("", "file"):
                left_out[kind] += 1
            yield entry if kind == "file" else None
        waiting.extend(reversed(deeper))


def _kind(entry: os.DirEntry[str]) -> str:
    """Whether it is a ``folder`` or a ``file``, or why it is left out; empty = nothing is to be said of it."""
    try:
        if entry.is_symlink():
            return LINK
        if entry.is_dir(follow_symlinks=False):
            junk = entry.name.startswith(".") or entry.name in _JUNK
            return "" if junk or os.path.exists(os.path.join(entry.path, "pyvenv.cfg")) else "folder"  # noqa: PTH110, PTH118 - an entry is no Path
        if entry.name.startswith("."):
            return HIDDEN
        return "file" if entry.is_file(follow_symlinks=False) else OTHER
    except OSError:
        return UNREADABLE


def _read(entry: os.DirEntry[str], folder: str, room: int) -> tuple[Attachment, int] | str:
    """The file and its bytes, or why it is left out."""
    try:
        if entry.stat(follow_symlinks=False).st_size > room:
            return TOO_LARGE
        # Put in place of the file meanwhile, a link is refused, and a pipe does not hold the reading up.
        handle = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            content = file.read(room + 1) or b""
    except OSError:
        return UNREADABLE
    if len(content) > room:
        return TOO_LARGE
    if not content:
        return EMPTY
    try:
        read = attachment(_name(entry, folder), content)
    except UsageError:
        return OTHER
    return OTHER if read.text is not None and "\0" in read.text else (read, len(content))


def _name(entry: os.DirEntry[str], folder: str) -> str:
    """As seen from the folder, with slashes, and nothing in it that could end the line or the quotes around it."""
    name = os.path.relpath(entry.path, folder).replace(os.sep, "/")
    return one_line(name, NAME_AT_MOST).replace('"', "'")


def _without(left_out: Mapping[str, int]) -> str:
    total = sum(left_out.values())
    if not total:
        return ""
    reasons = sorted(left_out.items(), key=lambda each: (-each[1], each[0]))
    told = reasons[0][0] if len(reasons) == 1 else ", ".join(f"{count} {reason}" for reason, count in reasons)
    return f", {total} left out: {told}"
