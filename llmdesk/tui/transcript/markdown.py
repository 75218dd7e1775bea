"""Markdown to lines, one unit (a top-level block, or an item of a top-level list) at a time.

Each unit is rendered by itself, so that a growing answer renders each of them once. A whole text rendered at once gives
the same lines, because it goes the same way. Nothing heavy is imported before the first text.
"""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmdesk.core.values import dataclass
from llmdesk.tui.transcript.entries import CodePiece
from llmdesk.tui.transcript.lines import BLANK, from_rendered, plain_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from rich.console import Console

    from llmdesk.tui.transcript.lines import Line
    from llmdesk.tui.transcript.palette import Palette

MAX_CHARS = 262_144
"""Longer texts are shown as they are, without Markdown: parsing would hold the screen for seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A part of a text that can be rendered by itself.

    ``start`` is its first line in the text that was parsed. ``number`` is what a list item counts as (also in a bullet
    list, where it is not shown), ``None`` for other blocks. ``joined`` = follows the unit before it without a gap.
    """

    start: int
    tokens: Sequence[Token] = field(repr=False)
    number: int | None = None
    joined: bool = False


def split(tokens: Sequence[Token], number: int | None = None) -> list[Unit]:
    """Split parsed tokens into units; ``number`` continues a list whose earlier items are already done."""
    units: list[Unit] = []
    index = 0
    while index < len(tokens):
        end = _end(tokens, index)
        block = tokens[index:end]
        if block[0].type in ("bullet_list_open", "ordered_list_open"):
            units.extend(_items(block, number))
        else:
            units.append(Unit(start=_line(block[0]), tokens=block))
        number = None
        index = end
    return units


def _items(block: Sequence[Token], number: int | None) -> list[Unit]:
    joined = number is not None
    if number is None:
        start = block[0].attrs.get("start")
        number = 1 if start is None else int(start)
    units: list[Unit] = []
    index = 1
    while index < len(block) - 1:
        end = _end(block, index)
        opened = block[0].copy(attrs={"start": number})
        tokens = [opened, *block[index:end], block[-1]]
        units.append(Unit(start=_line(block[index]), tokens=tokens, number=number, joined=joined))
        number, joined, index = number + 1, True, end
    return units


def _end(tokens: Sequence[Token], index: int) -> int:
    """Return where the block that begins at ``index`` is over."""
    level = tokens[index].level
    if tokens[index].nesting == 1:
        while tokens[index].nesting != -1 or tokens[index].level != level:
            index += 1
    return index + 1


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


class Renderer:
    """Renders Markdown with one palette; ``counted`` tells how many units it has rendered, for tests and benchmarks."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self.console: Console = palette.console()
        self.counted = 0

    def outline(self, text: str, number: int | None = None, env: dict[str, Any] | None = None) -> list[Unit]:
        """Split a text without looking into its paragraphs; ``env`` gathers the link targets that it defines."""
        return split(self._parsers[0].parse(text, env), number)

    def complete(self, units: Sequence[Unit]) -> None:
        """Look into the paragraphs of units that came from ``outline``; then they can be rendered."""
        from llmdesk.tui.transcript.elements import parse_inline

        for unit in units:
            parse_inline(unit.tokens, self._parsers[1])

    def units(self, text: str, number: int | None = None) -> list[Unit]:
        """Split a text into units that can be rendered."""
        return split(self._parsers[1].parse(text), number)

    @cached_property
    def _parsers(self) -> tuple[MarkdownIt, MarkdownIt]:
        """A parser that only knows blocks, and one that knows everything."""
        from llmdesk.tui.transcript.elements import make_parser

        return make_parser(blocks_only=True), make_parser()

    def render(self, units: Sequence[Unit], width: int, *, first: bool) -> list[Line]:
        """Render units, with a blank line between blocks; ``first`` = nothing stands before them."""
        from llmdesk.tui.transcript.elements import Blocks

        lines: list[Line] = []
        options = self.console.options.update(width=width, height=None)
        for unit in units:
            self.counted += 1
            rendered = self.console.render_lines(Blocks(unit.tokens, self.palette), options, pad=False)
            block = from_rendered(rendered)
            if unit.tokens[0].type not in ("fence", "code_block"):
                _trim(block)
            if not block:
                continue
            if not (unit.joined or first):
                lines.append(BLANK)
            first = False
            lines.extend(block)
        return lines

    def document(self, text: str, width: int) -> list[Line]:
        """Render a whole harmless text."""
        if len(text) > MAX_CHARS:
            return plain_lines(text, self.palette.base, self.console, width)
        return self.render(self.units(text), width, first=True)


def _trim(block: list[Line]) -> None:
    """Take away the empty lines with which rich surrounds lists and tables."""
    while block and _is_gap(block[-1]):
        block.pop()
    while block and _is_gap(block[0]):
        del block[0]


def _is_gap(line: Line) -> bool:
    """Whether a line is empty and no line of code."""
    return line.end is None and not line.text.strip()


def code_blocks(text: str) -> tuple[CodePiece, ...]:
    """Return the code blocks of a text in their order, wherever they are nested."""
    from llmdesk.tui.transcript.elements import make_parser

    tokens = make_parser(blocks_only=True).parse(text)
    return tuple(
        CodePiece(language=token.info.strip().partition(" ")[0], text=token.content)
        for token in tokens
        if token.type in ("fence", "code_block")
    )


def preload() -> None:
    """Import what Markdown needs; meant for a thread, after the first paint."""
    import pygments.lexers  # noqa: F401 # only loaded here, used by code.py

    import llmdesk.tui.transcript.elements  # noqa: F401
