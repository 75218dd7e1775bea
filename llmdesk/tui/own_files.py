"""Files that the user asks for: new ones only, and for nobody else's eyes."""

from __future__ import annotations

from pathlib import Path

from llmdesk.new_files import create_whole

MOST_FILES = 1_000
"""How many files of one name a folder may hold."""


def write_new(text: str, *, stem: str, form: str, path: str = "") -> Path:
    """Write a file that did not exist before, readable by its owner only, and return where it is.

    Args:
        text: what it holds.
        stem: its name, in a folder; a number is put behind it where there is such a file already.
        form: the ending of that name, without the dot.
        path: the file to make, or the folder to put it into; empty = the folder the desk was started in.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
    """
    wanted = Path(path).expanduser().absolute() if path else Path.cwd()
    if not wanted.is_dir():
        return _create(wanted, text)
    for number in range(1, MOST_FILES):
        try:
            return _create(wanted / (f"{stem}.{form}" if number == 1 else f"{stem}-{number}.{form}"), text)
        except FileExistsError:
            continue
    raise OSError(17, "too many files of that name are there already")


def _create(path: Path, text: str) -> Path:
    create_whole(path, text.encode())
    return path
