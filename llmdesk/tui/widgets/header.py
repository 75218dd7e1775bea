"""The line on top: program, lane, title of the conversation, and DEMO where nothing is real."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from llmdesk.core.text import one_line


class Header(Widget):
    """Where the user is.

    Attributes:
        lane: the lane's number and name, for example ``2 codegen``.
        conversation: the title of the open conversation; empty = a new one.
        demo: nothing here is a real model.
        resting: who rests and for how long, where no panel says so; empty = nobody, or a panel does.
    """

    lane: reactive[str] = reactive("")
    conversation: reactive[str] = reactive("")
    demo: reactive[bool] = reactive(False)
    resting: reactive[str] = reactive("")

    def render(self) -> Content:
        """Draw the line."""
        parts: list[str | Content | tuple[str, str]] = [("llmdesk", "bold $primary")]
        if self.demo:
            parts += [" ", (" DEMO ", "bold $block-cursor-foreground on $warning")]
        if self.lane:
            parts += [(" ─ ", "$muted"), (one_line(self.lane, 40), "bold")]
        parts += [(" ─ ", "$muted"), (one_line(self.conversation or "new conversation", 120), "$muted")]
        left = Content.assemble(*parts)
        if not self.resting:
            return left
        right = Content.styled(one_line(self.resting, max(self.size.width // 2, 8)), "$warning")
        room = max(self.size.width - right.cell_length - 1, 0)
        left = left.truncate(room, ellipsis=True)
        return Content.assemble(left, " " * (room - left.cell_length + 1), right)
