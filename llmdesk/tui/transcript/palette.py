"""The styles of a transcript: component classes of the view, resolved by the theme that is on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.style import Style
from rich.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = (
    "who", "user", "attachment", "head", "foot", "mark-full", "mark-partial", "reasoning", "fold", "discarded",
    "seam", "note", "note-success", "note-warning", "note-error", "wait", "action",
    "heading", "strong", "emphasis", "strike", "inline-code", "link", "link-target", "quote", "bullet", "rule",
    "table-border", "table-header",
    "code", "code-comment", "code-keyword", "code-string", "code-number", "code-name", "code-builtin",
    "code-operator", "code-inserted", "code-deleted", "found", "found-too", "chosen", "chosen-body",
)  # fmt: skip
"""What can be styled; ``PREFIX`` + part is the component class."""

PREFIX = "transcript--"

_MARKDOWN = {
    "markdown.paragraph": None,
    "markdown.item": None,
    "markdown.text": None,
    **dict.fromkeys((f"markdown.h{level}" for level in range(1, 8)), "heading"),
    "markdown.strong": "strong",
    "markdown.em": "emphasis",
    "markdown.s": "strike",
    "markdown.code": "inline-code",
    "markdown.code_block": "code",
    "markdown.link": "link",
    "markdown.link_url": "link-target",
    "markdown.block_quote": "quote",
    "markdown.item.bullet": "bullet",
    "markdown.item.number": "bullet",
    "markdown.list": None,
    "markdown.hr": "rule",
    "markdown.table.border": "table-border",
    "markdown.table.header": "table-header",
}
"""Rich's names for Markdown, and our parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Every style by part, and ``base``, which lies under all of them."""

    base: Style
    parts: Mapping[str, Style]

    def __getitem__(self, part: str) -> Style:
        return self.parts[part]

    def console(self) -> Console:
        """Make a console that renders Markdown with these styles, and looks at no environment variable."""
        plain = Style.null()
        theme = Theme({name: self.parts[part] if part else plain for name, part in _MARKDOWN.items()})
        return Console(
            file=io.StringIO(), width=80, height=25, color_system="truecolor", force_terminal=True, theme=theme,
            legacy_windows=False, markup=False, emoji=False, highlight=False, _environ={},
        )  # fmt: skip
