"""Catching a key: the next one that arrives is told by its name, and taken where one is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmdesk.core.text import one_line
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult

WAITING = "Press a key. If nothing appears here, the terminal or something in it has kept it."


class KeyCatcher(ModalScreen[str | None]):
    """Shows every key that arrives; the same one twice is taken, Esc twice leaves.

    Args:
        heading: what the key is for.
        tell: what is to be said of a key, one line each.
        wanted: a key is to be taken; else this only tells.
    """

    catches_keys = True
    """No key does anything else meanwhile, whatever it is bound to; the app asks for this."""

    DEFAULT_CSS = """
    KeyCatcher { align: center middle; }
    KeyCatcher > Vertical { width: 76; max-width: 100%; height: auto; max-height: 90%; padding: 0 1;
                            border: round $primary; background: $surface; }
    """

    def __init__(self, heading: str, tell: Callable[[str], list[str]], *, wanted: bool) -> None:
        super().__init__()
        self._heading = heading
        self._tell = tell
        self._wanted = wanted
        self._last = ""

    def compose(self) -> ComposeResult:
        """What for, what arrived, how to leave."""
        with Vertical():
            yield Static(Content.styled(one_line(self._heading), "bold"))
            yield Static(Content.styled(WAITING, "$muted"), id="arrived")
            yield ActionLine([Offer(label="Esc twice: close", action="leave")])

    def on_key(self, event: events.Key) -> None:
        """Tell the key; a second time it is meant."""
        event.stop()
        event.prevent_default()
        key = event.key
        if key == self._last and key == "escape":
            self.dismiss(None)
            return
        if key == self._last and self._wanted:
            self.dismiss(key)
            return
        self._last = key
        lines = [Content.assemble("arrived: ", (key, "bold $accent"))]
        lines += [Content(one_line(line)) for line in self._tell(key)]
        if key == "escape":
            lines.append(Content.styled("Press Esc again to close this.", "$muted"))
        elif self._wanted:
            lines.append(Content.styled("Press it again to take it, or another one.", "$muted"))
        self.query_one("#arrived", Static).update(Content("\n").join(lines))

    def action_leave(self) -> None:
        """Take no key."""
        self.dismiss(None)

    @on(ActionLine.Chosen)
    async def _clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)
