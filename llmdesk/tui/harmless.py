"""The last net under every widget: what could steer the terminal does not leave, wherever it was forgotten.

Foreign text is made harmless, and visible, where it is shown (policy S1). A widget that forgets it, ours or Textual's,
must still not hand an escape to the terminal, and what is written in the prompt has to stay as it is. Here such a
character is left out: it takes no column, so that the line keeps its width.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

from llmdesk.core.text import REPLACEMENT, STEERING, limit_marks

if TYPE_CHECKING:
    from textual.color import Color

_STEERS = re.compile(f"[{''.join(map(re.escape, STEERING))}\n\t]")


class Harmless(LineFilter):
    """Leaves out what steers a terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without it; those that hold none are the same ones."""
        del background
        if all(segment.text.isascii() and segment.text.isprintable() for segment in segments):
            return segments
        return [
            segment
            if segment.control
            else Segment(_harmless(segment.text), segment.style)  # a picture's own bytes stay
            for segment in segments
        ]


@lru_cache(1024)
def _harmless(text: str) -> str:
    return limit_marks(_STEERS.sub(_in_its_place, text))[0]


def _in_its_place(found: re.Match[str]) -> str:
    """Nothing; only half of a character of UTF-16 counts as a column."""
    return REPLACEMENT if "\ud800" <= found[0] <= "\udfff" else ""
