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


def test_whole_configurations_are_found_in_readme_and_in_the_pages() -> None:
    shown = [str(each.id) for each in WHOLE]
    assert any(name.startswith("README") for name in shown)
    assert len(shown) > 5
