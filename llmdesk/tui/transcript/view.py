"""The conversation as one widget: a line-API view without children, however long the conversation is.

Only what is visible is laid out. While an answer streams, its text is collected and brought to the screen at most 25
times a second, and only lines that changed are painted. The view has no border and no padding of its own: it paints
past Textual's style cache, so these belong to the container around it.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, CodePiece, Entry, WaitEntry
from llmdesk.tui.transcript.heights import Heights
from llmdesk.tui.transcript.item import Item, OpenAnswer
from llmdesk.tui.transcript.layout import FOLD, Layout
from llmdesk.tui.transcript.markdown import Renderer, code_blocks, preload
from llmdesk.tui.transcript.palette import PARTS, PREFIX, Palette
from llmdesk.tui.transcript.selection import copied, highlighted, packed, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual import events
    from textual.color import Color
    from textual.filter import LineFilter
    from textual.selection import Selection

    from llmdesk.tui.transcript.lines import Line

__all__ = ["TranscriptView", "preload"]

FRAME_S = 1 / 25
"""The shortest time between two frames of a growing answer, seconds."""

FRAME_SHARE = 5
"""A frame that took long is followed by a pause this many times as long, so that typing stays fluent."""

KEPT_ITEMS = 100
"""How many entries keep their lines; the others are laid out again when they come into view."""

KEPT_STRIPS = 1_000
"""How many painted lines are kept; even an empty ``Strip`` takes 1.2 kB."""


class TranscriptView(ScrollView, can_focus=True):
    """Shows entries, follows the end while it is at the end, and streams answers."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False  # a click selects or unfolds; the prompt keeps the keyboard
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"{PREFIX}{part}" for part in PARTS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "toggle_reasoning", "Reasoning", id="transcript.reasoning", show=False),
    ]
    DEFAULT_CSS = """
    TranscriptView {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;

        .transcript--who { color: $text-primary; text-style: bold; }
        .transcript--user { color: $foreground; }
        .transcript--attachment { color: $text-accent; }
        .transcript--head { color: $text-secondary; text-style: bold; }
        .transcript--foot { color: $text-muted; }
        .transcript--mark-full { color: $text-success; }
        .transcript--mark-partial { color: $text-warning; text-style: bold; }
        .transcript--reasoning { color: $text-muted; text-style: italic; }
        .transcript--fold { color: $text-muted; }
        .transcript--discarded { color: $text-muted; text-style: strike; }
        .transcript--seam { color: $text-warning; }
        .transcript--note { color: $text-muted; }
        .transcript--note-success { color: $text-success; }
        .transcript--note-warning { color: $text-warning; }
        .transcript--note-error { color: $text-error; text-style: bold; }
        .transcript--wait { color: $text-accent; }
        .transcript--action { color: $text-accent; text-style: bold; }
        .transcript--heading { color: $text-primary; text-style: bold; }
        .transcript--strong { text-style: bold; }
        .transcript--emphasis { text-style: italic; }
        .transcript--strike { text-style: strike; }
        .transcript--inline-code { color: $text-accent; background: $surface; }
        .transcript--link { color: $text-secondary; text-style: underline; }
        .transcript--link-target { color: $text-muted; }
        .transcript--quote { color: $text-muted; }
        .transcript--bullet { color: $text-primary; }
        .transcript--rule { color: $text-muted; }
        .transcript--table-border { color: $text-muted; }
        .transcript--table-header { color: $text-primary; text-style: bold; }
        .transcript--code { color: $foreground; background: $surface; }
        .transcript--code-comment { color: $text-muted; background: $surface; text-style: italic; }
        .transcript--code-keyword { color: $text-primary; background: $surface; }
        .transcript--code-string { color: $text-success; background: $surface; }
        .transcript--code-number { color: $text-warning; background: $surface; }
        .transcript--code-name { color: $text-secondary; background: $surface; }
        .transcript--code-builtin { color: $text-accent; background: $surface; }
        .transcript--code-operator { color: $foreground; background: $surface; }
        .transcript--code-inserted { color: $text-success; background: $surface; }
        .transcript--code-deleted { color: $text-error; background: $surface; }
    }
    """

    @dataclass
    class Chosen(Message):
        """Something that a note or a wait offers was clicked."""

        view: TranscriptView
        key: int
        name: str

        @property
        def control(self) -> TranscriptView:
            """The view it came from."""
            return self.view

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 # Textual's own word
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.frames = 0
        """How many frames of streaming have been shown; for tests and benchmarks."""
        self._clock = clock
        self._items: list[Item] = []
        self._keys: list[int] = []
        self._next_key = 0
        self._heights = Heights()
        self._follow = True
        self._placing = False
        self._shown = True
        self._palette: Palette | None = None
        self._palette_stale = True
        self._background: Color | None = None
        self._filters: tuple[LineFilter, ...] = ()
        self._renderer: Renderer | None = None
        self._form: Layout | None = None
        self._width = 0
        self._strips: dict[int, tuple[Line, Strip]] = {}
        self._recent: dict[int, Item] = {}
        self._frame_timer: asyncio.TimerHandle | None = None
        self._next_frame = 0.0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._pressed_y = -1

    # --- entries ----------------------------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of all entries, in order."""
        return tuple(self._keys)

    @property
    def following(self) -> bool:
        """Whether the view stays at the end when something is added."""
        return self._follow

    def append(self, entry: Entry) -> int:
        """Add an entry at the end; return its key."""
        key = self._add(Item(self._next_key, entry))
        self._settled(self._anchor())
        return key

    def load(self, entries: Iterable[Entry]) -> list[int]:
        """Replace everything by these entries, and show the last; only what is visible is laid out."""
        self._reset()
        keys = [self._add(Item(self._next_key, entry)) for entry in entries]
        self._settled(None)
        return keys

    def clear(self) -> None:
        """Take everything out."""
        self._reset()
        self._settled(None)

    def replace(self, key: int, entry: Entry) -> None:
        """Put another entry in the place of one.

        Raises:
            KeyError: there is no such entry.
        """
        self._swap(self._index(key), Item(key, entry))

    def remove_entry(self, key: int) -> None:
        """Take one entry out.

        Raises:
            KeyError: there is no such entry.
        """
        index, anchor = self._index(key), self._anchor()
        del self._items[index], self._keys[index]
        self._recent.pop(key, None)
        self._heights.pop(index)
        self._settled(anchor)

    def entry(self, key: int) -> Entry:
        """Return an entry; of an open answer: with what has come so far."""
        item = self._items[self._index(key)]
        return item.as_entry() if isinstance(item, OpenAnswer) else item.entry

    def text_of(self, key: int) -> str:
        """Return an entry's text exactly as received."""
        return self._items[self._index(key)].text

    def code_blocks(self, key: int) -> tuple[CodePiece, ...]:
        """Return the code blocks of an entry."""
        return code_blocks(self.text_of(key))

    # --- a growing answer -------------------------------------------------------------------------------------

    def begin_answer(self, entry: AnswerEntry) -> int:
        """Add an answer that will grow; return its key."""
        key = self._add(OpenAnswer(self._next_key, entry))
        self._settled(self._anchor())
        return key

    def feed(self, key: int, text: str) -> None:
        """Add text to an open answer. It is only collected: whoever feeds must let the event loop run now and then."""
        self._open(key).feed(text)
        self._schedule_frame()

    def feed_reasoning(self, key: int, text: str) -> None:
        """Add reasoning to an open answer."""
        self._open(key).feed_reasoning(text)
        self._schedule_frame()

    def finish(self, key: int, entry: AnswerEntry) -> None:
        """Close an open answer; what has been rendered stays if ``entry`` has the text that was fed."""
        index = self._index(key)
        item = self._items[index]
        if isinstance(item, OpenAnswer):
            self._swap(index, item.closed(entry, self._form if item.laid_out else None))
        else:
            self._swap(index, Item(key, entry))

    def discard(self, key: int) -> None:
        """Collapse the text of a failed attempt to one line that can be unfolded."""
        entry = self.entry(key)
        assert isinstance(entry, AnswerEntry)
        void = AnswerEntry(head=entry.head, text=entry.text, reasoning=entry.reasoning, state=AnswerState.DISCARDED)
        self.replace(key, void)

    def toggle(self, key: int) -> None:
        """Fold or unfold the reasoning of an answer, or a discarded text."""
        index, anchor = self._index(key), self._anchor()
        item = self._items[index]
        item.unfolded = not item.unfolded
        item.forget()
        self._settled(anchor)

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold the last answer in view that has something to unfold."""
        last = self._last_visible()
        for item in reversed(self._items[: last + 1]):
            entry = item.as_entry() if isinstance(item, OpenAnswer) else item.entry
            if isinstance(entry, AnswerEntry) and (entry.reasoning or entry.state is AnswerState.DISCARDED):
                self.toggle(item.key)
                return

    def _open(self, key: int) -> OpenAnswer:
        item = self._items[self._index(key)]
        if not isinstance(item, OpenAnswer):
            raise KeyError(f"entry {key} is not an open answer")
        return item

    def _add(self, item: Item) -> int:
        self._next_key += 1
        self._items.append(item)
        self._keys.append(item.key)
        self._heights.append(item.guess(self._width or 80))
        if isinstance(item.entry, WaitEntry):
            self._schedule_tick()
        return item.key

    def _swap(self, index: int, item: Item) -> None:
        anchor = self._anchor()
        self._items[index] = item
        self._recent.pop(item.key, None)
        if item.laid_out:
            self._heights[index] = item.height
        if isinstance(item.entry, WaitEntry):
            self._schedule_tick()
        self._settled(anchor)

    def _reset(self) -> None:
        self._items.clear()
        self._keys.clear()
        self._recent.clear()
        self._strips.clear()
        self._heights = Heights()
        self._follow = True

    def _index(self, key: int) -> int:
        index = bisect_left(self._keys, key)
        if index == len(self._keys) or self._keys[index] != key:
            raise KeyError(key)
        return index

    # --- frames and ticks -------------------------------------------------------------------------------------

    def _schedule_frame(self) -> None:
        if self._frame_timer is None and self._form is not None:
            loop = asyncio.get_running_loop()
            delay = max(self._next_frame - loop.time(), 0.0)
            # The message pump runs the frame: in the app's context, its errors handled like any other.
            self._frame_timer = loop.call_later(delay, self.call_next, self._frame)

    def _frame(self) -> None:
        self._frame_timer = None
        layout = self._form
        if layout is None or not self._shown:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.frames += 1
        anchor, top = self._anchor(), round(self.scroll_y)
        first_visible, last_visible = self._first_visible(), self._last_visible()
        changed: list[tuple[int, int]] = []
        for index in range(len(self._items) - 1, -1, -1):
            item = self._items[index]
            if not (isinstance(item, OpenAnswer) and item.stale):
                continue
            if first_visible <= index <= last_visible or not item.laid_out:
                before = self._heights[index]
                item.lay_out(layout, self._clock())
                self._heights[index] = item.height
                changed.append((index, max(before, item.height)))
            else:
                self._heights[index] = max(self._heights[index], item.guess(self._width))
        self._settle(anchor)
        if round(self.scroll_y) == top:
            for index, height in changed:
                self._refresh_from(index, height)
        self._next_frame = loop.time() + max(FRAME_S, (loop.time() - began) * FRAME_SHARE)

    def _refresh_from(self, index: int, height: int) -> None:
        item = self._items[index]
        assert isinstance(item, OpenAnswer)
        start = item.changed_from
        if index == len(self._items) - 1:
            self.refresh_lines(self._heights.top(index) + start, max(height - start, 1))
        else:
            self.refresh()

    def _schedule_tick(self) -> None:
        if self._tick_timer is None and self._form is not None and self._waits():
            delay = 1.0 - self._clock() % 1.0 + 0.01
            self._tick_timer = asyncio.get_running_loop().call_later(delay, self.call_next, self._tick)

    def _waits(self) -> list[int]:
        """Return where a countdown is running: only then the clock is looked at."""
        now = self._clock()
        return [
            index
            for index, item in enumerate(self._items)
            if isinstance(item.entry, WaitEntry) and item.entry.until is not None and item.entry.until > now - 1
        ]

    def _tick(self) -> None:
        self._tick_timer = None
        for index in self._waits():
            self._items[index].forget()
        self._settled(self._anchor())
        self._schedule_tick()

    def on_unmount(self) -> None:
        """Leave no timer behind."""
        for timer in (self._frame_timer, self._tick_timer):
            if timer is not None:
                timer.cancel()

    def on_hide(self) -> None:
        """Render nothing while nobody sees it."""
        self._shown = False

    def on_show(self) -> None:
        """Catch up with what has come meanwhile."""
        self._shown = True
        self._settled(self._anchor())

    # --- where everything is ----------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Lay out anew at another width; the entry at the top of the view stays there."""
        anchor = self._anchor()
        width = self.scrollable_content_region.width
        if width != self._width and width > 0:
            self._width = width
            self._build_layout()
            self._drop_lines()
            self._heights = Heights(item.guess(width) for item in self._items)
            if self.text_selection is not None:
                self.screen.clear_selection()
        self._settled(anchor)
        self._schedule_tick()

    def _build_layout(self) -> None:
        if self._palette_stale or self._palette is None:
            self._build_palette()
        if self._renderer is None:
            assert self._palette is not None
            self._renderer = Renderer(self._palette)
        self._form = Layout(self._renderer, self._width)

    def _drop_lines(self) -> None:
        for item in self._items:
            item.forget()
        self._recent.clear()
        self._strips.clear()

    def _anchor(self) -> tuple[int, int] | None:
        """Return what is at the top of the view, as a key and a line in that entry; ``None`` = nothing, or the end."""
        if self._follow or not self._items:
            return None
        index, line = self._heights.at(round(self.scroll_y))
        return self._keys[index], line

    def _settled(self, anchor: tuple[int, int] | None) -> None:
        self._settle(anchor)
        self.refresh()

    def _settle(self, anchor: tuple[int, int] | None) -> None:
        """Measure what is visible, and scroll so that the anchor, or the end, is where it was."""
        height = self.scrollable_content_region.height
        if self._form is None or height <= 0 or not self._shown:
            return
        if not self._items:
            self._place(0)
            return
        if self._follow or anchor is None:
            self._measure_up(len(self._items) - 1, height)
            self._place(self._heights.total - height)
            return
        index = min(bisect_left(self._keys, anchor[0]), len(self._items) - 1)
        self._show_at(index, anchor[1] if self._keys[index] == anchor[0] else 0)

    def _show_at(self, index: int, line: int) -> None:
        """Put a line of an entry at the top of the view."""
        height = self.scrollable_content_region.height
        self._measure(index)
        line = min(line, max(self._heights[index] - 1, 0))
        below, last = self._heights[index] - line, index
        while below < height and last + 1 < len(self._items):
            last += 1
            self._measure(last)
            below += self._heights[last]
        if below < height:
            self._measure_up(len(self._items) - 1, height)
            self._follow = True
            self._place(self._heights.total - height)
        else:
            self._place(self._heights.top(index) + line)

    def _measure_up(self, index: int, height: int) -> None:
        """Measure entries from ``index`` upwards until they fill the view."""
        filled = 0
        while index >= 0 and filled < height:
            self._measure(index)
            filled += self._heights[index]
            index -= 1

    def _measure(self, index: int) -> None:
        item = self._items[index]
        if not item.laid_out or (isinstance(item, OpenAnswer) and item.stale):
            assert self._form is not None
            item.lay_out(self._form, self._clock())
        self._heights[index] = item.height
        self._recent.pop(item.key, None)
        self._recent[item.key] = item
        while len(self._recent) > KEPT_ITEMS:
            self._recent.pop(next(iter(self._recent))).forget()

    def _place(self, top: int) -> None:
        """Set the size of the whole and the scroll position, without asking the screen for a layout."""
        size = Size(self._width, self._heights.total)
        self._placing = True
        try:
            if size != self.virtual_size:
                self.set_reactive(TranscriptView.virtual_size, size)
                self.vertical_scrollbar.window_virtual_size = size.height
                self.vertical_scrollbar.window_size = self.scrollable_content_region.height
            self.scroll_y = top
            self.scroll_target_y = self.scroll_y
        finally:
            self._placing = False

    def _first_visible(self) -> int:
        return self._heights.at(round(self.scroll_y))[0] if self._items else 0

    def _last_visible(self) -> int:
        bottom = round(self.scroll_y) + self.scrollable_content_region.height - 1
        return self._heights.at(bottom)[0] if self._items else -1

    # --- scrolling --------------------------------------------------------------------------------------------

    def scroll_to(self, x: float | None = None, y: float | None = None, **how: Any) -> None:
        """Scroll without animation: heights are measured on the way, and a moving target is never reached."""
        super().scroll_to(x, y, **{**how, "animate": False})

    def scroll_end(self, **_how: Any) -> None:
        """Go to the end, and follow it again."""
        self._follow = True
        self._settled(None)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell the user's scrolling from our own, and measure what came into view."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or self._form is None or not self._items:
            return
        old, new = round(old_value), round(new_value)
        self._follow = new >= self.max_scroll_y
        if self._follow:
            self._settle(None)
        elif 0 < old - new <= 3 * self.scrollable_content_region.height:
            self._show_at(*self._above(old, old - new))
        else:
            self._show_at(*self._heights.at(new))

    def _above(self, top: int, lines: int) -> tuple[int, int]:
        """Return what is so many lines above ``top``, measuring on the way, not trusting guesses."""
        index, line = self._heights.at(top)
        while lines > line and index > 0:
            lines -= line
            index -= 1
            self._measure(index)
            line = self._heights[index]
        return index, max(line - lines, 0)

    # --- painting ---------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Textual's word that styles have changed; what it means is looked at when something is painted."""
        super().notify_style_update()
        self._palette_stale = True

    def restyle(self) -> None:
        """Take the colours of the theme that is on now; called by itself when styles change."""
        self._palette_stale = True
        self.refresh()

    def _build_palette(self) -> bool:
        """Resolve the component classes; return whether anything looks different."""
        self._palette_stale = False
        parts = {part: self._part_style(f"{PREFIX}{part}") for part in PARTS}
        palette = Palette(base=self.rich_style, parts=parts)
        self._background = self.background_colors[1]
        if palette == self._palette:
            return False
        self._palette = palette
        self._renderer = None
        return True

    def _part_style(self, name: str) -> Style:
        """Return a part's style with the colours that its rule sets, resolved against the background, and no others."""
        told = self.get_component_rich_style(name, partial=True)
        full = self.get_component_rich_style(name)
        colours = Style(color=full.color if told.color else None, bgcolor=full.bgcolor if told.bgcolor else None)
        return told + colours

    def _follow_styles(self) -> None:
        filters = tuple(self.get_line_filters())
        if filters != self._filters:
            self._filters = filters
            self._strips.clear()
        if self._palette_stale and self._build_palette() and self._form is not None:
            self._build_layout()
            self._drop_lines()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint part of the view, past the style cache: lines are cached here, by what they show."""
        self._follow_styles()
        width = self.size.width
        strips = [self._painted(y, width) for y in crop.line_range]
        if crop.column_span != (0, width):
            left, right = crop.column_span
            strips = [strip.crop(left, right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Return one line with the places of its characters: the compositor asks for it when the mouse selects."""
        found = self._line_at(y)
        strip = self._painted(y, self.size.width)
        return strip if found is None else strip.apply_offsets(0, packed(found[0].key, found[1]))

    def _line_at(self, y: int) -> tuple[Item, int, Line] | None:
        """Return what is at a row of the view."""
        row = round(self.scroll_y) + y
        if self._form is None or y < 0 or row >= self._heights.total:
            return None
        index, number = self._heights.at(row)
        item = self._items[index]
        if not item.laid_out:
            item.lay_out(self._form, self._clock())
            self._recent[item.key] = item
        line = item.line(number)
        return None if line is None else (item, number, line)

    def _painted(self, y: int, width: int) -> Strip:
        found = self._line_at(y)
        if found is None or self._palette is None:
            return self._filtered(Strip.blank(width, self._palette.base if self._palette else None))
        item, number, line = found
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(packed(item.key, number))) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            return self._filtered(self._strip(highlighted(line.segments, span, style), width))
        kept = self._strips.get(id(line))
        if kept is not None and kept[0] is line and kept[1].cell_length == width:
            return kept[1]
        strip = self._filtered(self._strip(line.segments, width))
        if len(self._strips) >= KEPT_STRIPS:
            for key in list(self._strips)[: KEPT_STRIPS // 2]:
                del self._strips[key]
        self._strips[id(line)] = (line, strip)
        return strip

    def _strip(self, segments: Iterable[Segment], width: int) -> Strip:
        assert self._palette is not None
        base = self._palette.base
        painted = [Segment(text, base if style is None else base + style) for text, style, _ in segments if text]
        return Strip(painted).adjust_cell_length(width, base)

    def _filtered(self, strip: Strip) -> Strip:
        for line_filter in self._filters:
            assert self._background is not None
            strip = strip.apply_filter(line_filter, self._background)
        return strip

    # --- the mouse --------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where: a double click selects the entry below the mouse."""
        self._pressed_y = event.y

    def on_click(self, event: events.Click) -> None:
        """Unfold, or choose what a note offers; a click that ends a selection does neither."""
        found = self._line_at(event.y)
        if found is None or self.text_selection is not None or event.chain > 1:
            return
        item, _, line = found
        for target in line.targets:
            if cell_len(line.text[: target.start]) <= event.x < cell_len(line.text[: target.end]):
                event.stop()
                if target.name == FOLD:
                    self.toggle(item.key)
                else:
                    self.post_message(self.Chosen(self, item.key, target.name))
                return

    def text_select_all(self) -> None:
        """Select the entry that was double-clicked; Textual would take the whole conversation."""
        from textual.geometry import Offset
        from textual.selection import Selection

        found = self._line_at(self._pressed_y)
        if found is not None:
            item = found[0]
            start, end = Offset(0, packed(item.key, 0)), Offset(0, packed(item.key + 1, 0))
            self.screen.selections = {self: Selection(start, end)}

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text: entries that are selected whole as they were written, parts as they are shown."""
        start, end = place(selection.start), place(selection.end)
        pieces: list[str] = []
        for item in self._items:
            if (start and item.key < start.key) or (end and item.key > end.key):
                continue
            begins = (start.line, start.x) if start and item.key == start.key else None
            ends = (end.line, end.x) if end and item.key == end.key else None
            if ends == (0, 0):
                continue
            if ends is None and begins in (None, (0, 0)):
                pieces.append(sanitise(item.text).strip("\n"))
            else:
                lines = [line for part in item.parts or () for line in part]
                pieces.append(copied(lines, begins, ends).strip("\n"))
        text = "\n\n".join(pieces)
        return (text, "\n") if text else None
