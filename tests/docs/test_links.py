"""Every link of a page leads to something that is there, down to the anchor, and every page can be come to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.support.pages import DOCS, ROOT, anchors, links, pages

if TYPE_CHECKING:
    from pathlib import Path

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    if link.startswith(("https://", "http://", "mailto:")):
        return True
    path, _, anchor = unquote(link).partition("#")
    target = page.parent / path if path else page
    if not target.is_file():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


def test_a_link_to_nothing_is_noticed() -> None:
    page = DOCS / "policy.md"
    assert _leads_somewhere(page, "#2-rules")
    assert not any(
        _leads_somewhere(page, link) for link in ("no-page.md", "#no-heading", "reports.md#no-heading", "decisions/")
    )


def test_the_index_lists_every_page() -> None:
    listed = {(DOCS / link).resolve() for link in links(DOCS / "index.md") if "//" not in link}
    assert set(DOCS.glob("*.md")) - {DOCS / "index.md"} <= listed


def test_readme_leads_to_the_index() -> None:
    assert "docs/index.md" in links(ROOT / "README.md")


def test_the_list_of_decisions_is_whole_and_in_order() -> None:
    folder = DOCS / "decisions"
    titles = {path.name: path.read_text("utf-8").split("\n", 1)[0].removeprefix("# ") for path in folder.glob("0*.md")}
    lines = [line for line in (folder / "README.md").read_text("utf-8").splitlines() if line.startswith("- ")]
    assert lines == [f"- [{titles[name]}]({name})" for name in sorted(titles)]
