"""The lane picker: a digit goes to a lane at once, letters narrow the list, a click takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmdesk.core.text import one_line
from llmdesk.tui.widgets.pick_list import PickList, PickRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from llmdesk.core.views import LaneView


DIGITS = "123456789"
"""The lanes that a digit goes to."""

PAUSE_S = 0.3
"""After the letters that leave one lane this long is waited for more of its name, seconds."""


class LanePicker(ModalScreen[str | None]):
    """Asks for a lane; gives its name, or ``None``.

    Args:
        lanes: those there are.
        current: the one that is shown.
        states: how each of them is, where there is something to say.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2", "leave", "Close", show=False),
        Binding("enter", "take", "Go", show=False),
        Binding("up", "step(-1)", "Up", show=False),
        Binding("down,tab", "step(1)", "Down", show=False),
        Binding("backspace", "rub", "Delete a letter", show=False),
    ]

    DEFAULT_CSS = """
    LanePicker { align: center middle; }
    LanePicker > Vertical { width: 70; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
                            border: round $primary; background: $surface; }
    LanePicker Static { height: 1; }
    LanePicker PickList { max-height: 20; }
    """

    def __init__(self, lanes: Sequence[LaneView], current: str, states: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._lanes = lanes
        self._current = current
        self._states = states or {}
        self._letters = ""
        self._pause: Timer | None = None
        self._gone = False

    def compose(self) -> ComposeResult:
        """What is typed, and what begins so."""
        with Vertical():
            yield Static(self._typed(), markup=False)
            yield PickList(self._rows(), marked=self._current)

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
        found = self._found()
        if len(found) == 1:
            self._soon(found[0][1].name)
        self._draw()

    def action_leave(self) -> None:
        """Stay where one is."""
        self._go(None)

    def action_take(self) -> None:
        """Go to the marked lane."""
        self._go(self.query_one(PickList).key or None)

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self._go(event.key)

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
        self.query_one(PickList).step(by)

    def action_rub(self) -> None:
        """Take the last letter back."""
        self._letters = self._letters[:-1]
        self._draw()

    def _found(self) -> list[tuple[int, LaneView]]:
        letters = self._letters.lower()
        return [(number, lane) for number, lane in enumerate(self._lanes, 1) if lane.name.lower().startswith(letters)]

    def _draw(self) -> None:
        self.query_one(Static).update(self._typed())
        self.query_one(PickList).show_rows(self._rows())

    def _typed(self) -> Content:
        told = f"Lane: {self._letters}" if self._letters else "Press a lane's number, or type how its name begins."
        return Content.styled(told, "$muted")

    def _rows(self) -> list[PickRow]:
        rows = []
        for number, lane in self._found():
            targets = ", ".join(str(status.target) for status in lane.targets)
            state = self._states.get(lane.name, "")
            note = " · ".join(filter(None, [state, one_line(targets)]))
            label = f"{number if number <= len(DIGITS) else ' '} {one_line(lane.name, 24)}"
            rows.append(PickRow(key=lane.name, name=label, note=note))
        return rows or [PickRow(name="no lane begins so")]
