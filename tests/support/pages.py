"""The pages for people, taken apart: fenced blocks, headings, links, and words set as code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page: what stands behind the fence, its text, and the line it begins in."""

    page: Path
    language: str
    text: str
    line: int

    @property
    def name(self) -> str:
        """Where it is, for messages and the names of tests."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Everything that a reader can come to: README, the pages, the decisions."""
    beside = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")]
    return [*beside, *sorted(DOCS.glob("*.md")), *sorted((DOCS / "decisions").glob("*.md"))]


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, in order; of these languages, where any are named."""
    return [
        Block(page=page, language=token.info.strip(), text=token.content, line=(token.map or [0])[0] + 1)
        for token in _MARKDOWN.parse(page.read_text("utf-8"))
        if token.type == "fence" and (not languages or token.info.strip() in languages)
    ]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead."""
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in _MARKDOWN.parse(page.read_text("utf-8"))
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them: small letters, hyphens, a number for one that is there."""
    found: set[str] = set()
    for heading in _headings(page):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def _headings(page: Path) -> Iterator[str]:
    tokens = _MARKDOWN.parse(page.read_text("utf-8"))
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            yield "".join(child.content for child in inline.children or ())


def code_words(page: Path) -> list[str]:
    """What a page sets as code within its sentences and tables."""
    return [
        child.content
        for token in _MARKDOWN.parse(page.read_text("utf-8"))
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def first_cells(page: Path, title: str) -> list[str]:
    """What is set as code in the first cells of the tables whose first column has this title."""
    found: list[str] = []
    for line in _tables(page.read_text("utf-8").splitlines(), title):
        found += re.findall(r"`+ ?(.+?) ?`+", re.split(r"(?<!\\)\|", line)[1])
    return found


def _tables(lines: list[str], title: str) -> Iterator[str]:
    inside = False
    for line in lines:
        inside = line.startswith(f"| {title} |") or (inside and line.startswith("|"))
        if inside and not line.startswith((f"| {title} |", "| ---")):
            yield line


def prose(page: Path) -> str:
    """What a page says outside of its fenced blocks, links reduced to their words."""
    return "\n".join(
        "".join(" " if child.type.endswith("break") else child.content for child in token.children or ())
        for token in _MARKDOWN.parse(page.read_text("utf-8"))
        if token.type == "inline"
    )
