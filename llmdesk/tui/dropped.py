"""Paths as terminals paste them when a file is dropped on their window."""

from __future__ import annotations

import re

LONGEST = 4096
"""Characters above which a paste is no path any more."""

_PART = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<bare>(?:\\.|[^\s'"\\])+)""")
_ESCAPED = re.compile(r"\\(.)")


def dropped_paths(text: str) -> list[tuple[str, ...]]:
    """Read a paste as absolute paths: quoted, with backslashes, as ``file://``, or as they are.

    Returns:
        The readings, the likeliest first; each may be one path or several. None = no file was dropped.
    """
    line = text.strip()
    if not line or len(line) > LONGEST or "\x00" in line:
        return []
    readings = [_words(line), (line,), tuple(part.strip() for part in line.splitlines() if part.strip())]
    found = (tuple(map(_local, reading)) for reading in readings if reading)
    whole = [reading for reading in found if all(path.startswith(("/", "~/")) for path in reading)]
    return list(dict.fromkeys(reading for reading in whole if not any("\n" in path for path in reading)))


def _words(line: str) -> tuple[str, ...]:
    """Split as a shell would; nothing where it is no list of words."""
    words: list[str] = []
    at, begun = 0, False
    while at < len(line):
        if line[at].isspace():
            at, begun = at + 1, False
            continue
        found = _PART.match(line, at)
        if found is None:
            return ()
        part = found["single"]
        if part is None:
            part = _ESCAPED.sub(r"\1", found["double"] if found["double"] is not None else found["bare"])
        words[-1:] = [words[-1] + part] if begun else [*words[-1:], part]
        at, begun = found.end(), True
    return tuple(words)


def _local(word: str) -> str:
    """A ``file://`` address of this machine as a path; anything else as it is."""
    if not word.startswith("file://"):
        return word
    from urllib.parse import unquote, urlsplit

    try:
        address = urlsplit(word)
    except ValueError:
        return word
    return unquote(address.path)
