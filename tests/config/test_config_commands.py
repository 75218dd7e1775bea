"""What stands behind the config commands: examples, effective settings, JSON Schema, reference page."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from llmdesk.config.credentials import resolve_secrets
from llmdesk.config.describe import field_texts, schema
from llmdesk.config.example import EXAMPLES, example, write_example
from llmdesk.config.loader import load_settings
from llmdesk.config.reference import reference
from llmdesk.config.show import effective, show
from llmdesk.config.yaml_tree import read_tree
from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded

KEYS = {f"{name}_API_KEY": "k-0123456789" for name in ("OLLAMA", "OPENAI", "ANTHROPIC", "GEMINI", "GROQ", "OPENROUTER")}
DOCS = Path(__file__).parents[2] / "docs"


def load(folder: Path, text: str) -> Loaded:
    file = folder / "llmdesk.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_settings(file, KEYS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_commented_and_loads(tmp_path: Path, name: str) -> None:
    text = example(name)
    assert text.startswith("#")
    assert "#:" not in text
    loaded = load(tmp_path, text)
    assert loaded.disabled == {}
    assert loaded.provider_notes == {}


def test_the_examples_mean_what_their_names_say(tmp_path: Path) -> None:
    assert load(tmp_path, example("minimal")).settings == load_settings(None, KEYS).settings
    local = load(tmp_path, example("local")).settings
    assert list(local.providers) == ["local"]
    assert local.privacy.network == "local-only"
    full = load(tmp_path, example("full")).settings
    assert {"cloud", "local", "openai", "claude", "gemini"} == set(full.providers)
    assert full.budgets
    assert full.agents
    kinds = {
        name: {provider.kind for provider in load(tmp_path, example(name)).settings.providers.values()}
        for name in ("openai-compatible", "anthropic", "google", "command", "many")
    }
    assert kinds == {
        "openai-compatible": {"ollama", "openai"},
        "anthropic": {"ollama", "anthropic"},
        "google": {"ollama", "google"},
        "command": {"ollama", "command"},
        "many": {"ollama", "openai", "anthropic", "google"},
    }


def test_what_the_full_example_leaves_as_comments_loads_as_well(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/codegen.md").write_text("x")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/module.json").write_text("{}")
    lines = [
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and _is_yaml(line) else line
        for line in example("full").splitlines()
    ]
    settings = load(tmp_path, "\n".join(lines)).settings
    assert {"team", "codex"} <= set(settings.providers)
    assert settings.lanes["codegen"].system == "prompts/codegen.md"
    assert settings.routing.small_prompt is not None
    assert len(settings.budgets) == 4


def _is_yaml(line: str) -> bool:
    """Whether a comment holds a setting that is switched off, not a sentence."""
    inside = line.strip()[2:].lstrip()
    return inside.startswith("- ") or (":" in inside and " " not in inside.split(":")[0])


def test_an_unknown_example_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="minimal, full, local"):
        example("huge")


def test_every_example_is_named_where_the_command_is_explained() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if name != "minimal" and f"`{name}`" not in page] == []


def test_a_new_file_and_its_folders_are_private_and_an_existing_one_is_never_touched(tmp_path: Path) -> None:
    file = tmp_path / "new/config/llmdesk.yaml"
    before = os.umask(0)
    try:
        write_example(file, "a: 1\n")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]
    assert file.read_text() == "a: 1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists already"):
        write_example(file, "b: 2\n")
    assert file.read_text() == "a: 1\n"
    (tmp_path / "link.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="exists already"):
        write_example(tmp_path / "link.yaml", "b: 2\n")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        write_example(file / "below-a-file.yaml", "b: 2\n")
    with pytest.raises(UsageError, match="cannot be made: Not a directory"):
        write_example(file / "folder" / "below-a-file.yaml", "b: 2\n")


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_shown_loads_again_and_means_the_same(tmp_path: Path, name: str) -> None:
    loaded = load(tmp_path, example(name))
    again = load(tmp_path, show(loaded))
    assert effective(again) == effective(loaded)
    assert again.settings.lanes == loaded.settings.lanes
    assert again.settings.budgets == loaded.settings.budgets
    assert again.disabled == loaded.disabled == {}
    for provider in loaded.settings.providers:
        assert resolve_secrets(again, provider, KEYS) == resolve_secrets(loaded, provider, KEYS)


def test_dollar_signs_survive_being_shown(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: command, command: [x, "$${A}", "b$"], output: {json: "$.r"}}
  b: {kind: openai, base_url: "${GONE}", organization: "$${B}"}
"""
    loaded = load(tmp_path, text)
    assert effective(loaded)["providers"]["a"]["command"] == ["x", "$${A}", "b$"]
    again = load(tmp_path, show(loaded))
    assert again.settings.providers["a"] == loaded.settings.providers["a"].model_copy(
        update={"timeouts": again.settings.providers["a"].timeouts}
    )
    assert again.disabled == loaded.disabled


def test_what_is_shown_masks_secrets_and_says_why_a_provider_is_off(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: openai, base_url: https://x, api_key: canary-key, headers: {X-Key: "canary-${OPENAI_API_KEY}"}}
  b: {kind: openai, api_key: "${NOT_THERE}"}
  c: {kind: google, api_key: "$(pass show canary)"}
"""
    shown = show(load(tmp_path, text))
    assert "canary" not in shown
    assert "k-0123456789" not in shown
    values = read_tree(shown).root["providers"]
    assert values["a"]["api_key"] == "***"
    assert values["a"]["headers"] == {"X-Key": "***${OPENAI_API_KEY}"}
    assert values["b"]["api_key"] == "${NOT_THERE}"
    assert values["c"]["api_key"] == "$(pass …)"
    assert "b:  # disabled, no key: set NOT_THERE" in shown


def test_the_json_schema_is_one_and_describes_every_setting() -> None:
    described = schema()
    jsonschema.Draft202012Validator.check_schema(described)
    undescribed = [
        f"{name}.{key}"
        for name, definition in {**described["$defs"], "Settings": described}.items()
        for key, field in definition.get("properties", {}).items()
        if not field.get("description")
    ]
    assert undescribed == []
    retry: dict[str, Any] = described["$defs"]["RetrySettings"]["properties"]["attempts"]
    assert (retry["minimum"], retry["maximum"]) == (1, 20)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *((example(name), True) for name in EXAMPLES),
        ("{}", True),
        ("providers: {cloud: null, a: {kind: ollama}}\nlanes: {chat: null, critic: {failover: ask}}", True),
        ("providers: {a: {kind: command, command: [x], output: text}}", True),
        ("models: {a/b: {price: 0}}", True),
        ("lanes: {chat: {params: {stop: END}}}", True),
        ("lane: {}", False),
        ("providers: {a: {kind: command, command: x}}", False),
        ("providers: {a: {kind: command}}", False),
        ("providers: {a: {kind: ollama, retry: {attempts: 0}}}", False),
        ("privacy: {network: some}", False),
    ],
)
def test_an_editor_with_the_schema_agrees_with_the_loader(tmp_path: Path, text: str, valid: bool) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(read_tree(text).root) is valid


def test_every_setting_has_a_docstring_of_whole_sentences() -> None:
    texts = field_texts()
    settings = {
        (name, key)
        for name, definition in {**schema()["$defs"], "Settings": schema()}.items()
        for key in definition.get("properties", {})
    }
    assert texts.keys() == settings
    assert [text for text in texts.values() if not text.endswith((".", "…"))] == []


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("scope", "`request`, `conversation`, `job`, `day`, `month`"),
        ("kind", "`soft`, `hard`"),
        ("when_exhausted", "`free`, `block`"),
        ("record", "`full`, `metadata`, `off-record`"),
        ("reasoning", "`off`, `low`, `medium`, `high`"),
    ],
)
def test_the_reference_page_lists_the_values_of_a_choice(key: str, values: str) -> None:
    rows = [line for line in reference().splitlines() if line.startswith(f"| `{key}` |")]
    assert any(row.endswith(f" One of {values}. |") for row in rows)


def test_the_reference_page_says_nothing_of_choices_where_there_are_none() -> None:
    rows = {line.split("`")[1]: line for line in reference().splitlines() if line.startswith("| `")}
    assert "Keys: `linux`, `macos`, `windows`." in rows["platforms"]
    assert not any("One of" in rows[key] for key in ("version", "limit_usd", "targets", "price"))


def test_the_reference_page_is_up_to_date() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert page == reference(), "run: python -m llmdesk.config.reference docs/configuration.md"
