"""Fenced code blocks of Markdown (CommonMark 0.31.2, section 4.5): the one around an answer, those inside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPENING = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)")

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unfenced(text: str) -> str:
    """Take a fence without a language, or of ``json``, off a text that is nothing but one fenced block."""
    stripped = text.strip()
    if not (stripped.startswith("```") and stripped.endswith("```") and len(stripped) > 6):
        return stripped
    tag, newline, body = stripped[3:-3].partition("\n")
    return body if newline and tag.strip().lower() in ("", "json") else stripped


def first_block(text: str) -> str | None:
    """The content of the first fenced block; ``None`` = there is none."""
    return next(blocks(text), None)


def blocks(text: str) -> Iterator[str]:
    """Yield the content of each fenced block, its last newline included.

    A block that is never closed reaches to the end. Fences may be indented as far as lists indent them; as much is
    taken off each line.
    """
    found: list[str] | None = None
    indent, closing = "", None
    for line in _LINE.findall(text):
        bare = line.rstrip("\r\n")
        if found is None or closing is None:
            opening = _OPENING.fullmatch(bare)
            if opening is not None and not (opening["fence"][0] == "`" and "`" in opening["info"]):
                found, indent = [], opening["indent"]
                closing = re.compile(rf"[ \t]*{opening['fence'][0]}{{{len(opening['fence'])},}}[ \t]*")
        elif closing.fullmatch(bare):
            yield "".join(found)
            found = None
        else:
            found.append(_dedented(line, len(indent)))
    if found is not None:
        yield "".join(found)


def _dedented(line: str, width: int) -> str:
    kept = line.lstrip(" \t")
    return line[min(width, len(line) - len(kept)) :]
