"""The library of prompts: one Markdown file each, in a folder beside the configuration."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line, sanitise
from llmdesk.core.values import dataclass
from llmdesk.new_files import make_private_folder

MAX_BYTES = 256 * 1024
"""The largest file that is taken for a prompt, bytes."""

PROMPTS_AT_MOST = 1_000
"""Files of the folder that are looked at."""

_NAME = re.compile(r"[^\W_][\w .-]{0,63}")
"""A letter or digit first, so that no name is hidden or an option; no slash, so that none leaves the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPrompt:
    """A prompt of the library. ``problem`` says why it cannot be used; then there is no text."""

    name: str
    description: str = ""
    text: str = ""
    problem: str = ""


def load_prompts(folder: Path) -> tuple[SavedPrompt, ...]:
    """Read the library, in the order of the names; no folder is an empty library.

    Raises:
        UsageError: the folder cannot be read.
    """
    try:
        paths = sorted(
            (path for path in folder.iterdir() if path.suffix == ".md" and not path.name.startswith(".")),
            key=lambda path: path.stem.lower(),
        )
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror or error}.") from None
    return tuple(read_prompt(path) for path in paths[:PROMPTS_AT_MOST] if not path.is_dir())


def read_prompt(path: Path) -> SavedPrompt:
    """Read one file. A heading in its first line describes it and is no part of the prompt."""
    name = one_line(path.stem)
    try:
        if not path.is_file():
            return SavedPrompt(name=name, problem="is not a file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return SavedPrompt(name=name, problem=f"cannot be read: {error.strerror or error}.")
    if len(content) > MAX_BYTES:
        return SavedPrompt(name=name, problem=f"is larger than {MAX_BYTES // 1024} KiB; attach it instead.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        return SavedPrompt(name=name, problem="is not a text (UTF-8).")
    return _parsed(name, sanitise(text.replace("\r\n", "\n").replace("\r", "\n")))


def _parsed(name: str, text: str) -> SavedPrompt:
    first, _, rest = text.lstrip("\n").partition("\n")
    heading = re.fullmatch(r"#+\s+(.+)", first.strip())
    body = (rest if heading else text).strip("\n")
    if not body.strip():
        return SavedPrompt(name=name, problem="is empty.")
    line = heading[1] if heading else next(line for line in body.splitlines() if line.strip())
    return SavedPrompt(name=name, description=one_line(line.strip(), 200), text=body.rstrip())


def save_prompt(folder: Path, name: str, text: str, *, replace: bool = False) -> bool:
    """Write a prompt, readable by its owner only; false = there is another one of that name, and it stays.

    Raises:
        UsageError: the name is none for a file, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{one_line(name, 80)}' is no name for a prompt: letters, digits, spaces, dots, - and _ are.")
    path = folder / f"{name}.md"
    # A text that begins with a heading would lose it when it is read again.
    content = f"# {name}\n\n{text.rstrip()}\n" if text.lstrip().startswith("#") else f"{text.rstrip()}\n"
    try:
        make_private_folder(folder)
        if not replace and os.path.lexists(path):
            return False
        _write_whole(path.resolve(), content)  # where the file is a link, what it leads to is replaced
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.") from None
    return True


def _write_whole(path: Path, content: str) -> None:
    """Write beside the file and put it in its place, so that nobody ever reads half a prompt."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(beside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(beside).unlink()
        raise
