"""Answers that grow: their text is collected, and brought to the screen at most 25 times a second, or 4, calmly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.tui.transcript.item import Item, OpenAnswer
from llmdesk.tui.transcript.placing import PlacedView

if TYPE_CHECKING:
    from llmdesk.tui.transcript.entries import AnswerEntry
    from llmdesk.tui.transcript.layout import Layout

FRAME_S = 1 / 25
"""The shortest time between two frames of a growing answer, seconds."""

CALM_FRAME_S = 1 / 4
"""The same where motion is reduced: an eye, or a magnifier, follows few large steps better than many small ones."""

FRAME_SHARE = 5
"""A frame that took long is followed by a pause this many times as long, so that typing stays fluent."""

CATCH_UP_PAUSE_S = 0.004
"""The pause while text waits that would not fit into one frame: keys get through, the end is soon there."""


class StreamedView(PlacedView):
    """Takes text for open answers, and paints only the lines that changed."""

    def __init__(self, **named: str | None) -> None:
        super().__init__(**named)
        self.frames = 0
        """How many frames of streaming have been shown, for tests and benchmarks."""
        self._frame_timer: asyncio.TimerHandle | None = None
        self._next_frame = 0.0

    # --- a growing answer -------------------------------------------------------------------------------------

    def begin_answer(self, entry: AnswerEntry) -> int:
        """Add an answer that will grow; return its key."""
        return self._appended(OpenAnswer(self._new_key(), entry))

    def feed(self, key: int, text: str) -> None:
        """Add text to an open answer.

        It is only collected here: whoever feeds must let the event loop run every few milliseconds.

        Raises:
            KeyError: there is no such open answer.
        """
        self._open(key).feed(text)
        self._schedule_frame()

    def feed_reasoning(self, key: int, text: str) -> None:
        """Add reasoning to an open answer.

        Raises:
            KeyError: there is no such open answer.
        """
        self._open(key).feed_reasoning(text)
        self._schedule_frame()

    def finish(self, key: int, entry: AnswerEntry) -> None:
        """Close an open answer; what has been rendered stays if ``entry`` has the text that was fed.

        Raises:
            KeyError: there is no such entry.
        """
        index = self._index(key)
        item = self._items[index]
        if self._form is None or not isinstance(item, OpenAnswer) or not item.laid_out or not self._shown:
            self._swap(index, Item(key, entry))
        elif item.behind:
            item.ending = entry
            item.stale = True
            self._next_frame = min(self._next_frame, asyncio.get_running_loop().time() + CATCH_UP_PAUSE_S)
            self._schedule_frame(anew=True)
        else:
            self._swap(index, item.closed(entry, self._form))

    def _open(self, key: int) -> OpenAnswer:
        item = self._items[self._index(key)]
        if not isinstance(item, OpenAnswer) or item.ending is not None:
            raise KeyError(f"entry {key} is not an open answer")
        return item

    @property
    def busy(self) -> bool:
        """Whether text has been fed that is not on the screen yet."""
        return self._frame_timer is not None

    # --- frames -------------------------------------------------------------------------------------------

    def _schedule_frame(self, *, anew: bool = False) -> None:
        if anew and self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None
        if self._frame_timer is None and self._form is not None and self._shown:
            loop = asyncio.get_running_loop()
            delay = max(self._next_frame - loop.time(), 0.0)
            # The message pump runs the frame: in the app's context, its errors handled like any other.
            self._frame_timer = loop.call_later(delay, self.call_next, self._frame)

    @property
    def _least_pause_s(self) -> float:
        return CALM_FRAME_S if self.app.animation_level == "none" else FRAME_S

    def _frame(self) -> None:
        """Bring to the screen what open answers have received."""
        self._frame_timer = None
        if self._form is None or not self._shown:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.frames += 1
        anchor, top, visible = self._anchor(), round(self.scroll_y), self._visible()
        changed: list[tuple[int, int, int]] = []
        stale = hurried = False
        for index, item in enumerate(self._items):
            if isinstance(item, OpenAnswer) and item.stale:
                before = self._heights[index]
                start = self._advance(index, item, index in visible)
                changed.append((index, start, max(before, self._heights[index])))
                stale, hurried = stale or item.stale, hurried or item.hurried
        self._settle(anchor)
        if round(self.scroll_y) == top:
            self._refresh_changed(changed)
        now = loop.time()
        pause = max(self._least_pause_s, (now - began) * FRAME_SHARE)
        self._next_frame = now + (CATCH_UP_PAUSE_S if hurried else pause)
        if stale:
            self._schedule_frame()

    def _advance(self, index: int, item: OpenAnswer, visible: bool) -> int:
        """Lay out what has come for one answer; return its first line that changed."""
        assert self._form is not None
        if not visible and item.laid_out:
            # Out of sight: it is laid out when it comes into view, or when it is over.
            if item.ending is not None:
                self._items[index] = Item(item.key, item.ending)
            self._recent.pop(item.key, None)
            item.forget()
            item.stale = False
            self._heights[index] = max(self._heights[index], item.guess(self._width))
        elif item.ending is not None and not item.behind:
            closed = item.closed(item.ending, self._form)
            self._items[index] = closed
            self._recent.pop(closed.key, None)
            item.stale = False
            return 0
        else:
            item.rows = self._view_height() if self._follow else None
            self._lay_out(item, self._form)
            self._heights[index] = item.height
        return item.changed_from

    def _refresh_changed(self, changed: list[tuple[int, int, int]]) -> None:
        if [index for index, _, _ in changed] == [len(self._items) - 1]:
            index, start, height = changed[0]
            self.refresh_lines(self._heights.top(index) + start, max(height - start, 1))
        else:
            self.refresh()

    def came_into_view(self) -> None:
        """Catch up with what has come meanwhile, if anything has."""
        if any(isinstance(item, OpenAnswer) and item.stale for item in self._items):
            self._schedule_frame()

    def _lay_out(self, item: Item, form: Layout) -> None:
        super()._lay_out(item, form)
        if isinstance(item, OpenAnswer) and item.stale:
            self._schedule_frame()

    def on_unmount(self) -> None:
        """Leave no timer behind."""
        if self._frame_timer is not None:
            self._frame_timer.cancel()
