"""The line that begins a part of the sidebar."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from llmdesk.tui.words import shortened


def rule(title: str, width: int) -> Content:
    """A title and a line to the edge; the title has to be harmless already."""
    title = shortened(title, max(width - 2, 1))
    return Content.assemble((f"{title} ", "bold $muted"), ("─" * max(0, width - cell_len(title) - 1), "$muted"))
