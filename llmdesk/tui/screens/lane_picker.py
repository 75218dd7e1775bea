"""The lane picker: a digit goes to a lane at once, letters narrow the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from llmdesk.core.views import LaneView


PAUSE_S = 0.3
"""After the letters that leave one lane this long is waited for more of its name, seconds."""


class LanePicker(ModalScreen[str | None]):
    """Asks for a lane; gives its name, or ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2", "leave", "Close", show=False),
        Binding("enter", "take", "Go", show=False),
        Binding("up", "step(-1)", "Up", show=False),
        Binding("down,tab", "step(1)", "Down", show=False),
        Binding("backspace", "rub", "Delete a letter", show=False),
    ]

    DEFAULT_CSS = """
    LanePicker { align: center middle; }
    LanePicker > Static { width: 60; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
                          border: round $primary; background: $surface; }
    """

    def __init__(self, lanes: Sequence[LaneView], current: str) -> None:
        super().__init__()
        self._lanes = lanes
        self._letters = ""
        self._pause: Timer | None = None
        self._gone = False
        self._marked = next((at for at, lane in enumerate(lanes) if lane.name == current), 0)

    def compose(self) -> ComposeResult:
        """One box."""
        yield Static(self._list(), markup=False)

    def on_key(self, event: events.Key) -> None:
        """A digit goes to that lane, a letter narrows."""
        if event.character is None or not event.character.isprintable() or event.key.startswith(("alt+", "ctrl+")):
            return
        event.stop()
        if event.character.isdecimal() and not self._letters:
            if 1 <= int(event.character) <= len(self._lanes):
                self._go(self._lanes[int(event.character) - 1].name)
            return
        self._letters += event.character
        self._marked = 0
        found = self._found()
        if len(found) == 1:
            self._soon(found[0][1].name)
        self._draw()

    def action_leave(self) -> None:
        """Stay where one is."""
        self._go(None)

    def action_take(self) -> None:
        """Go to the marked lane."""
        found = self._found()
        self._go(found[self._marked][1].name if found else None)

    def _soon(self, name: str) -> None:
        """Go to the one lane that is left when no more letters come: a name typed whole is typed nowhere else."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_S, lambda: self._go(name if len(self._found()) == 1 else None))

    def _go(self, name: str | None) -> None:
        """Close with a choice, once: keys that come late change nothing."""
        if self._pause is not None:
            self._pause.stop()
        if not self._gone:
            self._gone = True
            self.dismiss(name)

    def action_step(self, by: int) -> None:
        """Mark another lane."""
        self._marked = (self._marked + by) % max(1, len(self._found()))
        self._draw()

    def action_rub(self) -> None:
        """Take the last letter back."""
        self._letters, self._marked = self._letters[:-1], 0
        self._draw()

    def _found(self) -> list[tuple[int, LaneView]]:
        letters = self._letters.lower()
        return [(number, lane) for number, lane in enumerate(self._lanes, 1) if lane.name.lower().startswith(letters)]

    def _draw(self) -> None:
        self.query_one(Static).update(self._list())

    def _list(self) -> Content:
        rows = [Content.assemble(("lane ", "$muted"), (self._letters or "digit or letters", "$muted"))]
        for at, (number, lane) in enumerate(self._found()):
            style = "$block-cursor-foreground on $block-cursor-background" if at == self._marked else ""
            targets = ", ".join(str(status.target) for status in lane.targets)
            rows.append(
                Content.assemble(
                    (f" {number} {one_line(lane.name, 20):<12}", style), (f" {one_line(targets)}", "$muted")
                )
            )
        if len(rows) == 1:
            rows.append(Content.styled("no lane begins so", "$warning"))
        return Content("\n").join(row.truncate(56, ellipsis=True) for row in rows)
