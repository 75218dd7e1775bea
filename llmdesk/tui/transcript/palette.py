"""The styles of a transcript: component classes of the view, resolved by the theme that is on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.style import Style
from rich.theme import Theme

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

INKS = (
    "plain", "primary", "secondary", "accent", "muted", "success", "warning", "error",
    "surface", "faint", "panel", "cursor",
)  # fmt: skip
"""What the theme tells, a text's colour, its background or both; ``PREFIX`` + ink is the component class.

Textual works out every component class again whenever something around it changes: few of them, and parts made of them.
"""

PREFIX = "transcript--"


class Part(NamedTuple):
    """What can be styled: the ink it is written with, the one behind it, and how it looks, in Rich's words."""

    ink: str = ""
    on: str = ""
    look: str = ""


PARTS: Mapping[str, Part] = {
    "who": Part("primary", look="bold"),
    "user": Part("plain"),
    "attachment": Part("accent"),
    "head": Part("secondary", look="bold"),
    "foot": Part("muted"),
    "mark-full": Part("success"),
    "mark-partial": Part("warning", look="bold"),
    "reasoning": Part("muted", look="italic"),
    "fold": Part("muted"),
    "discarded": Part("muted", look="strike"),
    "seam": Part("warning"),
    "note": Part("muted"),
    "note-warning": Part("warning"),
    "note-error": Part("error", look="bold"),
    "heading": Part("primary", look="bold"),
    "strong": Part(look="bold"),
    "emphasis": Part(look="italic"),
    "strike": Part(look="strike"),
    "inline-code": Part("accent", on="surface"),
    "link": Part("secondary", look="underline"),
    "link-target": Part("muted"),
    "quote": Part("muted"),
    "bullet": Part("primary"),
    "rule": Part("muted"),
    "table-border": Part("muted"),
    "table-header": Part("primary", look="bold"),
    "code": Part("plain", on="surface"),
    "code-comment": Part("faint", look="italic"),
    "code-keyword": Part("primary", on="surface"),
    "code-string": Part("success", on="surface"),
    "code-number": Part("warning", on="surface"),
    "code-name": Part("secondary", on="surface"),
    "code-builtin": Part("accent", on="surface"),
    "code-operator": Part("plain", on="surface"),
    "code-inserted": Part("success", on="surface"),
    "code-deleted": Part("error", on="surface"),
    "found": Part("cursor", look="bold"),
    "found-too": Part("panel", look="bold underline"),
    "chosen": Part("cursor", look="bold"),
    "chosen-body": Part("panel"),
}


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

    @classmethod
    def of(cls, base: Style, inks: Mapping[str, Style]) -> Palette:
        """Make the style of every part; ``inks`` = all of ``INKS``."""

        def made(part: Part) -> Style:
            behind = inks[part.on] if part.on else Style.null()
            return behind + (inks[part.ink] if part.ink else Style.null()) + Style.parse(part.look or "none")

        return cls(base=base, parts={name: made(part) for name, part in PARTS.items()})

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
