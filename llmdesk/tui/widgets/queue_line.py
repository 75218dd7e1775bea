"""The lines above the prompt that show what goes out next: queued prompts and attached files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 3
"""Queued prompts shown one by one; more are counted."""


class QueueLine(Widget):
    """Queued prompts and attachments; hidden while there are none."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows: list[Content] = []
        self.display = False

    def show_next(self, *, queued: Sequence[str], held: bool, attached: Sequence[str], once: str = "") -> None:
        """Show the prompts that wait, whether for the user's go, attached files, and who is asked the next one only."""
        rows = [
            Content.assemble((f"queued {number} ", "bold $muted"), (one_line(text, 300), "$muted"))
            for number, text in enumerate(queued[:SHOWN], 1)
        ]
        if len(queued) > SHOWN:
            rows.append(Content.styled(f"and {len(queued) - SHOWN} more", "$muted"))
        if queued:
            words = "[alt+g send them]  [alt+u take the last back]" if held else "[alt+u take the last back]"
            rows.append(Content.styled(("held · " if held else "") + words, "$warning" if held else "$muted"))
        if attached:
            names = ", ".join(one_line(name, 60) for name in attached)
            rows.append(Content.assemble(("attached ", "bold $muted"), names, ("  /attach none drops it", "$muted")))
        if once:
            rows.append(Content.assemble(("next prompt ", "bold $muted"), one_line(once, 80)))
        self._rows = rows
        self.display = bool(rows)
        self.refresh(layout=True)

    def render(self) -> Content:
        """Draw the rows, each cut at the edge."""
        width = max(self.size.width, 1)
        return Content("\n").join(row.truncate(width, ellipsis=True) for row in self._rows)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return len(self._rows)
