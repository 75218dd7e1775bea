"""Lines as they stand on the screen: how text is wrapped into them, and how they are joined again for a copy."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from llmdesk.core.text import sanitise
from llmdesk.tui.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

TAB_SIZE = 4
"""Columns from one tab stop to the next; a terminal's own stops would break the layout."""


LEAST_TEXT = 6
"""Beside something more important, a text of fewer columns than this says nothing, and is left out."""


class Target(NamedTuple):
    """Characters ``start`` to ``end`` of a line do ``name`` when they are clicked."""

    start: int
    end: int
    name: str


class Line(NamedTuple):
    """One row of the screen.

    ``join`` is what stands between the line before and this one in a copy: a line break, or a space or nothing where
    only the width of the screen broke the text. The first ``skip`` characters are decoration and are never copied, nor
    are those from ``end`` on; ``None`` = blanks at the end are no part of the text. ``tabs`` are blanks that stand for
    something else: from, to, and what (a tab, or nothing where the width cut one in two).
    """

    segments: Sequence[Segment]
    join: str = "\n"
    skip: int = 0
    targets: tuple[Target, ...] = ()
    end: int | None = None
    tabs: tuple[tuple[int, int, str], ...] = ()

    @property
    def text(self) -> str:
        """The characters on the screen, decoration included."""
        return "".join(segment.text for segment in self.segments)

    def copied(self, start: int, stop: int | None) -> str:
        """Return what a copy of the characters from ``start`` to ``stop`` (``None`` = all) takes: no decoration."""
        text, start = self.text, max(start, self.skip)
        stop = len(text) if stop is None else stop
        if self.end is None:
            return text[start:stop].rstrip()
        stop = min(stop, self.end)
        pieces: list[str] = []
        for begin, end, what in self.tabs:
            if start <= begin < stop:
                pieces += [text[start:begin], what]
                start = end
        return "".join([*pieces, text[start:stop]])


BLANK = Line(())

_MARKS = {join: Style.from_meta({"join": join}) for join in ("\n", " ", "")}
PADDING = Style.from_meta({"kind": "padding"})
"""Laid over blanks that only fill a row."""
TAB = Style.from_meta({"kind": "tab"})
"""Laid over blanks that stand for a tab."""
_REST = Style.from_meta({"kind": "rest"})


def rest_of(style: Style | None) -> Style | None:
    """Return the style of what is left of a text that was cut: the rest of a tab is no second one."""
    return style + _REST if style is not None and style.meta.get("kind") == "tab" else style


def mark(text: Text, join: str) -> None:
    """Note on a rendered line how it is joined, and that it begins here; it survives any nesting of renderables."""
    text.stylize(_MARKS[join], 0, max(len(text), 1))


def marked(segments: Sequence[Segment], join: str) -> list[Segment]:
    """Do what ``mark`` does to a line of segments."""
    first = segments[0] if segments else Segment("")
    style = _MARKS[join] if first.style is None else first.style + _MARKS[join]
    return [Segment(first.text, style), *segments[1:]]


def from_rendered(rendered: Iterable[Sequence[Segment]]) -> list[Line]:
    """Turn lines of segments into lines, taking the marks out."""
    return [_from_segments(segments) for segments in rendered]


def _from_segments(segments: Sequence[Segment]) -> Line:
    kept: list[Segment] = []
    join, skip, before = "\n", 0, 0
    end: int | None = None
    tabs: list[tuple[int, int, str]] = []
    found = False
    for text, marked_style, control in segments:
        if control:
            continue
        style = marked_style
        if marked_style is not None:
            told, kind, style = _unmarked(marked_style)
            if told is not None and not found:
                join, skip, found = told, before, True
            if kind == "padding" and end is None:
                end = before
            elif kind in ("tab", "rest"):
                tabs.append((before, before + len(text), "\t" if kind == "tab" else ""))
        if text:
            kept.append(Segment(text, style))
            before += len(text)
    return Line(kept, join, skip, (), end, tuple(tabs))


@lru_cache(maxsize=1024)
def _unmarked(style: Style) -> tuple[str | None, str, Style]:
    """Return what a style says about joining, what its characters are if no text, and the style without that."""
    meta = style.meta
    if "join" not in meta and "kind" not in meta:
        return None, "", style
    return meta.get("join"), str(meta.get("kind", "")), style.clear_meta_and_links()


def wrapped(text: Text, console: Console, width: int) -> Iterator[tuple[Text, str]]:
    """Wrap a text; yield each line with how it is joined to the one before."""
    for whole in text.split("\n", allow_blank=True):
        whole.expand_tabs(TAB_SIZE)
        plain, position = whole.plain, 0
        for number, part in enumerate(whole.wrap(console, max(width, 1), justify="default", overflow="fold")):
            if not number:
                join = "\n"
            elif plain[position - 1 : position].isspace() or plain[position : position + 1].isspace():
                join = " "
            else:
                join = ""
            position += len(part)
            while position < len(plain) and plain[position].isspace():
                position += 1
            yield part, join


def plain_lines(
    text: str,
    style: Style,
    console: Console,
    width: int,
    *,
    indent: str = "",
    targets: tuple[Target, ...] = (),
    hang: bool = False,
) -> list[Line]:
    """Lay out harmless text as it is, without Markdown; ``indent`` is decoration before each line.

    ``hang`` = what wraps goes on below the first letter of its line.
    """
    lines: list[Line] = []
    room = max(width - len(indent), 1)
    prefix = (Segment(indent, style),) if indent else ()
    for source in text.split("\n"):
        # Nearly every line fits, and then needs no word splitting.
        line = source.expandtabs(TAB_SIZE)
        if cell_len(line) <= room:
            lines.append(Line((*prefix, Segment(line, style)), "\n", len(indent), targets))
            continue
        lead = line[: len(line) - len(line.lstrip())] if hang else ""
        if len(lead) > room // 2:
            lead = ""
        for part, join in wrapped(Text(line[len(lead) :]), console, room - len(lead)):
            margin = (*prefix, Segment(lead, style)) if lead else prefix
            segments = (*margin, Segment(part.plain, style))
            lines.append(Line(segments, join, len(indent) + (len(lead) if join != "\n" else 0), targets))
    return lines


def rule_line(text: str, style: Style, width: int, *, right: str = "", right_style: Style | None = None) -> Line:
    """Lay out one line that is never wrapped: ``right`` stands at the right edge, ``text`` is cut with an ellipsis."""
    text, right = " ".join(sanitise(text).split()), shortened(" ".join(sanitise(right).split()), width)
    if not right:
        return Line((Segment(shortened(text, width), style),))
    room = width - cell_len(right) - 2
    text = shortened(text, room) if room >= LEAST_TEXT else ""
    gap = " " * (width - cell_len(text) - cell_len(right))
    return Line((Segment(text, style), Segment(gap, style), Segment(right, right_style or style)))
