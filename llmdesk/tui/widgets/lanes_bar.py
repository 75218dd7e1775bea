"""The line at the bottom: the lanes with their badges, and the keys worth knowing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from textual import events

    from llmdesk.tui.hints import Hint

NAME_LETTERS = ((24, 24), (5, 24), (3, 24), (0, 24), (0, 23), (0, 6), (0, 0))
"""How many letters of a lane's name are shown, and of the current one's: the first that let every lane fit, and a
hint."""

HINT_COLUMNS = 5
"""Room for one key alone, ``f1`` or ``Esc``: the same whatever goes on, so that the names of lanes stay as they are."""


class Badge(StrEnum):
    """What a lane in the background has to say."""

    NONE = ""
    RUNNING = "…"
    WAITING = "◔"
    DONE = "✓"
    FAILED = "✗"


STATES = {
    Badge.NONE: "",
    Badge.RUNNING: "answering",
    Badge.WAITING: "waiting",
    Badge.DONE: "has its answer",
    Badge.FAILED: "was not answered",
}
"""What each badge means, in words."""

_STYLES = {
    Badge.NONE: "",
    Badge.RUNNING: "$accent",
    Badge.WAITING: "$warning",
    Badge.DONE: "$success",
    Badge.FAILED: "$error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTab:
    """One lane in the bar."""

    name: str
    badge: Badge = Badge.NONE


class LanesBar(Widget):
    """Lanes by number.

    Attributes:
        tabs: the lanes in order.
        current: name of the lane on the screen.
        hints: lines of keys to show at the right end, the longest first; the first that fits is shown.
    """

    tabs: reactive[tuple[LaneTab, ...]] = reactive(())
    current: reactive[str] = reactive("")
    hints: reactive[tuple[tuple[Hint, ...], ...]] = reactive(())

    @dataclass
    class Chosen(Message):
        """A lane was clicked."""

        lane: str

    @dataclass
    class Hinted(Message):
        """A key was clicked."""

        action_id: str

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str]] = []
        self._hinted: list[tuple[int, int, str]] = []

    def render(self) -> Content:
        """Draw as many lanes as fit, the current one always among them, and the hint if it still fits."""
        width = self.size.width
        pieces: list[Content] = []
        for letters, own in NAME_LETTERS:
            pieces = [
                self._piece(number, tab, own if tab.name == self.current else letters)
                for number, tab in enumerate(self.tabs, 1)
            ]
            room = width - (HINT_COLUMNS if own == NAME_LETTERS[0][1] else 0)
            if sum(piece.cell_length for piece in pieces) <= room:
                break
        first = self._first_shown([piece.cell_length for piece in pieces], width)
        self._spans = []
        line, column = Content(""), 0
        for piece, tab in list(zip(pieces, self.tabs, strict=True))[first:]:
            if column + piece.cell_length > width and self._spans:
                break
            self._spans.append((column, column + piece.cell_length, tab.name))
            line += piece
            column += piece.cell_length
        self._hinted = []
        for hints in self.hints:
            shown = Content.styled("  ".join(hint.text for hint in hints) + " ", "$muted")
            gap = width - column - shown.cell_length
            if gap >= 1:
                at = column + gap
                for hint in hints:
                    self._hinted.append((at, at + cell_len(hint.text), hint.action_id))
                    at += cell_len(hint.text) + 2
                return line + " " * gap + shown
        return line

    def _piece(self, number: int, tab: LaneTab, letters: int) -> Content:
        # Beyond nine a lane has no number to be known by.
        name = one_line(tab.name, 24)[: letters if number <= 9 else max(letters, 3)]
        style = "bold $block-cursor-foreground on $block-cursor-background" if tab.name == self.current else ""
        label = Content.styled(f" {number} {name}".rstrip() if number <= 9 else f" {name}", style)
        return Content.assemble(label, (f"{tab.badge} " if tab.badge else " ", style or _STYLES[tab.badge]))

    def _first_shown(self, widths: list[int], width: int) -> int:
        names = [tab.name for tab in self.tabs]
        at = names.index(self.current) if self.current in names else 0
        first = 0
        while first < at and sum(widths[first : at + 1]) > width:
            first += 1
        return first

    def on_click(self, event: events.Click) -> None:
        """Choose the lane under the pointer, or do what the key there does."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))
        for start, end, action_id in self._hinted:
            if start <= event.x < end:
                self.post_message(self.Hinted(action_id))
