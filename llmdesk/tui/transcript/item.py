"""An entry in the view: laid out when it is looked at, forgotten when it is far away, fed while it is open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.text import Sanitiser
from llmdesk.tui.transcript.document import Document
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, UserEntry
from llmdesk.tui.transcript.layout import guess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.tui.transcript.entries import Entry
    from llmdesk.tui.transcript.layout import Layout
    from llmdesk.tui.transcript.lines import Line

CATCH_UP_CHARS = 16_000
"""How much text is brought to the screen at once, about 60 ms of work; the rest waits for the next frame."""

LOOK_THROUGH_CHARS = 64_000
"""The same where only the end of it is rendered at once: about 25 ms."""


class Item:
    """One entry and, while they are needed, its lines."""

    def __init__(self, key: int, entry: Entry) -> None:
        self.key = key
        self.entry = entry
        self.unfolded = isinstance(entry, UserEntry) and bool(entry.images)
        self.parts: Sequence[Sequence[Line]] | None = None

    @property
    def laid_out(self) -> bool:
        """Whether the height is measured and the lines are there."""
        return self.parts is not None

    @property
    def height(self) -> int:
        """How many lines there are; only of an item that is laid out."""
        assert self.parts is not None
        return sum(len(part) for part in self.parts)

    @property
    def text(self) -> str:
        """The text as received."""
        return self.entry.text

    def as_entry(self) -> Entry:
        """Return the entry as it is now."""
        return self.entry

    def line(self, number: int) -> Line | None:
        """Return one line, ``None`` if there is none of that number."""
        for part in self.parts or ():
            if number < len(part):
                return part[number]
            number -= len(part)
        return None

    def guess(self, width: int) -> int:
        """Guess the height."""
        return guess(self.entry, width)

    def lay_out(self, layout: Layout) -> None:
        """Make the lines."""
        self.parts = layout.parts(self.entry, unfolded=self.unfolded)

    def refold(self, layout: Layout | None) -> None:
        """Be folded or unfolded from now on; the text of an answer is not laid out again for it."""
        self.unfolded = not self.unfolded
        if layout is None or self.parts is None or not self.keeps_body:
            self.forget()
        else:
            entry = self.as_entry()
            assert isinstance(entry, AnswerEntry)
            self.parts = [layout.above(entry, entry.reasoning, unfolded=self.unfolded), *self.parts[1:]]

    @property
    def keeps_body(self) -> bool:
        """The first part of the lines stands above the text, the last below it."""
        return isinstance(self.entry, AnswerEntry) and self.entry.state is not AnswerState.DISCARDED

    @property
    def body(self) -> tuple[int, int]:
        """The first line of an answer's text and the first below it; of any other entry that is laid out: all lines."""
        if self.parts is None or not self.keeps_body:
            return 0, self.height
        return len(self.parts[0]), self.height - len(self.parts[-1])

    def at_rest(self) -> Item:
        """Return the item as one that does not grow any more, without lines."""
        return Item(self.key, self.as_entry())

    def forget(self) -> None:
        """Drop the lines: they can be made again."""
        self.parts = None


class OpenAnswer(Item):
    """An answer that grows. Its text is kept as received, and made harmless piece by piece on its way to the lines."""

    def __init__(self, key: int, entry: AnswerEntry) -> None:
        super().__init__(key, entry)
        self.entry: AnswerEntry = entry
        self._parts: list[str] = [entry.text] if entry.text else []
        self._reasoning: list[str] = [entry.reasoning] if entry.reasoning else []
        self._fed = 0
        self._sanitiser = Sanitiser()
        self._document: Document | None = None
        self._chars = len(entry.text)
        self._breaks = entry.text.count("\n")
        self._seen_reasoning = -1
        self._above: list[Line] = []
        self.stale = False
        self.changed_from = 0
        self.ending: AnswerEntry | None = None
        self.rows: int | None = None
        """Where only the end is looked at: how many lines of it; what is above them may be rendered later."""

    @property
    def text(self) -> str:
        """What has come so far, as received."""
        return "".join(self._parts)

    @property
    def reasoning(self) -> str:
        """The reasoning as received."""
        return "".join(self._reasoning)

    def feed(self, text: str) -> None:
        """Take a piece of the answer."""
        self._parts.append(text)
        self._chars += len(text)
        self._breaks += text.count("\n")
        self.stale = True

    def feed_reasoning(self, text: str) -> None:
        """Take a piece of the reasoning."""
        self._reasoning.append(text)
        self.stale = True

    def guess(self, width: int) -> int:
        """Guess the height from what has come."""
        return self._breaks + self._chars // max(width, 1) + 3

    def lay_out(self, layout: Layout) -> None:
        """Bring the lines up to date; ``changed_from`` is then the first that differs from the last time."""
        if self._document is None:
            self._document = Document(layout.renderer, layout.width)
        document = self._document
        before, old_above, old_tail, gaps = len(document.done), self._above, document.tail, document.gaps
        self._take()
        document.advance(CATCH_UP_CHARS if self.rows is None else LOOK_THROUGH_CHARS, self.rows)
        self._lay_out_above(layout)
        below = layout.below(self.entry, has_body=bool(document.done or document.tail))
        same = 0 if gaps or document.gaps else _keep(old_tail, document.done, before, document.tail)
        self.changed_from = len(self._above) + before + same if self._above is old_above else 0
        self.parts = [self._above, *document.parts, below]
        self.stale = document.pending or self.ending is not None

    def _take(self) -> None:
        assert self._document is not None
        if self._fed < len(self._parts):
            self._document.feed(self._sanitiser.feed("".join(self._parts[self._fed :])))
            self._fed = len(self._parts)

    def _lay_out_above(self, layout: Layout) -> None:
        seen = len(self._reasoning) * 2 + self.unfolded
        if seen != self._seen_reasoning:
            self._above = layout.above(self.entry, self.reasoning, unfolded=self.unfolded)
            self._seen_reasoning = seen

    def refold(self, layout: Layout | None) -> None:
        """Be folded or unfolded from the next frame on."""
        self.unfolded = not self.unfolded
        if layout is not None and self.parts is not None:
            self._lay_out_above(layout)
            self.parts = [self._above, *self.parts[1:]]

    def forget(self) -> None:
        """Drop the lines and the document behind them; the text stays."""
        super().forget()
        self._document = None
        self._sanitiser = Sanitiser()
        self._fed = 0
        self._seen_reasoning = -1

    @property
    def behind(self) -> bool:
        """Whether more text waits than can be shown without holding the screen."""
        waiting = sum(map(len, self._parts[self._fed :]))
        return waiting > CATCH_UP_CHARS or (self._document is not None and self._document.pending)

    @property
    def hurried(self) -> bool:
        """Whether the next frame is to come soon: text was left over, or the answer is over."""
        return self.stale and (self.ending is not None or (self._document is not None and self._document.waiting))

    def closed(self, entry: AnswerEntry, layout: Layout) -> Item:
        """Return the item that this one becomes, with the lines it has if they show the final text."""
        item = Item(self.key, entry)
        item.unfolded = self.unfolded
        if self._document is None or entry.text != self.text:
            return item
        self._take()
        self._document.feed(self._sanitiser.finish())
        self._document.close()
        body = self._document.done
        above = layout.above(entry, entry.reasoning, unfolded=self.unfolded)
        item.parts = [above, body, layout.below(entry, bool(body))]
        return item

    def as_entry(self) -> AnswerEntry:
        """Return the entry with what has come so far."""
        return self.ending or replace(self.entry, text=self.text, reasoning=self.reasoning)


def _keep(old: Sequence[Line], done: list[Line], before: int, tail: list[Line]) -> int:
    """Put the very same objects back where a line has not changed; return how many lines at the start have not.

    ``old`` is the tail of the last frame; its place is now held by ``done[before:]`` and then ``tail``.
    """
    fresh = len(done) - before
    same = 0
    for number, line in enumerate(old):
        target, index = (done, before + number) if number < fresh else (tail, number - fresh)
        if index >= len(target):
            break
        if target[index] == line:
            target[index] = line
            same += same == number
    return same
