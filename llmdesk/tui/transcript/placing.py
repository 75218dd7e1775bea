"""Where every entry is: heights, guessed until an entry is looked at, and a scroll position that does not jump.

What the user looks at stays where it is, whatever is measured, added or taken out around it: either the end, while the
view is there, or the line at the top.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from textual.geometry import Size

from llmdesk.tui.transcript.entries import UserEntry
from llmdesk.tui.transcript.heights import Heights
from llmdesk.tui.transcript.layout import Layout
from llmdesk.tui.transcript.markdown import Renderer
from llmdesk.tui.transcript.painting import PaintedView, Row

if TYPE_CHECKING:
    from typing import TypeAlias

    from llmdesk.tui.transcript.item import Item
    from llmdesk.tui.transcript.pictures import Gallery, Picture

    Anchor: TypeAlias = tuple[int, int] | None
    """What stays at the top of the view: the key of an entry and a line in it; ``None`` = the end is followed."""

KEPT_ITEMS = 100
"""How many entries keep their lines; the others are laid out again when they come into view."""

GUESSED_WIDTH = 80
"""For heights before the first size is known, columns."""

SLOW_LAYOUT_S = 0.03
"""A layout that took longer is not repeated for every step of a resize, but when it has come to rest."""

REST_S = 0.1
"""How long a resize must rest before a slow layout, seconds."""


class PlacedView(PaintedView):
    """Holds items one below the other, and lays out those in view."""

    def __init__(self, **named: str | None) -> None:
        super().__init__(**named)
        self._items: list[Item] = []
        self._keys: list[int] = []
        self._heights = Heights()
        self._follow = True
        self._placing = False
        self._shown = True
        self._form: Layout | None = None
        self._gallery: Gallery | None = None
        self._width = 0
        self._settled_in: Size | None = None
        """The room that was settled in while the screen was laid out, before it was painted."""
        self._recent: dict[int, Item] = {}
        self._layout_cost_s = 0.0
        self._resizes = 0
        self._next_key = 0

    @property
    def following(self) -> bool:
        """Whether the view is at the end, and stays there when something is added."""
        return self._follow

    # --- items ------------------------------------------------------------------------------------------------

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1

    def _appended(self, item: Item) -> int:
        anchor = self._anchor()
        self._add(item)
        self._settled(anchor)
        return item.key

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._keys.append(item.key)
        self._heights.append(item.guess(self._width or GUESSED_WIDTH))

    def _swap(self, index: int, item: Item) -> None:
        anchor = self._anchor()
        self._items[index] = item
        self._recent.pop(item.key, None)
        self._settled(anchor)

    def _take_out(self, index: int) -> None:
        anchor = self._anchor()
        self._recent.pop(self._keys[index], None)
        del self._items[index], self._keys[index]
        self._heights.pop(index)
        self._settled(anchor)

    def _put(self, items: list[Item]) -> None:
        """Let these be the items, in the order of their keys."""
        self._items, self._keys = items, [item.key for item in items]
        self._recent = {key: item for key, item in self._recent.items() if item in items}
        width = self._width or GUESSED_WIDTH
        self._heights = Heights(item.height if item.laid_out else item.guess(width) for item in items)

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

    def gallery(self) -> Gallery:
        """The pictures of what is shown; made when the first one is to be laid out."""
        if self._gallery is None:
            from llmdesk.tui.transcript.pictures import Gallery

            self._gallery = Gallery(self._pictures_wanted, self._picture_arrived)
        return self._gallery

    def _pictures_wanted(self) -> bool:
        """Whether there are colours for them, and the user has not switched them off."""
        app = self.app
        colours = not app.no_color and app.console.color_system in ("truecolor", "256")
        return colours and bool(getattr(app, "images", True))

    def _picture_arrived(self, picture: Picture) -> None:
        if not self.is_attached:
            return
        anchor = self._anchor()
        for item in self._items:
            if item.laid_out and isinstance(item.entry, UserEntry) and picture in item.entry.images:
                item.forget()
        self._settled(anchor)

    # --- sizes ------------------------------------------------------------------------------------------------

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Draw the scrollbar where this has another size, not whenever anything is laid out.

        Textual 8.2.8 compares ``virtual_size`` to how long the whole is, but hands in how much of it is shown.
        """
        if size == self._size and self._container_size == size - self.styles.gutter.totals:
            return self._container_size != container_size
        anchor = self._anchor()
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        self._settled_in = None
        if changed and self._form is not None and self._items and self._settles_at_once():
            self._settle(anchor)
            self._settled_in = self._room()
            self._repaint_required = False  # another size is painted as a whole, right after this
            self._exchange_repaint_regions()
        return changed

    def _settles_at_once(self) -> bool:
        """Whether another height is settled in while the screen is laid out, since it is painted right after that."""
        return self._width == self._room().width and self.screen.is_active and not self.app._batch_count  # noqa: SLF001

    def on_resize(self) -> None:
        """Lay out anew at another width; a first paint may have come before this, and had nothing to show."""
        self._resizes += 1
        if self._form is not None and self._settled_in == self._room():
            self.came_into_view()
        elif self._form is None or self._layout_cost_s < SLOW_LAYOUT_S:
            self._resized()
        else:
            self._settled(self._anchor())
            resizes = self._resizes
            self.set_timer(REST_S, lambda: self._resized() if self._resizes == resizes else None)

    def _resized(self) -> None:
        width = self._room().width
        if width <= 0:
            return
        anchor, began = self._anchor(), time.perf_counter()
        if width != self._width:
            self._width = width
            self._form = Layout(Renderer(self.current_palette()), width, self.gallery)
            self._drop_lines()
            self._heights = Heights(item.guess(width) for item in self._items)
            if self.text_selection is not None:
                self.screen.clear_selection()
        self._came_up(anchor)
        self._layout_cost_s = time.perf_counter() - began
        self.came_into_view()

    def palette_changed(self) -> None:
        """Lay out in the new colours, each entry when it is painted."""
        if self._form is not None and self._palette is not None:
            self._form = Layout(Renderer(self._palette), self._width, self.gallery)
            self._drop_lines()

    def on_hide(self) -> None:
        """Lay out nothing while nobody sees it."""
        self._shown = False

    def on_show(self) -> None:
        """Catch up with what has come meanwhile."""
        self._shown = True
        self._came_up(self._anchor())
        self.came_into_view()

    def _came_up(self, anchor: Anchor) -> None:
        """Settle in the room there is now; where nothing has been said yet, what was painted of that stays."""
        if self._items:
            self._settled(anchor)
        else:
            self._settle(anchor)

    def came_into_view(self) -> None:
        """Called when there is a size to show things in: at first, after a resize, after having been hidden.

        Textual calls a message handler of the base and of the subclass, each by itself; this is called once.
        """

    def _drop_lines(self) -> None:
        for item in self._items:
            item.forget()
        self._recent.clear()
        self._strips.clear()

    # --- what is where ----------------------------------------------------------------------------------------

    def row_at(self, y: int) -> Row | None:
        """Return what is at a row of the view."""
        row = round(self.scroll_y) + y
        if self._form is None or y < 0 or row >= self._heights.total:
            return None
        index, number = self._heights.at(row)
        item = self._items[index]
        if not item.laid_out:
            self._lay_out(item, self._form)
        line = item.line(number)
        return None if line is None else Row(item.key, number, line)

    def _room(self) -> Size:
        return self.scrollable_content_region.size

    def _view_height(self) -> int:
        return self._room().height

    def _visible(self) -> range:
        """Return the positions of the items in view."""
        if not self._items:
            return range(0)
        top = round(self.scroll_y)
        return range(self._heights.at(top)[0], self._heights.at(top + self._view_height() - 1)[0] + 1)

    def _anchor(self) -> Anchor:
        if self._follow or not self._items:
            return None
        index, line = self._heights.at(round(self.scroll_y))
        return self._keys[index], line

    def _settled(self, anchor: Anchor) -> None:
        """Settle, and paint everything."""
        self._settle(anchor)
        self.refresh()

    def _settle(self, anchor: Anchor) -> None:
        """Measure what is visible, and scroll so that the anchor, or the end, is where it was."""
        if self._form is None or self._view_height() <= 0 or not self._shown:
            return
        if anchor is None or not self._items:
            self._show_end()
            return
        index = min(bisect_left(self._keys, anchor[0]), len(self._items) - 1)
        self._show_at(index, anchor[1] if self._keys[index] == anchor[0] else 0)

    def _show_end(self) -> None:
        self._follow = True
        height, filled = self._view_height(), 0
        for index in range(len(self._items) - 1, -1, -1):
            if filled >= height:
                break
            filled += self._measured(index)
        self._place(self._heights.total - height)

    def _show_at(self, index: int, line: int) -> None:
        """Put a line of an entry at the top of the view."""
        height = self._view_height()
        line = min(line, max(self._measured(index) - 1, 0))
        below, last = self._heights[index] - line, index
        while below < height and last + 1 < len(self._items):
            last += 1
            below += self._measured(last)
        if below < height:
            self._show_end()
        else:
            self._place(self._heights.top(index) + line)

    def _measured(self, index: int) -> int:
        """Return the height of an item, laid out if it was not."""
        item = self._items[index]
        if not item.laid_out:
            assert self._form is not None
            self._lay_out(item, self._form)
        self._heights[index] = item.height
        return item.height

    def _lay_out(self, item: Item, form: Layout) -> None:
        item.lay_out(form)
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
                self.set_reactive(PlacedView.virtual_size, size)
                self.vertical_scrollbar.window_virtual_size = size.height
                self.vertical_scrollbar.window_size = self._view_height()
            self.scroll_y = top
            self.scroll_target_y = self.scroll_y
        finally:
            self._placing = False

    # --- scrolling --------------------------------------------------------------------------------------------

    def scroll_to(self, x: float | None = None, y: float | None = None, **how: Any) -> None:
        """Scroll without animation: what comes into view is measured on the way, which moves the aim."""
        super().scroll_to(x, y, **{**how, "animate": False})

    def scroll_end(self, **_how: Any) -> None:
        """Go to the end, and follow it again."""
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
        elif 0 < old - new <= 3 * self._view_height():
            self._show_at(*self._above(old, old - new))
        else:
            self._show_at(*self._heights.at(new))

    def _above(self, top: int, lines: int) -> tuple[int, int]:
        """Return what is so many lines above ``top``, measuring on the way: guesses would make the view jump."""
        index, line = self._heights.at(top)
        while lines > line and index > 0:
            lines -= line
            index -= 1
            line = self._measured(index)
        return index, max(line - lines, 0)
