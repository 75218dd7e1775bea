"""The conversation as one widget: a line-API view without children, however long the conversation is.

Only what is visible is laid out (``placing``). While an answer streams, its text is collected and brought to the screen
at most 25 times a second, and only lines that changed are painted (``painting``).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, CodePiece, Entry, WaitEntry
from llmdesk.tui.transcript.item import Item, OpenAnswer
from llmdesk.tui.transcript.layout import FOLD
from llmdesk.tui.transcript.markdown import code_blocks, preload
from llmdesk.tui.transcript.placing import PlacedView
from llmdesk.tui.transcript.selection import copied, packed, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual import events

    from llmdesk.tui.transcript.layout import Layout

__all__ = ["TranscriptView", "preload"]

FRAME_S = 1 / 25
"""The shortest time between two frames of a growing answer, seconds."""

FRAME_SHARE = 5
"""A frame that took long is followed by a pause this many times as long, so that typing stays fluent."""

CATCH_UP_PAUSE_S = 0.01
"""The pause while text waits that would not fit into one frame: keys get through, the end is soon there."""


class TranscriptView(PlacedView, can_focus=True):
    """Shows entries, follows the end while it is at the end, and streams answers."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False  # a click selects or unfolds; the prompt keeps the keyboard
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
        super().__init__(clock=clock, name=name, id=id, classes=classes)
        self.frames = 0
        """How many frames of streaming have been shown, for tests and benchmarks."""
        self._next_key = 0
        self._frame_timer: asyncio.TimerHandle | None = None
        self._next_frame = 0.0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._pressed_y = -1

    # --- entries ----------------------------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of all entries, in order."""
        return tuple(self._keys)

    def append(self, entry: Entry) -> int:
        """Add an entry at the end; return its key."""
        return self._appended(Item(self._new_key(), entry))

    def load(self, entries: Iterable[Entry]) -> list[int]:
        """Replace everything by these entries, and show the last; only what is visible is laid out."""
        self._reset()
        for entry in entries:
            self._add(Item(self._new_key(), entry))
        self._settled(None)
        self._schedule_tick()
        return list(self._keys)

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
        self._schedule_tick()

    def remove_entry(self, key: int) -> None:
        """Take one entry out.

        Raises:
            KeyError: there is no such entry.
        """
        self._take_out(self._index(key))

    def entry(self, key: int) -> Entry:
        """Return an entry; of an open answer: with what has come so far.

        Raises:
            KeyError: there is no such entry.
        """
        return self._items[self._index(key)].as_entry()

    def text_of(self, key: int) -> str:
        """Return an entry's text exactly as received.

        Raises:
            KeyError: there is no such entry.
        """
        return self._items[self._index(key)].text

    def code_blocks(self, key: int) -> tuple[CodePiece, ...]:
        """Return the code blocks of an entry.

        Raises:
            KeyError: there is no such entry.
        """
        return code_blocks(self.text_of(key))

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1

    def _appended(self, item: Item) -> int:
        anchor = self._anchor()
        self._add(item)
        self._settled(anchor)
        self._schedule_tick()
        return item.key

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
            self._schedule_frame()
        else:
            self._swap(index, item.closed(entry, self._form))

    def discard(self, key: int) -> None:
        """Collapse the text of a failed attempt to one line that can be unfolded.

        Raises:
            KeyError: there is no such answer.
        """
        entry = self.entry(key)
        if not isinstance(entry, AnswerEntry):
            raise KeyError(key)
        void = AnswerEntry(head=entry.head, text=entry.text, reasoning=entry.reasoning, state=AnswerState.DISCARDED)
        self.replace(key, void)

    def toggle(self, key: int) -> None:
        """Fold or unfold the reasoning of an answer, or a discarded text.

        Raises:
            KeyError: there is no such entry.
        """
        item, anchor = self._items[self._index(key)], self._anchor()
        item.unfolded = not item.unfolded
        item.forget()
        self._settled(anchor)

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold the last answer in view, or above it, that has something to unfold."""
        for item in reversed(self._items[: self._visible().stop]):
            entry = item.as_entry()
            if isinstance(entry, AnswerEntry) and (entry.reasoning or entry.state is AnswerState.DISCARDED):
                self.toggle(item.key)
                return

    def _open(self, key: int) -> OpenAnswer:
        item = self._items[self._index(key)]
        if not isinstance(item, OpenAnswer) or item.ending is not None:
            raise KeyError(f"entry {key} is not an open answer")
        return item

    @property
    def busy(self) -> bool:
        """Whether text has been fed that is not on the screen yet."""
        return self._frame_timer is not None

    # --- frames and ticks -------------------------------------------------------------------------------------

    def _schedule_frame(self) -> None:
        if self._frame_timer is None and self._form is not None and self._shown:
            loop = asyncio.get_running_loop()
            delay = max(self._next_frame - loop.time(), 0.0)
            # The message pump runs the frame: in the app's context, its errors handled like any other.
            self._frame_timer = loop.call_later(delay, self.call_next, self._frame)

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
        waiting = False
        for index, item in enumerate(self._items):
            if isinstance(item, OpenAnswer) and item.stale:
                before = self._heights[index]
                start = self._advance(index, item, index in visible)
                changed.append((index, start, max(before, self._heights[index])))
                waiting = waiting or item.stale
        self._settle(anchor)
        if round(self.scroll_y) == top:
            self._refresh_changed(changed)
        now = loop.time()
        if waiting:
            self._next_frame = now + CATCH_UP_PAUSE_S
            self._schedule_frame()
        else:
            self._next_frame = now + max(FRAME_S, (now - began) * FRAME_SHARE)

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
            self._lay_out(item, self._form)
            self._heights[index] = item.height
        return item.changed_from

    def _refresh_changed(self, changed: list[tuple[int, int, int]]) -> None:
        if [index for index, _, _ in changed] == [len(self._items) - 1]:
            index, start, height = changed[0]
            self.refresh_lines(self._heights.top(index) + start, max(height - start, 1))
        else:
            self.refresh()

    def _schedule_tick(self) -> None:
        """Look at the clock when the next second begins, but only while a countdown runs."""
        if self._tick_timer is None and self._form is not None and self._waits():
            delay = 1.0 - self._clock() % 1.0 + 0.01
            self._tick_timer = asyncio.get_running_loop().call_later(delay, self.call_next, self._tick)

    def _waits(self) -> list[Item]:
        now = self._clock()
        return [
            item
            for item in self._items
            if isinstance(item.entry, WaitEntry) and item.entry.until is not None and item.entry.until > now - 1
        ]

    def _tick(self) -> None:
        self._tick_timer = None
        anchor = self._anchor()
        for item in self._waits():
            item.forget()
        self._settled(anchor)
        self._schedule_tick()

    def came_into_view(self) -> None:
        """Catch up with what has come meanwhile, and count down."""
        self._schedule_frame()
        self._schedule_tick()

    def _lay_out(self, item: Item, form: Layout) -> None:
        super()._lay_out(item, form)
        if isinstance(item, OpenAnswer) and item.stale:
            self._schedule_frame()

    def on_unmount(self) -> None:
        """Leave no timer behind."""
        for timer in (self._frame_timer, self._tick_timer):
            if timer is not None:
                timer.cancel()

    # --- the mouse --------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where: a double click selects the entry below the mouse."""
        self._pressed_y = event.y

    def on_click(self, event: events.Click) -> None:
        """Unfold, or choose what a note offers; a click that ends a selection does neither."""
        row = self.row_at(event.y)
        if row is None or self.text_selection is not None or event.chain > 1:
            return
        for start, end, name in row.line.targets:
            if cell_len(row.line.text[:start]) <= event.x < cell_len(row.line.text[:end]):
                event.stop()
                if name == FOLD:
                    self.toggle(row.key)
                else:
                    self.post_message(self.Chosen(self, row.key, name))
                return

    def text_select_all(self) -> None:
        """Select the entry that was double-clicked; Textual would take the whole conversation."""
        row = self.row_at(self._pressed_y)
        if row is not None:
            start, end = Offset(0, packed(row.key, 0)), Offset(0, packed(row.key + 1, 0))
            self.screen.selections = {self: Selection(start, end)}

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
        text = "\n\n".join(piece for piece in pieces if piece)
        return (text, "\n") if text else None
