"""Presets of the OpenAI format and the short names of models: what a few words of YAML stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.config import convert
from llmdesk.config.credentials import resolve_secrets
from llmdesk.config.defaults import ALIASES
from llmdesk.config.loader import load_settings
from llmdesk.config.merge import read_presets
from llmdesk.config.show import effective, show
from llmdesk.core.addresses import is_loopback, split_address
from llmdesk.core.prices import FREE
from llmdesk.core.types import ModelRef
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmdesk.config.convert import EndpointSettings
    from llmdesk.config.loader import Loaded

PRESETS = read_presets()
LOCAL_SERVERS = {"lmstudio", "vllm", "llamacpp"}
KEY = "preset-key-0123456789"


def load(folder: Path, text: str, env: Mapping[str, str] | None = None) -> Loaded:
    file = folder / "llmdesk.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_settings(file, env or {})


def told(loaded: Loaded, name: str, env: Mapping[str, str]) -> EndpointSettings:
    return convert.endpoint(loaded, name, resolve_secrets(loaded, name, env))


def test_the_presets_people_ask_for_are_there() -> None:
    asked = {"openai", "github-models", "openrouter", "groq", "mistral", *LOCAL_SERVERS}
    assert asked <= set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_whole_provider(tmp_path: Path, name: str) -> None:
    loaded = load(tmp_path, f"providers: {{a: {{kind: openai, preset: {name}}}}}")
    rules = convert.provider_rules(loaded)["a"]
    provider = loaded.settings.providers["a"]
    address = provider.base_url  # type: ignore[union-attr]
    assert split_address(address).hostname
    assert is_loopback(address) is (name in LOCAL_SERVERS)
    if name in LOCAL_SERVERS:
        assert (rules.disabled, rules.free, rules.loopback) == ("", True, True)
    else:
        assert address.startswith("https://")
        assert rules.disabled.startswith("no key: set ")
        assert not rules.free
    assert convert.endpoint(loaded, "a").options["preset"] == name


@pytest.mark.parametrize("name", sorted(set(PRESETS) - LOCAL_SERVERS))
def test_a_presets_usual_variable_is_its_key_and_goes_nowhere_else(tmp_path: Path, name: str) -> None:
    variable = PRESETS[name]["api_key"].removeprefix("${").partition("}")[0].partition(":")[0]
    env = {variable: KEY}
    text = (
        f"providers: {{a: {{kind: openai, preset: {name}}}, b: {{kind: openai, preset: {name}, base_url: https://x}}}}"
    )
    loaded = load(tmp_path, text, env)
    assert told(loaded, "a", env).key == KEY
    assert told(loaded, "a", env).key_source.startswith(f"${variable}")
    assert told(loaded, "b", env).key is None


def test_github_models_has_two_paths_three_headers_and_a_word_on_its_end(tmp_path: Path) -> None:
    env = {"GITHUB_TOKEN": KEY}
    text = """\
providers:
  plain: {kind: openai, preset: github-models}
  ours: {kind: openai, preset: github-models, organization: acme, headers: {X-Team: red}}
"""
    loaded = load(tmp_path, text, env)
    plain, ours = told(loaded, "plain", env), told(loaded, "ours", env)
    assert plain.base_url == "https://models.github.ai/inference"
    assert ours.base_url == "https://models.github.ai/orgs/acme/inference"
    asked = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2026-03-10"}
    assert plain.headers == asked
    assert ours.headers == {**asked, "X-Team": "red"}
    assert (plain.key, plain.key_source) == (KEY, "$GITHUB_MODELS_TOKEN or $GITHUB_TOKEN")
    assert ours.options == {"organization": "acme", "preset": "github-models", "native_schema": True}
    assert all("retired on 30 July 2026" in note for note in loaded.provider_notes.values())
    assert loaded.provider_notes.keys() == {"plain", "ours"}


def test_its_own_variable_goes_before_the_usual_one(tmp_path: Path) -> None:
    env = {"GITHUB_TOKEN": "token-of-ci-0123", "GITHUB_MODELS_TOKEN": KEY}
    loaded = load(tmp_path, "providers: {a: {kind: openai, preset: github-models}}", env)
    assert told(loaded, "a", env).key == KEY


def test_what_is_written_goes_before_the_preset(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: openai, preset: vllm, base_url: "http://gpu.lan:8000/v1", allow_http: true, billing: metered, api_key: k-01}
  b: {kind: openai, preset: deepseek, api_key: k-02, native_schema: true}
  c: {kind: openai, preset: deepseek, api_key: k-03}
"""
    loaded = load(tmp_path, text)
    rules = convert.provider_rules(loaded)
    assert told(loaded, "a", {}).base_url == "http://gpu.lan:8000/v1"
    assert told(loaded, "a", {}).key == "k-01"
    assert not rules["a"].free
    assert (rules["b"].native_schema, rules["c"].native_schema) == (True, False)


def test_openais_own_address_is_its_preset_however_it_is_written(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: openai}
  b: {kind: openai, base_url: https://api.openai.com/v1/}
  c: {kind: openai, base_url: https://gateway.example/v1}
"""
    loaded = load(tmp_path, text, {"OPENAI_API_KEY": KEY})
    assert [convert.endpoint(loaded, name).options.get("preset") for name in "abc"] == ["openai", "openai", None]


# --- short names of models --------------------------------------------------------------------------------------------

ALIASED = """\
providers:
  claude: {kind: anthropic, api_key: k-0123, models: {sonnet: my-sonnet, fast: claude-haiku-5-5}}
  gemini: {kind: google, api_key: k-0123}
  openai: {kind: openai, api_key: k-0123}
  groq: {kind: openai, preset: groq, api_key: k-0123}
  box: {kind: ollama, base_url: "http://127.0.0.1:1", models: {coder: "qwen3-coder:30b"}}
lanes:
  chat: {targets: [claude/haiku, claude/sonnet, claude/fast, gemini/flash, openai/mini, groq/mini, box/coder]}
models: {claude/opus: {price: 0}}
"""


def test_a_short_name_works_in_a_lane_and_the_users_own_go_first(tmp_path: Path) -> None:
    lane = convert.lanes(load(tmp_path, ALIASED))["chat"]
    haiku = ALIASES["anthropic"]["haiku"]
    assert [str(target) for target in lane.targets] == [
        f"claude/{haiku}",  # and "fast" is the same model, so it is asked once
        "claude/my-sonnet",
        f"gemini/{ALIASES['google']['flash']}",
        f"openai/{ALIASES['openai']['mini']}",
        "groq/mini",  # not OpenAI's address, not OpenAI's models
        "box/qwen3-coder:30b",
    ]


def test_a_short_name_works_where_models_are_priced_and_asked_for_by_name(tmp_path: Path) -> None:
    loaded = load(tmp_path, ALIASED)
    opus = ModelRef("claude", ALIASES["anthropic"]["opus"])
    assert convert.model_rules(loaded)[opus].price == FREE
    assert convert.resolve_ref(loaded.settings, ModelRef("claude", "opus")) == opus
    assert convert.resolve_ref(loaded.settings, ModelRef("claude", "any-other")) == ModelRef("claude", "any-other")


async def test_a_short_name_works_on_the_command_line_and_for_small_prompts(tmp_path: Path) -> None:
    loaded = load(tmp_path, ALIASED + "routing: {small_prompt: {below_tokens: 9, prefer: [claude/haiku]}}\n")
    haiku = ModelRef("claude", ALIASES["anthropic"]["haiku"])
    rule = convert.small_prompt(loaded)
    assert rule is not None
    assert rule.prefer == (haiku,)
    async with make_desk(config=loaded.file, env={"LLMDESK_HOME": str(tmp_path / "home")}) as desk:
        plan = await desk.plan(Ask(prompt="x" * 999, model=ModelRef("claude", "haiku")))
    assert [state.target for state in plan.targets] == [haiku]


def test_short_names_are_shown_and_what_is_shown_loads_as_the_same(tmp_path: Path) -> None:
    loaded = load(tmp_path, ALIASED)
    assert effective(loaded)["providers"]["gemini"]["models"] == ALIASES["google"]
    again = load(tmp_path, show(loaded).replace("***", "k-0123"))
    for name, provider in loaded.settings.providers.items():
        assert again.settings.providers[name].models == provider.models
    assert convert.lanes(again) == convert.lanes(loaded)


@pytest.mark.parametrize("kind", ALIASES)
def test_a_short_name_is_no_models_own_name(kind: str) -> None:
    assert not set(ALIASES[kind]) & set(ALIASES[kind].values())
