"""The conversation as one widget: a line-API view without children, however long the conversation is.

Only what is visible is laid out (``placing``), a growing answer is brought to the screen a few times a second
(``streaming``), only lines that changed are painted (``painting``), and hits of a search are marked (``seeking``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection

from llmdesk.core.text import sanitise
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    AnswerState,
    SummaryEntry,
    UserEntry,
    VersionEntry,
)
from llmdesk.tui.transcript.item import Item
from llmdesk.tui.transcript.layout import FOLD, IMAGE
from llmdesk.tui.transcript.markdown import code_blocks, preload
from llmdesk.tui.transcript.seeking import SoughtView
from llmdesk.tui.transcript.selection import copied, packed, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.binding import BindingType

    from llmdesk.tui.transcript.entries import (
        CodePiece,
        Entry,
    )

__all__ = ["TranscriptView", "preload"]


class TranscriptView(SoughtView, can_focus=True):
    """Shows entries, follows the end while it is at the end, and streams answers."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False  # a click selects or unfolds; the prompt keeps the keyboard
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("turn")]
    DEFAULT_CSS = """
    TranscriptView {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;

        .transcript--plain { color: $foreground; }
        .transcript--primary { color: $text-primary; }
        .transcript--secondary { color: $text-secondary; }
        .transcript--accent { color: $text-accent; }
        .transcript--muted { color: $text-muted; }
        .transcript--success { color: $text-success; }
        .transcript--warning { color: $text-warning; }
        .transcript--error { color: $text-error; }
        .transcript--surface { background: $surface; }
        .transcript--faint { color: $text-muted; background: $surface; }
        .transcript--panel { background: $panel; }
        .transcript--cursor { color: $block-cursor-foreground; background: $block-cursor-background; }
    }
    """

    @dataclass(eq=False, repr=False)
    class PictureOpened(Message):
        """An image of a prompt was clicked."""

        key: int
        number: int

    @dataclass(eq=False, repr=False)
    class Pointed(Message):
        """The first line of an entry was clicked."""

        key: int

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 # Textual's own word
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._pressed_y = -1
        self._away: dict[int, list[Item]] = {}

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

    def toggle(self, key: int, *, unfolded: bool | None = None) -> None:
        """Fold or unfold the reasoning of an answer, a summary, an earlier version or a discarded text.

        Args:
            key: whose.
            unfolded: how it is to be; ``None`` = otherwise than it is.

        Raises:
            KeyError: there is no such entry.
        """
        item, anchor = self._items[self._index(key)], self._anchor()
        if item.unfolded is not unfolded:
            item.refold(self._form)
            self._settled(anchor)

    def is_unfolded(self, key: int) -> bool:
        """Whether what can be folded in an entry is open.

        Raises:
            KeyError: there is no such entry.
        """
        return self._items[self._index(key)].unfolded

    # --- earlier versions -------------------------------------------------------------------------------------

    def fold_away(self, key: int) -> int:
        """Fold an entry and all after it into one line, as an earlier version.

        Returns:
            The key of that line.

        Raises:
            KeyError: there is no such entry.
        """
        index, anchor = self._index(key), self._anchor()
        away = [item.at_rest() for item in self._items[index:]]
        entries = tuple(item.as_entry() for item in away)
        turns = sum(entry.turns if isinstance(entry, VersionEntry) else isinstance(entry, UserEntry)
                    for entry in entries)  # fmt: skip
        self._put([*self._items[:index], Item(key, VersionEntry(entries=entries, turns=turns))])
        self._away[key] = away
        self._settled(anchor)
        return key

    def bring_back(self, key: int) -> None:
        """Let the entries of an earlier version that was folded away here stand again.

        Raises:
            KeyError: there is no such line.
        """
        index, anchor = self._index(key), self._anchor()
        self._put([*self._items[:index], *self._away.pop(key), *self._items[index + 1 :]])
        self._settled(anchor)

    # --- the entry that is acted on ---------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """The key of the entry that is acted on; ``None`` = there is none."""
        return self._chosen if self._chosen in self._keys else None

    def choose(self, key: int | None) -> None:
        """Point out the entry that is acted on, and bring it into view; ``None`` = none."""
        if key != self._chosen:
            self._chosen = key
            self.refresh()
        if key is not None:
            self.call_after_refresh(self._reveal, key)

    def _settles_at_once(self) -> bool:
        """Not while an entry is acted on: where that goes is told by what was in sight before."""
        return self.chosen is None and super()._settles_at_once()

    def came_into_view(self) -> None:
        """The entry that is acted on stays in view, whatever room there is now."""
        super().came_into_view()
        if self.chosen is not None:
            self.call_after_refresh(self._reveal, self.chosen)

    def beside_chosen(self, by: int) -> int | None:
        """Return the key of the next entry that can be acted on, or of the one before; ``None`` = there is none.

        From no entry at all both ways lead to the last one in view.
        """
        if self.chosen is None:
            before = [item for item in self._items[: self._visible().stop] if _can_be_chosen(item)]
            return before[-1].key if before else None
        at = self._index(self.chosen)
        ways = self._items[at + 1 :] if by > 0 else self._items[:at][::-1]
        return next((item.key for item in ways if _can_be_chosen(item)), None)

    def can_choose(self, key: int) -> bool:
        """Whether an entry can be acted on: something was said in it."""
        return _can_be_chosen(self._items[self._index(key)])

    def _reveal(self, key: int) -> None:
        """Show an entry whole where it fits; of a longer one at least half a screen."""
        if self._form is None or key not in self._keys:
            return
        index, view = self._index(key), self._view_height()
        height = self._measured(index)
        top, at = self._heights.top(index), round(self.scroll_y)
        seen = min(top + height, at + view) - max(top, at)
        if seen >= min(height, max(view // 2, 1)):
            return
        self._follow = False
        self._show_at(*((index, 0) if top < at or height >= view else self._above(top + height, view)))
        self.refresh()

    # --- the mouse --------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where: a double click selects the entry below the mouse."""
        self._pressed_y = event.y

    def on_click(self, event: events.Click) -> None:
        """Unfold what can be unfolded; a click that ends a selection does not."""
        row = self.row_at(event.y)
        if row is None or self.text_selection is not None or event.chain > 1:
            return
        for start, end, name in row.line.targets:
            if name == FOLD and cell_len(row.line.text[:start]) <= event.x < cell_len(row.line.text[:end]):
                event.stop()
                self.toggle(row.key)
                return
            if name.startswith(IMAGE) and event.x < cell_len(row.line.text):
                event.stop()
                self.post_message(self.PictureOpened(row.key, int(name.removeprefix(IMAGE))))
                return
        if not row.number and self.can_choose(row.key):
            event.stop()
            self.post_message(self.Pointed(row.key))

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
            if _is_whole(item, begins, ends):
                pieces.append(sanitise(item.text).strip("\n"))
            else:
                lines = [line for part in item.parts or () for line in part]
                piece = copied(lines, begins, ends)
                pieces.append(piece if ends else piece.rstrip("\n"))
        text = "\n\n".join(piece for piece in pieces if piece)
        return (text, "\n") if text else None


def _can_be_chosen(item: Item) -> bool:
    return isinstance(item.entry, UserEntry | AnswerEntry | SummaryEntry | VersionEntry)


def _is_whole(item: Item, begins: tuple[int, int] | None, ends: tuple[int, int] | None) -> bool:
    """Whether a selection takes an entry from its first line on to what stands below its text."""
    if begins not in (None, (0, 0)):
        return False
    return ends is None or (item.keeps_body and item.laid_out and ends[0] >= item.body[1])
