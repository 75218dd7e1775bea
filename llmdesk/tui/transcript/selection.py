"""Mouse selection in a transcript: places that survive scrolling and streaming, and text that reads like its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from textual.geometry import Offset

    from llmdesk.tui.transcript.lines import Line

_LINES = 1 << 24
"""More lines than an entry can have. A place is the entry's key and a line in it, packed into Textual's one number:
absolute lines would move under the selection whenever something above it is measured or grows."""


class Place(NamedTuple):
    """A character: the entry, the line in it, the column as a character index."""

    key: int
    line: int
    x: int


def packed(key: int, line: int) -> int:
    """Return the number that stands for a line of an entry; it grows down the transcript."""
    return key * _LINES + line


def place(offset: Offset | None) -> Place | None:
    """Return the place that a selection's offset stands for."""
    return None if offset is None else Place(*divmod(offset.y, _LINES), offset.x)


def highlighted(segments: Iterable[Segment], span: tuple[int, int], style: Style) -> list[Segment]:
    """Lay ``style`` over the characters of a span; an end of -1 is the end of the line."""
    start, end = span
    result: list[Segment] = []
    position = 0
    for text, own, _ in segments:
        stop = len(text) if end == -1 else min(max(end - position, 0), len(text))
        begin = min(max(start - position, 0), stop)
        selected = style if own is None else own + style
        pieces = ((text[:begin], own), (text[begin:stop], selected), (text[stop:], own))
        result.extend(Segment(piece, look) for piece, look in pieces if piece)
        position += len(text)
    return result


def copied(lines: Sequence[Line], start: tuple[int, int] | None, end: tuple[int, int] | None) -> str:
    """Return the text of lines from ``start`` to ``end``, each a line and a character, ``None`` = all there is.

    What only the width broke is joined again, and decoration (bullets' indentation, quote bars, padding) is left out.
    """
    first, from_x = start or (0, 0)
    last, to_x = end or (len(lines) - 1, -1)
    text = ""
    for number in range(first, min(last, len(lines) - 1) + 1):
        line = lines[number]
        stop = None if number != last or to_x == -1 else to_x
        piece = line.copied(from_x if number == first else 0, stop)
        if number > first:
            text = text.rstrip() + line.join if line.join == " " else text + line.join
        text += piece
    return text
