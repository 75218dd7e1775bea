"""The line on top: program, lane and whom it asks, title of the conversation, and DEMO where nothing is real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from textual import events


DEMO = (" DEMO ", "bold $block-cursor-foreground on $warning")
"""The mark of a desk where nothing is real."""


class Header(Widget):
    """Where the user is.

    Attributes:
        lane: the lane's number and name, for example ``2 codegen``.
        asked: whom it asks and with which parameters, where that is not what the lane says; empty = it is.
        conversation: the title of the open conversation; empty = a new one.
        demo: nothing here is a real model.
        resting: who rests and for how long, where no panel says so; empty = nobody, or a panel does.
    """

    lane: reactive[str] = reactive("")
    asked: reactive[str] = reactive("")
    conversation: reactive[str] = reactive("")
    demo: reactive[bool] = reactive(False)
    resting: reactive[str] = reactive("")

    class Pressed(Message):
        """The lane, or whom it asks, was clicked."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._span = range(0)

    def on_click(self, event: events.Click) -> None:
        """Tell where it was."""
        if event.x - 1 in self._span:  # one column of padding
            self.post_message(self.Pressed())

    def render(self) -> Content:
        """Draw the line; in a window where nothing else fits but the prompt, only say so."""
        if not self.screen.classes.isdisjoint(("-low", "-thin")):
            return Content("too small")
        parts: list[str | Content | tuple[str, str]] = [("llmdesk", "bold $primary")]
        if self.demo:
            parts += [" ", DEMO]
        if self.lane:
            parts += [(" ─ ", "$muted")]
            begin = Content.assemble(*parts).cell_length
            parts += [(one_line(self.lane, 40), "bold")]
            if self.asked:
                parts += [(f" · {one_line(self.asked, max(self.size.width // 2, 20))}", "$accent")]
            self._span = range(begin, Content.assemble(*parts).cell_length)
        parts += [(" ─ ", "$muted"), (one_line(self.conversation or "new conversation", 120), "$muted")]
        left = Content.assemble(*parts)
        if not self.resting:
            return left
        right = Content.styled(one_line(self.resting, max(self.size.width // 2, 8)), "$warning")
        room = max(self.size.width - right.cell_length - 1, 0)
        left = left.truncate(room, ellipsis=True)
        return Content.assemble(left, " " * (room - left.cell_length + 1), right)
