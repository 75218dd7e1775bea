"""Every block that a page shows is what it looks like: a configuration that loads, a palette, a program, JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.config.loader import load_settings
from llmdesk.core.errors import ConfigurationError
from llmdesk.tui.keymap import read_keymap
from llmdesk.tui.themes import read_palette
from tests.support.page_world import read_yaml
from tests.support.pages import ROOT, blocks, pages

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pages import Block


OF_A_COLLECTOR = "receivers"
"""Marks the configuration of another program; the tests of telemetry look at those."""

PRESETS = (ROOT / "llmdesk" / "config" / "defaults.yaml").read_text("utf-8")
"""Names the keys of the vendors."""


def shown(*languages: str) -> pytest.MarkDecorator:
    found = [block for page in pages() for block in blocks(page, *languages)]
    assert found
    return pytest.mark.parametrize("block", found, ids=lambda block: block.name)


@shown("yaml")
def test_yaml_that_is_shown_is_a_configuration_or_a_palette(block: Block, tmp_path: Path) -> None:
    tree = read_yaml(block.text)
    if OF_A_COLLECTOR in tree:
        return
    file = tmp_path / "shown.yaml"
    file.write_text(block.text + ("" if "providers" in tree else _providers_of(tree)), encoding="utf-8")
    file.chmod(0o600)
    if "colors" in tree:
        assert read_palette(file).primary
        return
    for kind, name in re.findall(r"\b(system|schema): ([\w./-]+\.\w+)", block.text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}" if kind == "schema" else "Be brief.", encoding="utf-8")
    names = re.findall(r"\$\{([A-Z_]+)", block.text + PRESETS)
    loaded = load_settings(file, dict.fromkeys(names, "page-key-0123456789"))
    assert loaded.disabled == {}
    assert read_keymap(loaded.settings.ui.keys).notes == ()


def _providers_of(tree: dict[str, Any]) -> str:
    """The providers that a part of a configuration takes for granted, as the rest of it."""
    refs = [*tree.get("models", {}), *(ref for lane in tree.get("lanes", {}).values() for ref in lane["targets"])]
    named = {ref.partition("/")[0] for ref in refs} - {"cloud", "local"}
    lines = [f"  {name}: {{kind: openai, base_url: 'https://llm.example.com/v1'}}" for name in sorted(named)]
    return "\n".join(["", "providers:", *lines, ""]) if named else ""


def test_yaml_that_is_none_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text("lanes:\n  chat: {target: [local/largest]}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="did you mean 'targets'"):
        load_settings(file, {})


@shown("python")
def test_python_that_is_shown_can_be_read(block: Block) -> None:
    import ast

    compile(block.text.rstrip().rstrip(","), block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@shown("json")
def test_json_that_is_shown_is_some(block: Block) -> None:
    assert json.loads(block.text.replace("…", "0" if re.search(r": …", block.text) else "some"))


def test_the_pages_that_are_looked_at_are_many() -> None:
    assert len(pages()) > 50
    assert ROOT / "README.md" in pages()
