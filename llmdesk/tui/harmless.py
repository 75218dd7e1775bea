"""The last net under every widget: what could steer the terminal does not leave, wherever it was forgotten.

Foreign text is made harmless, and visible, where it is shown (policy S1). A widget that forgets it, ours or Textual's,
must still not hand an escape to the terminal, and what is written in the prompt has to stay as it is. Here such a
character is left out: it takes no column, so that the line keeps its width.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

from llmdesk.core.text import REPLACEMENT, STEERING, limit_marks

if TYPE_CHECKING:
    from textual.color import Color

_LEFT_OUT = dict.fromkeys((*map(ord, STEERING), 0x09, 0x0A), "") | dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT)
"""What takes no column goes; half of a character of UTF-16 counts as one."""


class Harmless(LineFilter):
    """Leaves out what steers a terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without it; those that hold none are the same ones."""
        del background
        if all(segment.text.isascii() and segment.text.isprintable() for segment in segments):
            return segments
        # What says itself that it is for the terminal stays: the bytes of a picture.
        return [each if each.control else Segment(_harmless(each.text), each.style) for each in segments]


@lru_cache(1024)
def _harmless(text: str) -> str:
    return limit_marks(text.translate(_LEFT_OUT))[0]
