"""The prompt editor: Enter sends, several keys make a new line, up and down walk the history, any paste is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from llmdesk.core.text import sanitise
from llmdesk.tui.completion import spot_at
from llmdesk.tui.dropped import LONGEST
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.keys import MODIFY_OTHER_KEYS_ENTER
from llmdesk.tui.placeholders import Gap, gap_after, typed_into

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType

    from llmdesk.tui.completion import Spot
    from llmdesk.tui.history import PromptHistory
    from llmdesk.tui.placeholders import Filled

LARGE_PASTE = 100_000
"""Characters of a paste above which it goes along as an attached text instead of into the editor (policy X8)."""

LONG_LINE = 20_000
"""Characters of one line of a paste above which it does so too: the editor wraps the whole line at every key."""


SEND = " send "
"""What can be clicked once there is something to send."""


class Prompt(TextArea):
    """What the user is writing.

    Attributes:
        completing: a list of choices is shown above: up, down, tab, enter and escape steer it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for("prompt"),
        # TextArea keeps f6 and f7 for selecting; they are panels here.
        Binding("ctrl+shift+a", "select_all", "Select everything", show=False),
    ]

    @dataclass(eq=False, repr=False)
    class Sent(Message):
        """The user pressed Enter on a text that is not empty."""

        text: str
        prompt: Prompt

    @dataclass(eq=False, repr=False)
    class Edited(Message):
        """The text is another one now; ``recalled`` = it comes from the history."""

        text: str
        recalled: bool
        prompt: Prompt

    @dataclass(eq=False, repr=False)
    class Moved(Message):
        """The cursor went elsewhere while a list of choices is shown."""

        prompt: Prompt

    @dataclass(eq=False, repr=False)
    class Completing(Message):
        """A key steers the list of choices: ``up``, ``down``, ``accept`` or ``run``."""

        step: str
        prompt: Prompt

    @dataclass(eq=False, repr=False)
    class Pasted(Message):
        """A short text with a slash was pasted: it may be the path of a file that was dropped on the window."""

        text: str
        prompt: Prompt

    @dataclass(eq=False, repr=False)
    class LargePaste(Message):
        """Too much was pasted to be edited; it should go along as an attached text."""

        text: str
        prompt: Prompt

    class HelpAsked(Message):
        """``?`` on an empty prompt."""

    class EditorAsked(Message):
        """The user wants to write in the external editor."""

    def __init__(self, past: PromptHistory, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(
            "", soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False, id=id,
            placeholder=placeholder, tab_behavior="focus",
        )  # fmt: skip
        self.cursor_blink = False  # a blinking cursor would keep an idle desk busy
        self.completing = False
        self._past = past
        self._steps: tuple[str, ...] = ()
        self._at: int | None = None
        self._draft = ""
        self._walking = False
        self._names: frozenset[str] = frozenset()
        self._gap: Gap | None = None
        self._going = ""
        """What stands first in the text and was sent, but is not taken out yet by who hears of it."""

    # --- text -------------------------------------------------------------------------------------------------

    def put(self, text: str) -> None:
        """Replace the whole text, cursor at its end; undo brings the old one back."""
        self.replace(sanitise(text), self.document.start, self.document.end, maintain_selection_offset=False)
        self.move_cursor(self.document.end)

    def take_out(self, start: int, end: int) -> None:
        """Take a part of the text out; undo brings it back."""
        text = self.text
        self.replace("", _location(text, start), _location(text, end), maintain_selection_offset=True)

    def take_sent(self, text: str) -> None:
        """Take what was sent out of the text; what was typed behind it meanwhile stays, and may be sent already too."""
        going = self._going.removeprefix(text)
        self.put(self.text.removeprefix(text))
        self._going = going
        self.history.checkpoint()

    def let_stand(self) -> None:
        """What was sent and is still in the text was not taken: the next Enter sends all that stands here."""
        self._going = ""

    def remember(self, text: str) -> None:
        """Put a prompt into the history."""
        self._past.remember(text)
        self._at = None

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell the owner; a typed change leaves the history where it stands."""
        event.stop()
        recalled, self._walking = self._walking, False
        if not recalled:
            self._at = None
        text = self.text
        if not text:
            self._names, self._gap = frozenset(), None
        if bool(text.strip()) != bool(self.border_title):
            self.border_title = SEND if text.strip() else ""
        self.post_message(self.Edited(text, recalled, self))

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """Tell the owner where it matters: the list of choices is for the word at the cursor."""
        event.stop()
        if self.completing:
            self.post_message(self.Moved(self))

    @property
    def spot(self) -> Spot | None:
        """The word before the cursor, if it is one that can be completed."""
        row, column = self.cursor_location
        return spot_at(self.document.get_line(row), column, alone=self.document.line_count == 1)

    # --- the gaps of a prompt from the library -----------------------------------------------------------------

    def put_with_gaps(self, filled: Filled, names: frozenset[str]) -> None:
        """Put a prompt in whose gaps are filled one after the other; the first one is selected."""
        self.put(filled.text)
        self._names, self._gap = names if filled.gaps else frozenset(), None
        if filled.gaps:
            self._select(filled.text, *filled.gaps[0])

    @property
    def unfilled(self) -> str:
        """The name of a gap that is still there; empty = there is none."""
        if not self._names:
            return ""
        text = self.text
        left = gap_after(text, 0, self._names)
        return text[left[0] + 1 : left[1] - 1] if left is not None else ""

    def _next_gap(self) -> bool:
        """Select the next gap, and write into those of the same name what was written into this one."""
        text = self.text
        row, column = self.cursor_location
        at = sum(len(line) + 1 for line in text.split("\n")[:row]) + column
        if self._gap is not None and (value := typed_into(self._gap, text)) not in (None, f"{{{self._gap.name}}}"):
            same = f"{{{self._gap.name}}}"
            before, behind = (part.replace(same, value or "") for part in (self._gap.before, self._gap.behind))
            if (whole := before + (value or "") + behind) != text:
                self.put(whole)
                text, at = whole, len(before) + len(value or "")
        place = gap_after(text, at if self._gap is not None else 0, self._names)
        if place is None:
            self._names, self._gap = frozenset(), None
            self.move_cursor(self.document.end)
            return False
        self._select(text, *place)
        return True

    def _select(self, text: str, start: int, end: int) -> None:
        self._gap = Gap(name=text[start + 1 : end - 1], before=text[:start], behind=text[end:])
        self.move_cursor(_location(text, start))
        self.move_cursor(_location(text, end), select=True)

    def render_line(self, y: int) -> Strip:
        """Draw a line; in a window too narrow for a letter there is none (Textual 8.2.8 would divide by its width)."""
        return super().render_line(y) if self.content_size.width > 0 else Strip.blank(0)

    # --- keys -------------------------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        if event.key == MODIFY_OTHER_KEYS_ENTER:
            event.prevent_default().stop()
            self._newline()
            return
        if event.key == "question_mark" and not self.text:
            event.prevent_default().stop()
            self.post_message(self.HelpAsked())
            return
        if event.key.startswith(("alt+", "ctrl+", "super+")) and event.is_printable:
            # A letter with a modifier that nothing is bound to would be typed by TextArea.
            event.prevent_default()
            return
        await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default().stop()
        text = sanitise(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(text) > LARGE_PASTE or any(len(line) > LONG_LINE for line in text.split("\n")):
            self.post_message(self.LargePaste(text, self))
            return
        start, end = self.selection
        result = self.replace(text, start, end, maintain_selection_offset=False)
        self.move_cursor(result.end_location)
        if "/" in text and len(text) <= LONGEST:
            self.post_message(self.Pasted(text, self))

    # A priority binding runs in the app's queue, before letters that are still in ours: keys that arrive together
    # (a fast typist, a slow line) would be taken out of order. So each of these waits for its turn here.

    def on_click(self, event: events.Click) -> None:
        """Send by mouse: the word at the right of the line above the text."""
        if self.border_title and event.y == 0 and self.gutter.top and event.x >= self.outer_size.width - len(SEND) - 4:
            event.stop()
            self.action_send()

    def action_send(self) -> None:
        """Send the text, or take what is marked."""
        self.call_later(self._send)

    def action_newline(self) -> None:
        """Begin a new line."""
        self.call_later(self._newline)

    def action_complete(self) -> None:
        """Take what is marked or could stand here, go to the next gap, or move the focus on as Tab does."""
        self.call_later(self._complete)

    def _send(self) -> None:
        if self.completing:
            self.post_message(self.Completing("run", self))
        else:
            # Keys that arrive together: each Enter sends what was typed since the one before.
            text = self.text
            new = text.removeprefix(self._going)
            if new.strip():
                self._going = self._going + new if text.startswith(self._going) else new
                self.post_message(self.Sent(new, self))

    def _newline(self) -> None:
        start, end = self.selection
        result = self.replace("\n", start, end, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def _complete(self) -> None:
        if self.completing:
            self.post_message(self.Completing("accept", self))
        elif self._names:
            self._next_gap()
        elif self.spot is not None:
            self.post_message(self.Completing("accept", self))  # the list is on its way
        else:
            self.screen.focus_next()

    def action_editor(self) -> None:
        """Write in the external editor."""
        self.post_message(self.EditorAsked())

    def action_cursor_up(self, select: bool = False) -> None:
        """One line up; on the first line the prompt before."""
        if self.completing and not select:
            self.post_message(self.Completing("up", self))
        elif select or self.get_cursor_up_location()[0] != self.cursor_location[0] or not self._on_first_line():
            super().action_cursor_up(select)
        else:
            self._walk(-1)

    def action_cursor_down(self, select: bool = False) -> None:
        """One line down; on the last line the prompt after."""
        if self.completing and not select:
            self.post_message(self.Completing("down", self))
        elif select or not self._on_last_line():
            super().action_cursor_down(select)
        else:
            self._walk(1)

    def _on_first_line(self) -> bool:
        return self.wrapped_document.location_to_offset(self.cursor_location).y == 0

    def _on_last_line(self) -> bool:
        return self.wrapped_document.location_to_offset(self.cursor_location).y >= self.wrapped_document.height - 1

    def _walk(self, step: int) -> None:
        """Show another prompt of the history; what was being written is kept at its end."""
        if self._at is None:
            # What other lanes send meanwhile does not move the place.
            self._steps, self._draft = self._past.all(), self.text
            self._at = len(self._steps)
        target = self._at + step
        if 0 <= target < len(self._steps):
            self.recall(self._steps[target])
            self._at = target
        elif target == len(self._steps):
            self.recall(self._draft)
            self._at = None

    def recall(self, text: str) -> None:
        """Put a prompt that was sent before in place of the text; no list of choices opens for it."""
        self._walking = text != self.text
        self.put(text)


def _location(text: str, offset: int) -> tuple[int, int]:
    """Row and column of a character of ``text``."""
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)
