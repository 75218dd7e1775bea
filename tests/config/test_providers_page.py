"""What the page about providers tells people to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmdesk.config import convert
from llmdesk.config.loader import load_settings
from llmdesk.config.merge import read_presets
from llmdesk.config.provider_settings import KIND_MODELS

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])
BLOCKS = [
    (name, text)
    for name, section in SECTIONS.items()
    for text in re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
]
VARIABLES = sorted(set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*_(?:API_KEY|KEY|TOKEN)\b", PAGE)))


@pytest.mark.parametrize(("section", "text"), BLOCKS, ids=[section for section, _ in BLOCKS])
def test_what_a_section_shows_loads_with_its_keys_and_every_target_can_be_asked(
    tmp_path: Path, section: str, text: str
) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text(text)
    file.chmod(0o600)
    loaded = load_settings(file, dict.fromkeys(VARIABLES, "page-key-0123456789"))
    assert loaded.disabled == {}
    named = set(re.findall(r"^  ([\w-]+):", text.partition("lanes:")[0], re.MULTILINE))
    assert named <= set(loaded.settings.providers)
    assert all(rules.disabled == "" for rules in convert.provider_rules(loaded).values())
    retired = "GitHub" in section
    assert any("retired" in note for note in loaded.provider_notes.values()) is retired


def test_every_section_has_its_configuration_and_every_kind_and_preset_its_section() -> None:
    assert [name for name, _ in BLOCKS] == list(SECTIONS)
    shown = "\n".join(text for _, text in BLOCKS)
    assert set(KIND_MODELS) == set(re.findall(r"kind: (\w+)", shown))
    assert set(read_presets()) == set(re.findall(r"kind: openai,? preset: ([\w-]+)", shown))
    for preset in read_presets().values():
        for name in re.findall(r"\$\{(\w+)", preset.get("api_key", "")):
            assert f"`{name}`" in PAGE
