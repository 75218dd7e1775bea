"""Every whole configuration that README and the pages show is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmdesk.config.loader import load_settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WHOLE = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, text in enumerate(
        re.findall(r"(?ms)^```yaml\n(version: 1\n.*?)^```$", page.read_text("utf-8")), start=1
    )
]


@pytest.mark.parametrize("text", WHOLE)
def test_a_configuration_that_is_shown_loads_and_every_name_in_it_is_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    names = re.findall(r"\$\{([A-Z_]+)\}", text)
    loaded = load_settings(file, dict.fromkeys(["OLLAMA_API_KEY", *names], "page-key-0123456789"))
    assert loaded.disabled == {}


def test_readme_shows_several() -> None:
    assert sum("README" in str(each.id) for each in WHOLE) >= 3


def test_every_page_can_be_reached_from_readmes_list() -> None:
    more = (ROOT / "README.md").read_text("utf-8").partition("## More\n")[2]
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in more] == []


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
