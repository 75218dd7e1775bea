"""How many requests wait in the outbox."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content

from llmdesk.tui.widgets.rule import rule
from llmdesk.tui.widgets.sidebar import SidePanel


class OutboxPanel(SidePanel):
    """The outbox at a glance, as soon as it is known."""

    opens: ClassVar = "outbox"
    rank: ClassVar = 1

    DEFAULT_CSS = "OutboxPanel { height: auto; width: 1fr; margin-top: 1; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._paused: int | None = None

    def show_outbox(self, paused: int) -> None:
        """Show how many requests are paused."""
        if paused == self._paused:
            return
        self._paused = paused
        self.known = True
        self.changed()

    def render(self) -> Content:
        """Draw the panel."""
        width = max(self.size.width, 8)
        waiting = f"{self._paused} paused  f7"
        line = Content.styled(waiting, "$warning") if self._paused else Content.styled("empty", "$muted")
        return Content("\n").join((rule("outbox", width), line.truncate(width, ellipsis=True)))
