"""The colours that reach the terminal: its own sixteen where it has no more, none where its user wants none."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

if TYPE_CHECKING:
    from rich.color import Color as RichColor
    from rich.terminal_theme import TerminalTheme
    from textual.app import App
    from textual.color import Color

MARKED = 0.3
"""How much brighter or darker than the screen, from 0 to 1, a background is that marks something: a cursor, a found
word, the selection. Those of bars and panels are nearer, and need no mark: they have words and lines."""

FAINT = 0.45
"""Text whose brightness is nearer to its background than this stands beside the point; it is dimmed instead."""


def few_colours(app: App[None]) -> bool:
    """Whether the terminal has only its own sixteen colours, as far as ``TERM`` and ``COLORTERM`` tell."""
    return app.console.color_system in ("standard", "windows")


class Colourless(LineFilter):
    """Takes every colour away and keeps what it said: what was marked is reversed, what was faint is dim.

    Textual 8.2.8 makes greys instead, which are colours too (https://no-color.org: no ANSI colour at all).
    """

    def __init__(self, terminal: TerminalTheme) -> None:
        super().__init__()
        self._terminal = terminal

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        ground = _brightness(background.rich_color, self._terminal, foreground=False)
        return [
            Segment(text, None if style is None else colourless(style, ground, self._terminal), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def colourless(style: Style, ground: float, terminal: TerminalTheme) -> Style:
    """A style without its colours; ``ground`` is the brightness of the screen, from 0 to 1."""
    behind = ground if _is_default(style.bgcolor) else _brightness(style.bgcolor, terminal, foreground=False)
    marked = abs(behind - ground) >= MARKED
    faint = not _is_default(style.color) and abs(_brightness(style.color, terminal, foreground=True) - behind) < FAINT
    return Style(
        bold=style.bold,
        dim=style.dim or (faint and not marked) or None,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=bool(style.reverse) != marked or None,
        link=style.link,
        meta=style.meta or None,
    )


def _is_default(color: RichColor | None) -> bool:
    return color is None or color.type is ColorType.DEFAULT


def _brightness(color: RichColor | None, terminal: TerminalTheme, *, foreground: bool) -> float:
    if color is None:
        return 1.0 if foreground else 0.0
    red, green, blue = color.get_truecolor(terminal, foreground=foreground)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255
