"""The field of a search that goes on while it is typed: letters change the words, other keys step and choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from llmdesk.tui.keys import MODIFY_OTHER_KEYS_ENTER

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType


class SearchInput(Input):
    """One line of words. Enter comes as ``Input.Submitted``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+enter", "step(-1)", "Previous", show=False),
        Binding("down", "step(1)", "Next", show=False),
    ]

    @dataclass(eq=False, repr=False)
    class Stepped(Message):
        """Up, down or shift+enter: -1 or 1."""

        by: int

    def __init__(self, *, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=True)
        self.cursor_blink = False  # a blinking cursor would keep an idle desk busy

    def action_step(self, by: int) -> None:
        """Tell the owner."""
        self.post_message(self.Stepped(by))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == MODIFY_OTHER_KEYS_ENTER:
            event.prevent_default().stop()
            self.action_step(-1)
            return
        if event.key.startswith(("alt+", "ctrl+", "super+")) and event.is_printable:
            event.prevent_default()  # a letter with a modifier that nothing is bound to would be typed
            return
        await super()._on_key(event)
