"""Looks for words in every file of a home, in every spelling in which a program may have written them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from pathlib import Path

PART_CHARS = 24
"""A long text counts as found when this much of it stands somewhere in one piece."""


def spellings(word: str) -> set[bytes]:
    """A word as it may stand in a file: as it is, in JSON, in a URL, in UTF-16, in base64 at any offset."""
    raw = word.encode()
    found = {raw, json.dumps(word)[1:-1].encode(), json.dumps(word, ensure_ascii=False)[1:-1].encode()}
    found |= {quote(word).encode(), quote(word, safe="").encode(), quote_plus(word).encode()}
    found |= {word.encode("utf-16-le"), word.encode("utf-16-be"), raw.hex().encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            whole = encode(b"\0" * offset + raw)
            # Characters that mix with what stands before or behind the word are not its own.
            found.add(whole[(0, 2, 3)[offset] : len(whole) - (0, 4, 4)[(offset + len(raw)) % 3]])
    return found


def parts(word: str) -> list[str]:
    """A word, or the pieces of a long one."""
    if len(word) <= 2 * PART_CHARS:
        return [word]
    return [word[at : at + PART_CHARS] for at in range(0, len(word) - PART_CHARS, PART_CHARS)]


def holds(content: bytes, word: str) -> bool:
    """Whether any spelling of ``word``, or of a part of it, stands in ``content``."""
    return any(spelling in content for part in parts(word) for spelling in spellings(part))


def files_that_hold(home: Path, *words: str) -> dict[str, list[str]]:
    """Every file below ``home``, but for the configuration that the user wrote, and the words that stand in it."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if not path.is_file() or name.parts[0] == "config":
            continue
        content = path.read_bytes()
        if told := [word for word in words if holds(str(name).encode() + b"\n" + content, word)]:
            found[str(name)] = told
    return found
