"""Settings as the plain values router and adapters get."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from llmdesk.config import convert, credentials
from llmdesk.config.command_options import on_platform
from llmdesk.config.command_settings import CommandSettings
from llmdesk.config.credentials import resolve_secrets
from llmdesk.config.loader import load_settings
from llmdesk.config.secret import Secret
from llmdesk.core.errors import SetupBroken
from llmdesk.core.prices import FREE, Price
from llmdesk.core.types import ModelRef, Params

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.config.loader import Loaded

ENV = {**os.environ, "OLLAMA_API_KEY": "olk-0123456789", "TEAM_KEY": "team-0123456789", "OLLAMA_HOST": ""}

TEXT = f"""\
providers:
  claude: {{kind: anthropic, api_key: "${{TEAM_KEY}}", api_version: "2026-10-21",
           models: {{sonnet: claude-sonnet-4-5}}}}
  team:
    kind: openai
    base_url: http://gpu-box.lan:8000/v1/
    allow_http: true
    api_key: $({sys.executable} -c "print('key-of-team')")
    headers: {{X-Team: "t-${{TEAM_KEY}}", X-None: "${{NOPE:-}}"}}
    organization: acme
    timeouts: {{idle_s: 5, total_s: 90}}
    params: {{temperature: 0.5}}
  near: {{kind: openai, base_url: "http://127.0.0.1:8080/v1"}}
  box: {{kind: ollama, base_url: "http://gpu-box.lan:11434", allow_http: true,
        fallback_models: [qwen3:8b], cooldown_s: 5}}
  off: {{kind: openai, api_key: "${{MISSING}}"}}
  codex:
    kind: command
    command: [codex, exec, "-"]
    env: {{PLAIN: "ä ${{TEAM_KEY}}", MY_TOKEN: "${{TEAM_KEY}}", OPTIONAL: "${{NOPE:-}}"}}
    platforms: {{windows: {{command: [codex.cmd]}}, linux: {{install: apt install codex}}}}
    limits: {{quota: [usage limit]}}
    output: {{json: "$.result"}}
lanes:
  chat: {{targets: [cloud/gpt-oss:120b, local/largest], failover: ask, resume: auto}}
  codegen:
    targets: [claude/sonnet, "lane:chat", claude/claude-sonnet-4-5, box/x]
    system: c.md
    schema: schemas/module.json
    schema_repairs: 2
    params: {{temperature: 0.2, stop: END, extra: {{a: 1}}}}
agents: {{dev: {{lane: codegen, params: {{seed: 7}}}}}}
models:
  claude/sonnet: {{context_window: 1000, price: {{input_usd_per_mtok: 3, output_usd_per_mtok: 15.5}}}}
  local/x: {{price: 0}}
  local/y: {{context_window: 5}}
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "c.md").write_text("Write code.")
    (tmp_path / "schemas/module.json").write_text('{"type": "object"}')
    file = tmp_path / "llmdesk.yaml"
    file.write_text(TEXT)
    file.chmod(0o600)
    return load_settings(file, ENV)


def test_lanes_have_their_targets_written_out_once_each_in_order(loaded: Loaded) -> None:
    lane = convert.lanes(loaded)["codegen"]
    assert lane.targets == (
        ModelRef("claude", "claude-sonnet-4-5"),
        ModelRef("cloud", "gpt-oss:120b"),
        ModelRef("local", "largest"),
        ModelRef("box", "x"),
    )
    assert lane.params == Params(temperature=0.2, stop=("END",), extra={"a": 1})
    assert (lane.system, lane.schema, lane.schema_name) == ("Write code.", {"type": "object"}, "module.json")
    assert (lane.schema_repairs, lane.failover, lane.resume) == (2, "auto", "ask")
    chat = convert.lanes(loaded)["chat"]
    assert (chat.failover, chat.resume, chat.system, chat.schema) == ("ask", "auto", None, None)
    assert list(convert.lanes(loaded))[:2] == ["chat", "codegen"]


def test_the_router_learns_what_each_provider_is(loaded: Loaded) -> None:
    rules = convert.provider_rules(loaded)
    assert (rules["cloud"].cooldown_s, rules["cloud"].retries_rate, rules["cloud"].free) == (600, False, True)
    assert (rules["cloud"].loopback, rules["cloud"].local_models) == (False, False)
    assert (rules["local"].loopback, rules["local"].local_models) == (True, True)
    assert (rules["box"].loopback, rules["box"].local_models, rules["box"].cooldown_s) == (False, True, 5)
    assert rules["box"].fallback_models == ("qwen3:8b",)
    assert (rules["team"].cooldown_s, rules["team"].retries_rate, rules["team"].free) == (60, True, False)
    assert (rules["near"].loopback, rules["near"].local_models) == (True, False)
    assert (rules["codex"].free, rules["codex"].loopback) == (True, False)
    assert (rules["off"].disabled, rules["team"].disabled) == ("no key: set MISSING", "")
    assert (rules["cloud"].retry.attempts, rules["cloud"].retry.delay_s, rules["cloud"].retry.wait) == (3, 2, "fixed")


def test_what_stands_in_for_the_cloud_on_this_machine_is_still_the_cloud(tmp_path: Path) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text(
        "providers:\n"
        "  cloud: {kind: ollama, base_url: 'http://127.0.0.1:9'}\n"
        "  keyed: {kind: ollama, base_url: 'http://127.0.0.1:9', api_key: \"${KEY}\"}\n"
        "  plain: {kind: ollama, base_url: 'http://127.0.0.1:9'}\n"
    )
    loaded = load_settings(file, {"KEY": "key-of-a-test", "OLLAMA_API_KEY": "key-of-a-test"})
    rules = convert.provider_rules(loaded)
    assert {n: rules[n].local_models for n in ("cloud", "keyed", "plain")} == {
        "cloud": False, "keyed": False, "plain": True,
    }  # fmt: skip
    assert convert.limits("cloud", loaded.settings.providers["cloud"]).first_token_s == 60


def test_limits_follow_where_the_provider_is_and_what_is_written(loaded: Loaded) -> None:
    def limits(name: str) -> tuple[float | None, ...]:
        found = convert.limits(name, loaded.settings.providers[name])
        near = (found.connect_s, found.write_s, found.pool_s)
        return (*near, found.first_token_s, found.idle_s, found.content_s, found.total_s)

    assert limits("cloud") == (5, 10, 20, 60, 60, 300, None)
    assert limits("local") == (2, 10, 5, 330, 60, 300, None)
    assert limits("box") == (5, 10, 20, 330, 60, 300, None)
    assert limits("near") == (2, 10, 5, 330, 60, 300, None)
    assert limits("team") == (5, 10, 20, 60, 5, 300, 90)
    assert limits("codex") == (5, 10, 20, 330, 60, 300, None)


def test_agents_and_models_are_plain_values(loaded: Loaded) -> None:
    assert convert.agents(loaded) == {"dev": convert.AgentRule(name="dev", lane="codegen", params=Params(seed=7))}
    assert convert.model_rules(loaded) == {
        ModelRef("claude", "claude-sonnet-4-5"): convert.ModelRule(
            context_window=1000,
            price=Price(input_usd_per_mtok=Decimal(3), output_usd_per_mtok=Decimal("15.5")),
        ),
        ModelRef("local", "x"): convert.ModelRule(price=FREE),
        ModelRef("local", "y"): convert.ModelRule(context_window=5),
    }
    assert convert.provider_rules(loaded)["team"].params == Params(temperature=0.5)


def test_an_endpoint_gets_its_secrets_resolved(loaded: Loaded) -> None:
    secrets = resolve_secrets(loaded, "team", ENV)
    told = convert.endpoint(loaded, "team", secrets)
    assert told.key == "key-of-team"
    assert told.headers == {"X-Team": "t-team-0123456789"}
    assert (told.base_url, told.allow_http, told.options) == (
        "http://gpu-box.lan:8000/v1",
        True,
        {"organization": "acme", "native_schema": True},
    )
    assert "key-of-team" not in repr(told) + repr(secrets)
    assert "t-team" not in repr(told) + repr(secrets)
    claude = convert.endpoint(loaded, "claude")
    assert (claude.key, claude.options) == (None, {"api_version": "2026-10-21", "native_schema": True})
    assert "claude-sonnet-4-5" in claude.models
    assert claude.base_url == "https://api.anthropic.com"


def test_a_key_whose_command_fails_names_the_provider(loaded: Loaded, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("providers: {a: {kind: openai, base_url: https://x, api_key: $(/no/such/vault read)}}")
    file.chmod(0o600)
    with pytest.raises(SetupBroken, match=r"^a: /no/such/vault in"):
        resolve_secrets(load_settings(file, ENV), "a", ENV)


def test_a_program_gets_its_words_variables_and_what_its_platform_changes(loaded: Loaded) -> None:
    told = convert.endpoint(loaded, "codex", resolve_secrets(loaded, "codex", ENV))
    assert told.options["command"] in (("codex", "exec", "-"), ("codex.cmd",))
    named = {"PLAIN": "ä team-0123456789", "MY_TOKEN": "team-0123456789", "OPTIONAL": ""}
    assert named.items() <= told.options["env"].items()
    assert {"json": "$.result", "jsonl": None}.items() <= told.options["output"].items()
    assert told.options["limits"] == {"quota": ("usage limit",), "rate": (), "auth": ()}
    assert "team-0123456789" not in repr(told)
    codex = loaded.settings.providers["codex"]
    assert isinstance(codex, CommandSettings)
    assert on_platform(codex, "linux")["install"] == "apt install codex"
    assert on_platform(codex, "win32")["command"] == ("codex.cmd",)
    assert on_platform(codex, "darwin")["command"] == ("codex", "exec", "-")


def test_the_defaults_convert_too() -> None:
    loaded = load_settings(None, {})
    assert convert.provider_rules(loaded)["cloud"].disabled == "no key: set OLLAMA_API_KEY"
    assert len(convert.lanes(loaded)) == 7
    assert convert.endpoint(loaded, "cloud", resolve_secrets(loaded, "cloud", {})).key is None


def test_local_only_gives_no_key_to_who_is_not_on_loopback_and_runs_no_command_for_it(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = f"""\
providers:
  far: {{kind: openai, api_key: '$(touch {ran})'}}
  near: {{kind: ollama, base_url: "http://127.0.0.1:9", api_key: "near-0123456789"}}
  tool: {{kind: command, command: [tool]}}
privacy: {{network: local-only}}
"""
    file = tmp_path / "llmdesk.yaml"
    file.write_text(text)
    file.chmod(0o600)
    loaded = load_settings(file, ENV)
    for name in ("far", "cloud", "tool"):
        with pytest.raises(SetupBroken, match=f"{name}: not asked, because privacy.network is local-only"):
            resolve_secrets(loaded, name, ENV)
    assert not ran.exists()
    assert resolve_secrets(loaded, "near", ENV).key == "near-0123456789"


def test_an_escaped_dollar_runs_nothing_and_is_no_key() -> None:
    told = credentials._variable(
        "GREETING", Secret("grüße $$(x)"), {}, provider="tool", stop=None, withheld=frozenset()
    )
    assert told == "grüße $(x)"
