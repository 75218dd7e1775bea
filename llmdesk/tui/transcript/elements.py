"""Markdown tokens to rich renderables: rich.markdown's elements, with ours where a terminal chat needs another.

Imported at the first Markdown only: markdown-it, rich.markdown and pygments cost as much as half a start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore, inline, text_join
from markdown_it.token import Token
from rich.markdown import (
    BlockQuote,
    Heading,
    ListElement,
    ListItem,
    Markdown,
    MarkdownElement,
    Paragraph,
    TextElement,
)
from rich.segment import Segment
from rich.text import Text

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.code import code_rows
from llmdesk.tui.transcript.lines import mark, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import (
        MarkdownContext,
    )

    from llmdesk.tui.transcript.palette import Palette

SAFE_SCHEMES = ("http://", "https://", "mailto:")
"""What may look like a link (policy X4); everything else is plain text with its target beside it."""

MIN_WIDTH = 8
"""Deep nesting never leaves a block fewer columns than this; what stands out is cut."""


def make_parser(*, blocks_only: bool = False) -> MarkdownIt:
    """Make a parser for what models write: CommonMark, tables, strikethrough; HTML is text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    if blocks_only:
        return parser.disable(["inline", "text_join"])
    parser.core.ruler.push("harmless", _harmless)
    return parser


def parse_inline(tokens: Sequence[Token], parser: MarkdownIt) -> None:
    """Look into the paragraphs of tokens that came from a parser that only knows blocks."""
    state = StateCore("", parser, {}, list(tokens))
    inline(state)
    text_join(state)
    _harmless(state)


def _harmless(state: StateCore) -> None:
    """Rewrite inline tokens: entities pass S1 like any text, links show their target, images become words."""
    for token in state.tokens:
        if token.children:
            token.children = _rewritten(token.children)


def _rewritten(tokens: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    links: list[tuple[Token, int]] = []
    for token in tokens:
        if token.type == "link_open":
            links.append((token, len(kept)))
            kept.append(token)
        elif token.type == "link_close" and links:
            opened, start = links.pop()
            kept.append(token)
            kept.extend(_target(opened, token, "".join(part.content for part in kept[start:])))
        elif token.type == "image":
            source = sanitise(str(token.attrs.get("src", "")))
            kept.append(_text(f"[image: {sanitise(token.content)}] ({source})"))
        else:
            if token.content:
                token.content = sanitise(token.content)
            kept.append(token)
    return kept


def _target(opened: Token, closed: Token, label: str) -> list[Token]:
    """Style a link, or leave it plain; return what shows its target."""
    href = sanitise(str(opened.attrs.get("href", "")))
    safe = href.lower().startswith(SAFE_SCHEMES)
    if safe:
        opened.tag = closed.tag = "link"
    else:
        # An element without a tag of ours would become a renderable of its own.
        opened.tag = closed.tag = "plain"
    opened.type = closed.type = "link"
    if not href or href in {label, f"mailto:{label}"}:
        return []
    if not safe:
        return [_text(f" ({href})")]
    return [
        _text(" ("),
        Token("link", "link_url", 1),
        _text(href),
        Token("link", "link_url", -1),
        _text(")"),
    ]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


class _Paragraph(Paragraph):
    """A paragraph that remembers where only the width broke it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _wrapped_segments(self.text, console, options)


class _Heading(Heading):
    """A heading: left, with its number of signs, so that the level shows without colours."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = "#" * int(self.tag[1:])
        yield from _wrapped_segments(Text.assemble((f"{signs} ", self.style), self.text), console, options)

    def on_enter(self, context: MarkdownContext) -> None:
        super().on_enter(context)
        self.style = context.current_style


def _wrapped_segments(text: Text, console: Console, options: ConsoleOptions) -> RenderResult:
    for line, join in wrapped(text, console, max(options.max_width, MIN_WIDTH)):
        mark(line, join)
        yield from line.render(console, end="\n")


class _CodeBlock(TextElement):
    """A fence or an indented block; unlike rich.syntax its colours are the theme's and its rows can be copied."""

    style_name = "markdown.code_block"

    def __init__(self, language: str, palette: Palette) -> None:
        self.language = language
        self.palette = palette

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _CodeBlock:
        assert isinstance(markdown, Blocks)
        return cls((token.info or "").strip().partition(" ")[0], markdown.palette)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = self.text.plain.removesuffix("\n")
        for row in code_rows(code, self.language, self.palette, options.max_width):
            yield from row
            yield Segment("\n")


class _Quote(BlockQuote):
    """A quote with a bar, at any depth."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=max(options.max_width - 2, MIN_WIDTH), height=None)
        for line in console.render_lines(self.elements, inner, style=self.style, pad=False):
            yield Segment("▌ ", self.style)
            yield from line
            yield Segment("\n")


class _Rule(MarkdownElement):
    """A thematic break."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment("─" * options.max_width, console.get_style("markdown.hr"))
        yield Segment("\n")


class _List(ListElement):
    """A list whose items do not depend on each other, so that each can be rendered as soon as it is finished."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ordered = self.list_type == "ordered_list_open"
        style = console.get_style("markdown.item.bullet")
        start = 1 if self.list_start is None else self.list_start
        for number, item in enumerate(self.items, start):
            marker = f"{number}. ".rjust(4) if ordered else " • "
            inner = options.update(width=max(options.max_width - len(marker), MIN_WIDTH), height=None)
            lines = console.render_lines(item.elements, inner, style=item.style, pad=False) or [[]]
            for first, line in enumerate(lines):
                yield Segment(" " * len(marker) if first else marker, style)
                yield from line
                yield Segment("\n")


class Blocks(Markdown):
    """Parsed top-level blocks as a renderable."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "paragraph_open": _Paragraph,
        "heading_open": _Heading,
        "fence": _CodeBlock,
        "code_block": _CodeBlock,
        "blockquote_open": _Quote,
        "hr": _Rule,
        "bullet_list_open": _List,
        "ordered_list_open": _List,
        "list_item_open": ListItem,
    }
    inlines: ClassVar[set[str]] = {"em", "strong", "code", "s", "link", "link_url", "plain"}  # type: ignore[misc]

    def __init__(self, tokens: Sequence[Token], palette: Palette) -> None:
        # Markdown.__init__ would make a parser and parse; these are all the fields that rendering reads.
        self.parsed = list(tokens)
        self.style = "none"
        self.hyperlinks = False
        self.justify = None
        self.code_theme = ""
        self.inline_code_lexer = None
        self.inline_code_theme = ""
        self.palette = palette
