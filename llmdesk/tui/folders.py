"""Looking into folders and at files for the prompt; all of it blocks, so it runs in a thread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRIES_AT_MOST = 5_000
"""Entries of a folder that are read; a larger one is offered in part."""

Entries = tuple[tuple[str, bool, int], ...]
"""Name, whether it is a folder, and bytes."""


def list_folder(folder: str) -> Entries:
    """Read a folder as the user typed it (relative, absolute, ``~``), folders first; empty if it cannot be read."""
    found: list[tuple[str, bool, int]] = []
    try:
        with os.scandir(Path(folder or ".").expanduser()) as entries:
            for entry in entries:
                if len(found) == ENTRIES_AT_MOST:
                    break
                if not entry.name.isprintable():
                    continue  # it could not be shown or written as it is
                is_folder, count = _look_at(entry)
                found.append((entry.name, is_folder, count))
    except (OSError, RuntimeError, ValueError):
        return ()
    return tuple(sorted(found, key=lambda each: (not each[1], each[0].lower())))


def _look_at(entry: os.DirEntry[str]) -> tuple[bool, int]:
    try:
        is_folder = entry.is_dir()
        return is_folder, 0 if is_folder else entry.stat().st_size
    except OSError:
        return False, 0


def first_existing(readings: Sequence[tuple[str, ...]]) -> tuple[tuple[str, int], ...]:
    """Return the paths, and their bytes, of the first reading of which every one is a file; empty = none is."""
    for reading in readings:
        try:
            paths = [Path(path).expanduser() for path in reading]
            if all(path.is_file() for path in paths):
                return tuple((str(path), path.stat().st_size) for path in paths)
        except (OSError, RuntimeError, ValueError):
            continue
    return ()
