"""Code on the screen: pygments tokens in the theme's colours, folded to the width, cheap while a fence is open."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from llmdesk.tui.transcript.lines import PADDING, TAB, TAB_SIZE, from_rendered, marked, rest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pygments.lexer import Lexer

    from llmdesk.tui.transcript.lines import Line
    from llmdesk.tui.transcript.palette import Palette

INDENT = "  "
"""What stands before code, so that it is told from prose without colours too."""

FREEZE_CHARS = 700
"""How much of an open fence is highlighted anew on each frame (pygments takes 2 to 3 ms for 1 kB)."""

PLAIN_CHARS = 200_000
"""Longer code is shown without colours: a lexer's worst case must not hold the screen."""

_LANGUAGE = re.compile(r"[\w+#.\-]{1,40}")

_TOKEN_PARTS = {
    "Comment": "code-comment",
    "Keyword": "code-keyword",
    "Keyword.Constant": "code-number",
    "Operator.Word": "code-keyword",
    "Operator": "code-operator",
    "Literal.String": "code-string",
    "Literal.Number": "code-number",
    "Name.Function": "code-name",
    "Name.Class": "code-name",
    "Name.Tag": "code-keyword",
    "Name.Attribute": "code-name",
    "Name.Decorator": "code-builtin",
    "Name.Builtin": "code-builtin",
    "Name.Exception": "code-builtin",
    "Generic.Inserted": "code-inserted",
    "Generic.Deleted": "code-deleted",
    "Generic.Heading": "code-keyword",
    "Generic.Subheading": "code-keyword",
}


@lru_cache(maxsize=4096)
def _part(token: tuple[str, ...]) -> str:
    for length in range(len(token), 0, -1):
        if part := _TOKEN_PARTS.get(".".join(token[:length])):
            return part
    return "code"


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not _LANGUAGE.fullmatch(language):
        return None
    try:
        return get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _tokens(code: str, language: str, palette: Palette) -> Iterator[tuple[str, Style]]:
    lexer = _lexer(language) if language and len(code) <= PLAIN_CHARS else None
    if lexer is None:
        yield code, palette["code"]
        return
    for token, text in lexer.get_tokens(code):
        yield text, palette[_part(tuple(token))]


def _highlighted(code: str, language: str, palette: Palette) -> list[list[Segment]]:
    """Return one list of segments for each line of code."""
    lines: list[list[Segment]] = [[]]
    for text, style in _tokens(code.expandtabs(TAB_SIZE), language, palette):
        first, *rest = text.split("\n")
        if first:
            lines[-1].append(Segment(first, style))
        lines.extend([Segment(piece, style)] if piece else [] for piece in rest)
    return lines


def _fitting(text: str, room: int) -> int:
    """Return how many characters fit into ``room`` columns."""
    if text.isascii():
        return room
    for count, char in enumerate(text):
        room -= cell_len(char)
        if room < 0:
            return count
    return len(text)


def _folded(segments: Sequence[Segment], width: int) -> Iterator[list[Segment]]:
    """Cut a line where the screen ends: code is never wrapped at words."""
    row: list[Segment] = []
    room = width
    for segment in segments:
        text, style, _ = segment
        while cell_len(text) > room:
            count = _fitting(text, room)
            if count:
                row.append(Segment(text[:count], style))
                style = rest_of(style)
            yield row
            row, room, text = [], width, text[count:]
        if text:
            row.append(Segment(text, style))
            room -= cell_len(text)
    yield row


def code_rows(code: str, language: str, palette: Palette, width: int) -> Iterator[list[Segment]]:
    """Yield code as rows of exactly ``width`` columns, marked for copying (``lines.from_rendered``)."""
    room = max(width - len(INDENT), 2)
    base = palette["code"]
    indent, fill = Segment(INDENT, base), base + PADDING
    sources = code.split("\n") if "\t" in code else ()
    for at, line in enumerate(_highlighted(code, language, palette)):
        whole = _with_tabs(line, sources[at]) if at < len(sources) and "\t" in sources[at] else line
        for number, row in enumerate(_folded(whole, room)):
            used = sum(cell_len(segment.text) for segment in row)
            # Padding is there even where nothing is left to fill: the text ends before it, blanks and all.
            padding = Segment(" " * max(room - used, 0), fill)
            yield [indent, *marked(row or [Segment("", base)], "" if number else "\n"), padding]


def _with_tabs(line: Sequence[Segment], source: str) -> list[Segment]:
    """Mark the blanks of a line that stand for tabs; each becomes a segment of its own."""
    tabs: list[tuple[int, int]] = []
    at = 0
    for char in source:
        width = TAB_SIZE - at % TAB_SIZE if char == "\t" else 1
        if char == "\t":
            tabs.append((at, at + width))
        at += width
    pieces: list[Segment] = []
    at = 0
    for text, style, _ in line:
        begun = at
        at += len(text)
        done = 0
        for start, stop in tabs:
            if start < at and stop > begun:  # a lexer may cut one in two
                pieces.append(Segment(text[done : max(start - begun, 0)], style))
                from_here, done = max(start - begun, 0), min(stop - begun, len(text))
                tab = (style or Style.null()) + TAB
                pieces.append(Segment(text[from_here:done], tab if start >= begun else rest_of(tab)))
        pieces.append(Segment(text[done:], style))
    return [piece for piece in pieces if piece.text]


class OpenFence:
    """A fence that still grows: finished lines are highlighted once, only the last few are looked at again.

    A lexer that begins in the middle may mistake a long string for code; the fence is rendered once more when it ends.
    """

    def __init__(self, language: str, palette: Palette, width: int) -> None:
        self._language = language
        self._palette = palette
        self._width = width
        self._frozen: list[Line] = []
        self._live: list[str] = []
        self._live_chars = 0

    def add(self, line: str) -> None:
        """Take one complete line of code, without its line break."""
        self._live.append(line)
        self._live_chars += len(line) + 1
        if self._live_chars > FREEZE_CHARS:
            self._frozen.extend(self._render(self._live))
            self._live.clear()
            self._live_chars = 0

    def lines(self, partial: str | None) -> list[Line]:
        """Return what is to be seen now, ``partial`` being a line that has just begun."""
        live = self._live if partial is None else [*self._live, partial]
        return [*self._frozen, *self._render(live)] if live else list(self._frozen)

    def _render(self, lines: list[str]) -> list[Line]:
        return from_rendered(code_rows("\n".join(lines), self._language, self._palette, self._width))
