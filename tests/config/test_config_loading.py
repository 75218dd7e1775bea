"""What a configuration means, with a file and without."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.config.defaults import ALIASES, PROVIDERS
from llmdesk.config.loader import load_settings
from llmdesk.config.provider_settings import CommandSettings, HttpSettings, OllamaSettings
from llmdesk.config.secret import Secret
from llmdesk.config.settings import Settings
from llmdesk.config.yaml_tree import read_tree
from llmdesk.core.lanes import DEFAULT_LANES
from llmdesk.core.text import redact
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded

KEY = {"OLLAMA_API_KEY": "olk-0123456789"}
DEFAULTS = Path(__file__).parents[2] / "llmdesk/config/defaults.yaml"


def load(folder: Path, text: str | bytes, env: dict[str, str] | None = None) -> Loaded:
    file = folder / "llmdesk.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(0o600)
    return load_settings(file, KEY if env is None else env)


def http(loaded: Loaded, name: str) -> HttpSettings:
    provider = loaded.settings.providers[name]
    assert isinstance(provider, HttpSettings)
    return provider


# --- without a file ---------------------------------------------------------------------------------------------------


def test_without_a_file_there_are_cloud_local_and_seven_lanes() -> None:
    loaded = load_settings(None, KEY)
    assert list(loaded.settings.providers) == ["cloud", "local"]
    assert tuple(loaded.settings.lanes) == DEFAULT_LANES
    for lane in loaded.settings.lanes.values():
        assert lane.targets == ("cloud/gpt-oss:120b", "local/largest")
        assert (lane.failover, lane.resume) == ("auto", "ask")
    assert http(loaded, "cloud").base_url == "https://ollama.com"
    assert http(loaded, "cloud").cooldown_s == 600
    assert http(loaded, "local").base_url == "http://127.0.0.1:11434"
    assert (loaded.provider_notes, loaded.disabled, loaded.settings.default_lane) == ({}, {}, "chat")


def test_without_a_key_the_cloud_is_off_and_stays_in_the_lanes() -> None:
    for env in ({}, {"OLLAMA_API_KEY": ""}, {"OLLAMA_API_KEY": "  "}):
        loaded = load_settings(None, env)
        assert loaded.disabled == {"cloud": "no key: set OLLAMA_API_KEY"}
        assert loaded.provider_notes == {}
        assert loaded.settings.lanes["chat"].targets[0] == "cloud/gpt-oss:120b"


@pytest.mark.parametrize("key", ["geheimer-schlüssel", "geheimer-schl\udcfcssel"], ids=["letters", "bytes of Latin-1"])
def test_a_key_no_header_can_hold_switches_the_cloud_off_by_name(tmp_path: Path, key: str) -> None:
    for loaded in (
        load_settings(None, {"OLLAMA_API_KEY": key}),
        load(tmp_path, "version: 1\n", {"OLLAMA_API_KEY": key}),
    ):
        assert loaded.disabled["cloud"].startswith("$OLLAMA_API_KEY holds characters")
        assert "geheim" not in repr(loaded)


def test_keys_are_known_to_the_redactor_once_loaded(tmp_path: Path) -> None:
    load_settings(None, {"OLLAMA_API_KEY": "canary-in-default"})
    load(tmp_path, "providers: {a: {kind: openai, base_url: https://x, api_key: canary-in-file}}")
    assert redact("canary-in-default and canary-in-file") == "*** and ***"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("gpu-box:1234", "http://gpu-box:1234"),
        ("ollama.com", "https://ollama.com"),
        ('" [::1]:99 "', "http://[::1]:99"),
    ],
)
def test_local_is_where_ollama_host_says_with_and_without_a_file(tmp_path: Path, host: str, url: str) -> None:
    env = {**KEY, "OLLAMA_HOST": host}
    assert http(load_settings(None, env), "local").base_url == url
    assert http(load(tmp_path, "version: 1\n", env), "local").base_url == url
    text = 'providers: {local: {kind: ollama, base_url: "${OLLAMA_HOST:-http://127.0.0.1:11434}"}}'
    assert http(load(tmp_path, text, env), "local").base_url == url
    assert http(load(tmp_path, "providers: {local: {kind: ollama}}", env), "local").base_url == url


def test_an_unusable_ollama_host_switches_local_off_and_the_rest_works(tmp_path: Path) -> None:
    env = {**KEY, "OLLAMA_HOST": "ftp://x"}
    for loaded in (load_settings(None, env), load(tmp_path, "version: 1", env)):
        assert loaded.disabled == {"local": "$OLLAMA_HOST must be an address like https://host/path"}
        note = "provider local is disabled: $OLLAMA_HOST must be an address like https://host/path"
        assert loaded.provider_notes == {"local": note}


def test_the_quick_defaults_are_what_an_empty_file_gives(tmp_path: Path) -> None:
    for env in ({}, KEY, {"OLLAMA_HOST": "gpu-box"}):
        for text in ("", "\n# nothing\n", "version: 1\n", "providers:\nlanes:\nui:\n", "---\n...\n"):
            read = load(tmp_path, text, env)
            assert read.settings == load_settings(None, env).settings
            assert read.disabled == load_settings(None, env).disabled
            assert read.provider_notes == load_settings(None, env).provider_notes


def test_defaults_yaml_says_what_the_python_defaults_say(tmp_path: Path) -> None:
    written = read_tree(DEFAULTS.read_text()).root
    assert written.pop("presets")
    assert written.pop("aliases") == ALIASES
    assert written["providers"] == PROVIDERS
    text = DEFAULTS.read_text().split("# Short names")[0]
    assert load(tmp_path, text).settings == load_settings(None, KEY).settings


def test_the_quick_defaults_are_valid() -> None:
    settings = load_settings(None, KEY).settings
    values = settings.model_dump(by_alias=True, exclude_none=True)
    values["providers"]["cloud"]["api_key"] = "${OLLAMA_API_KEY}"
    for provider in values["providers"].values():
        provider.pop("output", None)
    assert Settings.model_validate(values) == settings


def test_a_start_without_a_file_loads_no_yaml_and_opens_nothing() -> None:
    code = (
        "import sys; from llmdesk.config.loader import load_settings; import builtins, io\n"
        "def refuse(*a, **k): raise AssertionError(a)\n"
        "import llmdesk.config.settings, llmdesk.config.expand\n"
        "builtins.open = io.open = refuse\n"
        "load_settings(None, {'OLLAMA_API_KEY': 'k' * 20})\n"
        "bad = {m for m in sys.modules if m.split('.')[0] in ('ruamel', 'httpx', 'textual', 'platformdirs')}\n"
        "assert not bad, bad; assert 'subprocess' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_loading_defaults_again_is_quick() -> None:
    load_settings(None, KEY)
    began = time.thread_time()
    for _ in range(20):
        load_settings(None, KEY)
    assert (time.thread_time() - began) / 20 < allowed(0.01)


# --- with a file ------------------------------------------------------------------------------------------------------


def test_entries_extend_the_defaults_by_name_replace_them_whole_and_null_removes(tmp_path: Path) -> None:
    text = """\
providers:
  team: {kind: openai, base_url: "http://127.0.0.1:8000/v1"}
  local: {kind: ollama, fallback_models: [qwen3:8b]}
lanes:
  review: {targets: [team/x]}
  critic: {targets: [local/largest], failover: never}
  planner: null
"""
    settings = load(tmp_path, text).settings
    assert list(settings.providers) == ["team", "local", "cloud"]
    assert list(settings.lanes) == ["review", "critic", "chat", "codegen", "repair", "clarifier", "reviewer"]
    assert settings.lanes["critic"].failover == "never"
    local = settings.providers["local"]
    assert isinstance(local, OllamaSettings)
    assert local.fallback_models == ("qwen3:8b",)
    assert (local.base_url, local.cooldown_s) == ("http://127.0.0.1:11434", 600)


def test_the_default_targets_follow_the_providers_there_are(tmp_path: Path) -> None:
    def chat(text: str) -> tuple[str, ...]:
        return load(tmp_path, text).settings.lanes["chat"].targets

    assert chat("providers: {cloud: null}") == ("local/largest",)
    assert chat("providers: {local: null}") == ("cloud/gpt-oss:120b",)
    assert chat("providers: {cloud: {kind: ollama, default_model: qwen3:480b}}")[0] == "cloud/qwen3:480b"
    alone = "providers: {cloud: null, local: null, o: {kind: openai, api_key: k, default_model: gpt-5}}"
    assert chat(alone) == ("o/gpt-5",)
    assert chat("lanes: {chat: {failover: ask}}") == ("cloud/gpt-oss:120b", "local/largest")


def test_the_first_lane_is_the_default_when_chat_is_removed(tmp_path: Path) -> None:
    assert load(tmp_path, "lanes: {chat: null, talk: {targets: [local/x]}}").settings.default_lane == "talk"


def test_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf" + b"default_lane: codegen\r\nui:\r\n  theme: paper\r\n"
    settings = load(tmp_path, raw).settings
    assert (settings.default_lane, settings.ui.theme) == ("codegen", "paper")


def test_a_missing_name_switches_its_provider_off_and_the_rest_works(tmp_path: Path) -> None:
    text = """\
providers:
  openai: {kind: openai, api_key: "${OPENAI_API_KEY}"}
  team: {kind: openai, base_url: "${TEAM_URL}", organization: "${TEAM_ORG}"}
  codex: {kind: command, command: [codex], env: {TOKEN: "${CODEX_TOKEN}"}}
  claude: {kind: anthropic}
lanes: {chat: {targets: [openai/gpt-5-mini, team/x, codex/y, local/largest]}}
"""
    loaded = load(tmp_path, text)
    assert loaded.disabled == {
        "openai": "no key: set OPENAI_API_KEY",
        "team": "$TEAM_URL is not set",
        "codex": "$CODEX_TOKEN is not set",
        "claude": "no key: set ANTHROPIC_API_KEY",
    }
    assert tuple(loaded.provider_notes.values()) == (
        "provider openai is disabled: $OPENAI_API_KEY is not set",
        "provider team is disabled: $TEAM_URL is not set",
        "provider codex is disabled: $CODEX_TOKEN is not set",
        "provider claude is disabled: $ANTHROPIC_API_KEY is not set",
    )
    assert len(loaded.settings.lanes["chat"].targets) == 4


def test_a_key_that_is_optional_switches_nothing_off(tmp_path: Path) -> None:
    assert load(tmp_path, 'providers: {a: {kind: openai, base_url: https://x, api_key: "${NOPE:-}"}}').disabled == {}


def test_the_vendors_key_goes_to_the_vendors_own_address_only(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: openai}
  b: {kind: openai, base_url: https://gateway.example/v1}
  c: {kind: openai, base_url: https://api.openai.com/v1/}
  d: {kind: ollama, base_url: https://gpu.example}
  e: {kind: ollama, base_url: https://ollama.com}
  f: {kind: openai, preset: groq, base_url: https://elsewhere.example/v1}
  g: {kind: openai, preset: groq}
"""
    env = dict.fromkeys(("OPENAI_API_KEY", "OLLAMA_API_KEY", "GROQ_API_KEY"), "k-0123456789")
    loaded = load(tmp_path, text, env)
    keys = {name: http(loaded, name).api_key for name in "abcdefg"}
    assert keys == {
        "a": Secret("${OPENAI_API_KEY}"),
        "b": None,
        "c": Secret("${OPENAI_API_KEY}"),
        "d": None,
        "e": Secret("${OLLAMA_API_KEY}"),
        "f": None,
        "g": Secret("${GROQ_API_KEY}"),
    }


def test_presets_set_the_address_and_tell_what_is_to_be_known(tmp_path: Path) -> None:
    text = "providers: {gh: {kind: openai, preset: github-models, organization: acme, api_key: '${T}'}}"
    loaded = load(tmp_path, text, {**KEY, "T": "token-0123"})
    assert http(loaded, "gh").base_url == "https://models.github.ai/orgs/acme/inference"
    assert http(loaded, "gh").api_key == Secret("${T}")
    (note,) = loaded.provider_notes.values()
    assert note.startswith("provider gh: GitHub Models was retired on 30 July 2026")


@pytest.mark.parametrize(
    ("text", "provider", "targets"),
    [
        ("provider: ollama\nmodel: llama3.2\n", "local", ("local/llama3.2", "local/largest")),
        ("provider: cloud\nmodel: kimi:1t\n", "cloud", ("cloud/kimi:1t", "local/largest")),
        ("provider: ollama\nmodel: kimi:1t\napi_key: k-0123\n", "cloud", ("cloud/kimi:1t", "local/largest")),
        ("provider: ollama\nmodel: m\nbase_url: https://ollama.com\n", "cloud", ("cloud/m", "local/largest")),
        ("provider: ollama\nmodel: m\nbase_url: 127.0.0.1:99\n", "local", ("local/m", "local/largest")),
        ("provider: openai\nmodel: gpt-5\napi_key: k-0123\n", "openai", ("openai/gpt-5", "local/largest")),
        ("provider: anthropic\nmodel: m\nui: {theme: x}\n", "anthropic", ("anthropic/m", "local/largest")),
    ],
)
def test_the_short_form_puts_one_model_first(
    tmp_path: Path, text: str, provider: str, targets: tuple[str, ...]
) -> None:
    settings = load(tmp_path, text).settings
    assert settings.providers[provider].default_model == targets[0].partition("/")[2]
    assert {lane.targets for lane in settings.lanes.values()} == {targets}


def test_numbers_and_truth_values_can_come_from_the_environment(tmp_path: Path) -> None:
    text = """\
providers: {team: {kind: openai, base_url: "http://${HOST}/v1", allow_http: "${PLAIN:-true}", cooldown_s: "${CD}"}}
budgets: [{scope: day, limit_usd: "${LIMIT:-2.50}"}]
ui: {theme: "${THEME:-paper}"}
"""
    settings = load(tmp_path, text, {"HOST": "gpu.lan:8000", "CD": "90"}).settings
    team = settings.providers["team"]
    assert isinstance(team, HttpSettings)
    assert (team.base_url, team.allow_http, team.cooldown_s) == ("http://gpu.lan:8000/v1", True, 90)
    assert settings.budgets[0].limit_usd == Decimal("2.50")
    assert settings.ui.theme == "paper"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    text = "default_lane: codegen\nui: {theme: paper, sidebar: off}\nprivacy: {network: any}\n"
    env = {
        "LLMDESK_LANE": "critic",
        "LLMDESK_THEME": "ink",
        "LLMDESK_NETWORK": "local-only",
        "LLMDESK_RECORD": "metadata",
    }
    for settings in (load(tmp_path, text, env).settings, load_settings(None, env).settings):
        assert (settings.default_lane, settings.ui.theme) == ("critic", "ink")
        assert (settings.privacy.network, settings.privacy.record) == ("local-only", "metadata")
    assert load(tmp_path, text, env).settings.ui.sidebar == "off"


def test_prompts_and_schemas_are_read_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/code.md").write_text("Write code.\n")
    (tmp_path / "module.json").write_text('{"type": "object"}')
    loaded = load(tmp_path, "lanes: {codegen: {system: prompts/code.md, schema: module.json, schema_repairs: 2}}")
    assert loaded.systems == {"codegen": "Write code.\n"}
    assert loaded.schemas == {"codegen": {"type": "object"}}
    assert loaded.settings.lanes["codegen"].schema_repairs == 2


def test_the_whole_format_loads(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("c")
    (tmp_path / "s.json").write_text("{}")
    text = """\
version: 1
default_lane: chat
providers:
  cloud:
    kind: ollama
    base_url: https://ollama.com
    api_key: "${OLLAMA_API_KEY}"
    default_model: gpt-oss:120b
    cooldown_s: 600
    retry: {attempts: 3, delay_s: 2, wait: fixed, max_delay_s: 20, short_wait_s: 5}
    timeouts: {connect_s: 5, write_s: 10, first_token_s: 60, idle_s: 60, total_s: null}
  local:
    {kind: ollama, base_url: "${OLLAMA_HOST:-http://127.0.0.1:11434}", fallback_models: [], timeouts: {connect_s: 2}}
  openai: {kind: openai, base_url: https://api.openai.com/v1, api_key: k, billing: metered,
           rate_limit: {requests_per_minute: 60, parallel: 4}}
  github: {kind: openai, preset: github-models, organization: my-org, api_key: k}
  claude: {kind: anthropic, api_key: k, api_version: "2026-10-21",
           models: {haiku: claude-haiku-4-5, sonnet: claude-sonnet-4-5}}
  gemini: {kind: google, api_key: "$(pass show gemini)"}
  team: {kind: openai, base_url: "http://gpu-box.lan:8000/v1", allow_http: true}
  codex:
    kind: command
    command: [codex, exec, --model, "{model}", "-"]
    stdin: "{prompt}"
    output: {jsonl: "$.delta"}
    models: {fast: gpt-5-mini}
    env: {OPENAI_API_KEY: "${OPENAI_API_KEY:-none}"}
    platforms: {windows: {command: [codex.cmd, exec, "-"]}}
    limits: {quota: ["usage limit"], rate: ["too many requests"], auth: ["not logged in"]}
    install: "npm install -g @openai/codex"
    timeouts: {idle_s: 120}
lanes:
  chat: {targets: [cloud/gpt-oss:120b, local/largest], failover: auto, resume: ask}
  codegen: {targets: [claude/sonnet, codex/fast, local/qwen3-coder:30b], system: c.md, schema: s.json,
            params: {temperature: 0.2, seed: 7, max_output_tokens: 8192, stop: END, keep_alive: 10m, extra: {a: [1]}},
            schema_repairs: 1, failover: ask}
  critic: {targets: [claude/sonnet, local/largest], params: {max_output_tokens: 100, reasoning: off}}
  reviewer: {targets: [openai/gpt-5-mini, "lane:chat"]}
agents: {backend-dev: {lane: codegen}}
models:
  openai/gpt-5-mini: {context_window: 400000, price: {input_usd_per_mtok: 0.25, output_usd_per_mtok: 2.00}}
  local/x: {price: 0}
budgets:
  - {scope: day, limit_usd: 2.00, kind: hard, warn_at: 0.8, when_exhausted: free}
  - {scope: month, limit_usd: 30, kind: soft}
  - {scope: request, limit_tokens: 32000, kind: hard}
  - {scope: job, limit_tokens: 500000, kind: hard}
  - {scope: day, agent: backend-dev, limit_usd: 1.00, kind: hard}
routing: {small_prompt: {below_tokens: 400, prefer: [local/largest]}}
privacy: {network: any, record: full}
telemetry: {retention_days: 400, otlp_endpoint: null}
ui: {theme: midnight, sidebar: auto, keys: {lane_next: ctrl+pagedown}}
"""
    loaded = load(tmp_path, text)
    settings = loaded.settings
    assert loaded.disabled == {}
    codex = settings.providers["codex"]
    assert isinstance(codex, CommandSettings)
    assert codex.output.jsonl_path == "$.delta"
    assert codex.timeouts.idle_s == 120
    assert settings.lanes["critic"].params.reasoning == "off"
    assert settings.lanes["codegen"].params.stop == ("END",)
    price = settings.models["openai/gpt-5-mini"].price
    assert price is not None
    assert (price.input_usd_per_mtok, price.output_usd_per_mtok) == (Decimal("0.25"), Decimal(2))
    free = settings.models["local/x"].price
    assert free is not None
    assert free.input_usd_per_mtok == 0
    assert settings.budgets[0].limit_usd == 2
    assert settings.ui.keys == {"lane_next": "ctrl+pagedown"}


def test_nothing_written_about_loading_shows_a_secret(tmp_path: Path) -> None:
    text = (
        "providers: {a: {kind: openai, base_url: https://x, api_key: canary-literal, headers: {X-Key: canary-header}}}"
    )
    loaded = load(tmp_path, text, {**os.environ, "OLLAMA_API_KEY": "canary-environment"})
    for shown in (repr(loaded), str(loaded), loaded.settings.model_dump_json(), repr(loaded.settings.model_dump())):
        assert "canary" not in shown
