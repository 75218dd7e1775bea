"""The lines above the prompt that show what goes out next: queued prompts and attached files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.tui.hints import key_name, keymap_of, with_key
from llmdesk.tui.words import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

SHOWN = 3
"""Queued prompts shown one by one, and rows of attached files; more are counted."""


CROSS = "\u00d7"
"""Takes a file off: of Latin-1, so every font has it."""


class QueueLine(Widget):
    """Queued prompts and attachments; hidden while there are none."""

    @dataclass(eq=False, repr=False)
    class Changed(Message):
        """Something else goes out next."""

        line: QueueLine

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """What does this action was clicked."""

        action: str

    @dataclass(eq=False, repr=False)
    class TakenOff(Message):
        """The cross behind an attached file was clicked; ``at`` counts the files from 0."""

        at: int
        line: QueueLine

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._queued: Sequence[str] = ()
        self._held = False
        self._attached: Sequence[tuple[str, int]] = ()
        self._once = ""
        self._spans: list[tuple[int, int, int, Message]] = []
        self.display = False

    def show_next(
        self, *, queued: Sequence[str], held: bool, attached: Sequence[tuple[str, int]], once: str = ""
    ) -> None:
        """Show what goes out next.

        Args:
            queued: the prompts that wait.
            held: they wait for the user's go.
            attached: the files for the next prompt, with their bytes.
            once: who is asked the next prompt only.
        """
        self._queued, self._held, self._attached, self._once = queued, held, attached, once
        self.display = bool(queued or attached or once)
        self.refresh(layout=True)
        if self.is_attached:
            self.post_message(self.Changed(self))

    def render(self) -> Content:
        """Draw the rows, each cut at the edge."""
        return Content("\n").join(self._rows(max(self.size.width, 1)))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return len(self._rows(max(width, 1)))

    def on_click(self, event: events.Click) -> None:
        """Do what is under the pointer; a queued prompt opens the queue."""
        at = event.get_content_offset(self)
        if at is None:
            return
        for row, start, end, message in self._spans:
            if row == at.y and start <= at.x < end:
                self.post_message(message)
                return

    def _rows(self, width: int) -> list[Content]:
        self._spans = []
        rows: list[Content] = []
        for number, text in enumerate(self._queued[:SHOWN], 1):
            self._spans.append((len(rows), 0, width, self.Chosen("open_queue")))
            row = Content.assemble((f"queued {number} ", "bold $muted"), (one_line(text, 300), "$muted"))
            rows.append(row.truncate(width, ellipsis=True))
        if self._queued:
            rows.append(self._offers(len(rows), width))
        if self._attached:
            rows += self._files(len(rows), width)
        if self._once:
            row = Content.assemble(("next prompt ", "bold $muted"), one_line(self._once, 80))
            rows.append(row.truncate(width, ellipsis=True))
        return rows

    def _offers(self, row: int, width: int) -> Content:
        """What can be done with the queue, as much as there is room for."""
        more = len(self._queued) - SHOWN
        words = [f"and {more} more"] if more > 0 else []
        if self._held:
            words.append("held")
        line = Content.styled(" · ".join(words), "$warning" if self._held else "$muted")
        offers = [("go", "send them", "go")] if self._held else []
        for action_id, told, action in (
            *offers,
            ("queue", "edit, move, drop", "open_queue"),
            ("unqueue", "take the last back", "unqueue"),
        ):
            label = with_key(keymap_of(self.app), action_id, told)
            gap = "  " if line.cell_length else ""
            if line.cell_length + len(gap) + len(label) + 2 > width:
                break
            start = line.cell_length + len(gap)
            line = Content.assemble(line, gap, (f"[{label}]", "$warning" if action == "go" else "$muted"))
            self._spans.append((row, start, line.cell_length, self.Chosen(action)))
        return line.truncate(width, ellipsis=True)

    def _files(self, row: int, width: int) -> list[Content]:
        """The attached files with their sizes, each with a cross that takes it off."""
        rows = [Content.styled("attached", "bold $muted")]
        for at, (name, count) in enumerate(self._attached):
            shown = Content.assemble(" ", one_line(name, 60), (f" {size(count)} ", "$muted"), (CROSS, "bold $accent"))
            if rows[-1].cell_length + shown.cell_length > width and at:
                if len(rows) == SHOWN:
                    rows[-1] = Content.assemble(rows[-1], (f" and {len(self._attached) - at} more", "$muted"))
                    break
                rows.append(Content(" " * len("attached")))
            end = rows[-1].cell_length + shown.cell_length
            # The space before the cross belongs to it: one cell is a small thing to hit.
            self._spans.append((row + len(rows) - 1, end - 2, end + 1, self.TakenOff(at, self)))
            rows[-1] = Content.assemble(rows[-1], shown)
        key = key_name(keymap_of(self.app), "unqueue") if not self._queued else ""
        hint = f"  {key} takes the last off" if key else "  /attach none takes all off"
        if rows[-1].cell_length + len(hint) <= width:
            rows[-1] = Content.assemble(rows[-1], (hint, "$muted"))
        return [line.truncate(width, ellipsis=True) for line in rows]
