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
    """

    lane: reactive[str] = reactive("")
    conversation: reactive[str] = reactive("")
    demo: reactive[bool] = reactive(False)

    def render(self) -> Content:
        """Draw the line."""
        parts: list[str | Content | tuple[str, str]] = [("llmdesk", "bold $primary")]
        if self.demo:
            parts += [" ", (" DEMO ", "bold $block-cursor-foreground on $warning")]
        if self.lane:
            parts += [(" ─ ", "$muted"), (one_line(self.lane, 40), "bold")]
        parts += [(" ─ ", "$muted"), (one_line(self.conversation or "new conversation", 120), "$muted")]
        return Content.assemble(*parts)
