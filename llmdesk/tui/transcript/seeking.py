"""Going to a place in the conversation: an entry, or a hit of a search; every hit in view is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.tui.transcript.entries import UserEntry
from llmdesk.tui.transcript.finding import all_spans, hits, needle_of, spans
from llmdesk.tui.transcript.streaming import StreamedView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.tui.transcript.finding import Hit, Span
    from llmdesk.tui.transcript.item import Item
    from llmdesk.tui.transcript.lines import Line


class SoughtView(StreamedView):
    """Shows what was looked for."""

    def __init__(self, **named: str | None) -> None:
        super().__init__(**named)
        self._marked: tuple[Hit, str] | None = None
        self._marked_in: Sequence[Sequence[Line]] | None = None
        self._spans: Mapping[int, Span] = {}
        self._others: dict[int, tuple[Sequence[Sequence[Line]], Mapping[int, tuple[Span, ...]]]] = {}

    # --- an entry ---------------------------------------------------------------------------------------------

    def show(self, key: int, line: int = 0) -> None:
        """Bring a line of an entry into view, with something of what is around it; nothing moves if it is there.

        Raises:
            KeyError: there is no such entry.
        """
        self._index(key)
        self.call_after_refresh(self._show, key, line, fixed=False)

    def show_top(self, key: int) -> None:
        """Put the first line of an entry at the top of the view, as far as what follows fills it.

        Raises:
            KeyError: there is no such entry.
        """
        self._index(key)
        self.call_after_refresh(self._show, key, 0, fixed=True)

    def _show(self, key: int, line: int, *, fixed: bool) -> None:
        if self._form is None or key not in self._keys:
            return
        index = self._index(key)
        self._measured(index)
        row, height = self._heights.top(index) + line, self._view_height()
        if fixed or not round(self.scroll_y) <= row < round(self.scroll_y) + height:
            self._follow = False
            above = 0 if fixed else height // 3
            self._show_at(*self._above(row, above) if above else (index, line))
        self.refresh()

    @property
    def top_key(self) -> int:
        """The key of the entry at the top of the view; -1 when there is none."""
        return self._keys[self._visible().start] if self._keys else -1

    # --- hits -------------------------------------------------------------------------------------------------

    def find(self, words: str) -> list[Hit]:
        """Return where the words stand, in order; only texts are looked at, nothing is laid out."""
        needle = needle_of(words)
        return [hit for item in self._items for hit in hits(item.key, item.as_entry(), needle)] if needle else []

    def mark(self, hit: Hit | None, words: str = "") -> None:
        """Mark one hit and bring it into view; ``None`` takes the mark away."""
        self._marked = None if hit is None else (hit, needle_of(words))
        self._marked_in = None
        self._others.clear()
        if hit is not None and self._form is not None and hit.key in self._keys:
            self._measured(self._index(hit.key))
            self.show(hit.key, min(self._marked_spans(hit.key), default=0))
        self.refresh()

    def found_in(self, key: int, number: int) -> Span | None:
        """Return which characters of a line are marked."""
        if self._marked is None or self._marked[0].key != key:
            return None
        return self._marked_spans(key).get(number)

    def also_found_in(self, key: int, number: int) -> Sequence[Span]:
        """Return every hit in a line; an entry is looked through when it comes into view, and when it changes."""
        if self._marked is None:
            return ()
        item = self._items[self._index(key)]
        kept = self._others.get(key)
        if item.parts is None:
            return ()
        if kept is None or kept[0] is not item.parts:
            found: Mapping[int, tuple[Span, ...]] = {}
            if hits(key, item.as_entry(), self._marked[1]):
                above = self._lines_above(item)
                lines = [line for part in item.parts for line in part]
                found = {at + above: each for at, each in all_spans(lines[above:], self._marked[1]).items()}
            kept = self._others[key] = (item.parts, found)
        return kept[1].get(number, ())

    def _marked_spans(self, key: int) -> Mapping[int, Span]:
        """Look for the marked hit again when its lines are other ones: a resize, an answer that grows."""
        assert self._marked is not None
        item = self._items[self._index(key)]
        if item.parts is not self._marked_in or item.parts is None:
            hit, needle = self._marked
            lines = [line for part in item.parts or () for line in part]
            above = self._lines_above(item)
            found = spans(lines[above:], needle, hit.nth)
            self._spans = {number + above: span for number, span in found.items()}
            self._marked_in = item.parts
        return self._spans

    def _lines_above(self, item: Item) -> int:
        """Count the lines above an entry's text (who, when, the reasoning), which are not searched."""
        return 1 if isinstance(item.entry, UserEntry) else item.body[0] if item.laid_out else 0
