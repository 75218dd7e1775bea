"""A long plain text, scrolled: megabytes cost nothing but the lines that are in sight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["head", "note", "text", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """One line of the text; ``side`` stands in a column before it. Both are sanitised, without tabs or line feeds.

    ``words`` = it is folded between its words, not wherever the edge is.
    """

    text: str
    kind: Kind = "text"
    side: str = ""
    words: bool = False


class TextLines(ScrollView, can_focus=True):
    """Shows lines, folded at the right edge."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-lines--head", "text-lines--note", "text-lines--text", "text-lines--warning",
        "text-lines--error",
    }  # fmt: skip
    DEFAULT_CSS = """
    TextLines {
        height: 1fr; width: 1fr; margin: 0 0 0 1; background: $background;
        scrollbar-size-horizontal: 0; scrollbar-gutter: stable;
    }
    TextLines > .text-lines--head { color: $accent; text-style: bold; }
    TextLines > .text-lines--note { color: $muted; }
    TextLines > .text-lines--text { color: $foreground; }
    TextLines > .text-lines--warning { color: $warning; }
    TextLines > .text-lines--error { color: $error; }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: Sequence[TextLine] = ()
        self._folded: list[TextLine] = []
        self._width = 0
        self._to_end = False

    def show_lines(self, lines: Sequence[TextLine]) -> None:
        """Show these, from the top."""
        self._lines = lines
        self._fold()
        self.scroll_home(animate=False)

    @property
    def at_end(self) -> bool:
        """The last row is in sight."""
        return self.scroll_offset.y >= self.max_scroll_y

    def follow_lines(self, lines: Sequence[TextLine], *, to_end: bool) -> None:
        """Show these in place of the others, at the end or where the others were."""
        before = self.scroll_offset.y
        self._lines, self._to_end = lines, to_end
        self._fold()
        if to_end:
            self.scroll_end(animate=False, x_axis=False)
        elif before > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def on_resize(self) -> None:
        """Fold anew."""
        if self._width != self.scrollable_content_region.width:
            at_end = self._to_end or (self.max_scroll_y > 0 and self.at_end)
            self._fold()
            if at_end:
                self.scroll_end(animate=False, x_axis=False)

    def notify_style_update(self) -> None:
        """Another theme: the lines in sight are drawn anew."""
        super().notify_style_update()
        self.refresh()

    def line_of(self, line: TextLine) -> int:
        """The row in which a line begins."""
        row = 0
        for each in self._lines:
            if each is line:
                return row
            row += sum(1 for _ in _rows(each, self._width))
        return 0

    def _fold(self) -> None:
        self._width = self.scrollable_content_region.width
        self._folded = [row for line in self._lines for row in _rows(line, self._width)]
        self.virtual_size = Size(self._width, len(self._folded))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        row = y + self.scroll_offset.y
        if row >= len(self._folded):
            return Strip.blank(self._width, self.rich_style)
        line = self._folded[row]
        note = self.get_component_rich_style("text-lines--note")
        style = self.get_component_rich_style(f"text-lines--{line.kind}")
        segments = [Segment(line.side, note)] if line.side else []
        return Strip([*segments, Segment(line.text, style)]).adjust_cell_length(self._width, self.rich_style)


def _rows(line: TextLine, whole: int) -> Iterator[TextLine]:
    """A line, folded into rows of ``whole`` columns; what goes on stands below what it goes on from."""
    side = cell_len(line.side)
    width = max(whole - side, 8)
    if line.words and cell_len(line.text) > width:
        pieces = _between_words(line.text, width)
    elif line.text.isascii():
        if len(line.text) <= width:
            yield line
            return
        pieces = [line.text[at : at + width] for at in range(0, len(line.text), width)]
    else:
        pieces = chop_cells(line.text, width) or [""]
    yield line if len(pieces) == 1 else replace(line, text=pieces[0])
    for piece in pieces[1:]:
        yield TextLine(text=piece, kind=line.kind, side=" " * side)


def _between_words(text: str, width: int) -> list[str]:
    """Rows of whole words; only a word that no row can hold is cut."""
    rows, at = [""], 0
    for word in text.split(" "):
        long = cell_len(word)
        if at and at + 1 + long <= width:
            rows[-1] += f" {word}"
            at += 1 + long
            continue
        pieces = chop_cells(word, width) or [""]
        rows += pieces
        at = cell_len(pieces[-1])
    return rows[1:]
