"""Lines to the screen: a scrolling view that paints any ``Line`` it is asked for, and keeps what it has painted.

It paints past Textual's style cache, which is what makes it fast. The price: no border, padding or opacity of its own
(these belong to the container around it); the filters (NO_COLOR, ANSI themes) are applied here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmdesk.tui.transcript.palette import INKS, PREFIX, Palette
from llmdesk.tui.transcript.selection import highlighted, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.color import Color
    from textual.filter import LineFilter
    from textual.geometry import Region
    from textual.selection import Selection

    from llmdesk.tui.transcript.lines import Line

KEPT_STRIPS = 1_000
"""How many painted lines are kept; even an empty ``Strip`` takes 1.2 kB."""


POINTER = "◂ "
"""At the right end of the first line of the entry that is chosen, so that it is seen without colours too."""


class Row(NamedTuple):
    """What stands at a row of the view: a line, and whose it is."""

    key: int
    number: int
    line: Line


class PaintedView(ScrollView):
    """Paints rows; what they are is told by ``row_at``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"{PREFIX}{ink}" for ink in INKS}

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 # Textual's own word
        super().__init__(name=name, id=id, classes=classes)
        self.lines_painted = 0
        """How many lines have been turned into strips, for tests and benchmarks."""
        self._palette: Palette | None = None
        self._palette_stale = True
        self._background: Color | None = None
        self._filters: tuple[LineFilter, ...] = ()
        self._chosen: int | None = None
        self._strips: dict[int, tuple[Line, Strip]] = {}

    def row_at(self, y: int) -> Row | None:
        """Return what is at a row of the view, ``None`` = nothing."""
        raise NotImplementedError

    def found_in(self, key: int, number: int) -> tuple[int, int] | None:
        """Return which characters of a line were searched for and are marked, ``None`` = none."""
        return None

    def also_found_in(self, key: int, number: int) -> Sequence[tuple[int, int]]:
        """Return which characters of a line were searched for too."""
        return ()

    def palette_changed(self) -> None:
        """Called when the colours are other ones than before."""

    # --- colours ----------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Textual's word that styles may have changed; looked at when something is painted."""
        super().notify_style_update()
        self._palette_stale = True

    def current_palette(self) -> Palette:
        """Return the styles that are on now."""
        if self._palette_stale or self._palette is None:
            self._palette_stale = False
            palette = Palette.of(self.rich_style, {ink: self._ink_style(f"{PREFIX}{ink}") for ink in INKS})
            self._background = self.background_colors[1]
            if palette != self._palette:
                self._palette = palette
                self._strips.clear()
                self.palette_changed()
        assert self._palette is not None
        return self._palette

    def _ink_style(self, name: str) -> Style:
        """Return the colours that an ink's rule sets, resolved against the background, and no others."""
        told = self.get_component_rich_style(name, partial=True)
        full = self.get_component_rich_style(name)
        return Style(color=full.color if told.color else None, bgcolor=full.bgcolor if told.bgcolor else None)

    # --- lines ------------------------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint part of the view."""
        filters = tuple(self.get_line_filters())
        if filters != self._filters:
            self._filters = filters
            self._strips.clear()
        palette, width = self.current_palette(), self.size.width
        strips = [self._painted(self.row_at(y), palette, width) for y in crop.line_range]
        if crop.column_span != (0, width):
            left, right = crop.column_span
            strips = [strip.crop(left, right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Return one line with the places of its characters: the compositor asks for it when the mouse selects."""
        row = self.row_at(y)
        strip = self._painted(row, self.current_palette(), self.size.width)
        return strip if row is None else strip.apply_offsets(0, packed(row.key, row.number))

    def _painted(self, row: Row | None, palette: Palette, width: int) -> Strip:
        if row is None:
            return self._filtered(Strip.blank(width, palette.base))
        line = row.line
        found, also = self.found_in(row.key, row.number), self.also_found_in(row.key, row.number)
        if found is not None or also:
            segments = line.segments
            for each in also:
                segments = tuple(highlighted(segments, each, palette["found-too"]))
            if found is not None:
                segments = tuple(highlighted(segments, found, palette["found"]))
            return self._filtered(_strip(segments, palette.base, width))
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(packed(row.key, row.number))) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            return self._filtered(_strip(highlighted(line.segments, span, style), palette.base, width))
        if row.key == self._chosen:
            return self._filtered(_chosen(line, palette, width, first=not row.number))
        kept = self._strips.get(id(line))
        if kept is not None and kept[0] is line and kept[1].cell_length == width:
            return kept[1]
        strip = self._filtered(_strip(line.segments, palette.base, width))
        self.lines_painted += 1
        if len(self._strips) >= KEPT_STRIPS:
            for old in list(self._strips)[: KEPT_STRIPS // 2]:
                del self._strips[old]
        self._strips[id(line)] = (line, strip)
        return strip

    def _filtered(self, strip: Strip) -> Strip:
        for line_filter in self._filters:
            assert self._background is not None
            strip = strip.apply_filter(line_filter, self._background)
        return strip

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        self.refresh()


def _strip(segments: Iterable[Segment], base: Style, width: int) -> Strip:
    painted = [Segment(text, base if style is None else base + style) for text, style, _ in segments if text]
    return Strip(painted).adjust_cell_length(width, base)


def _chosen(line: Line, palette: Palette, width: int, *, first: bool) -> Strip:
    """Paint a line of the entry that the user acts on; the first one points it out."""
    style = palette["chosen" if first else "chosen-body"]
    base = palette.base + style
    strip = _strip(highlighted(line.segments, (0, -1), style), base, width)
    if not first or width < 2 * len(POINTER):
        return strip
    return Strip([*strip.crop(0, width - len(POINTER)), Segment(POINTER, base)], width)
