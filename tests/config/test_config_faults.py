"""What is wrong with a configuration is said all at once, with its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llmdesk.config.loader import load_settings, validate
from llmdesk.config.provider_settings import KIND_MODELS
from llmdesk.core.errors import ConfigurationError
from llmdesk.core.lanes import DEFAULT_LANES

if TYPE_CHECKING:
    from pathlib import Path

LANES = "chat, a, b, codegen, repair, critic, planner, clarifier, reviewer"
KEYS = {"OLLAMA_API_KEY": "olk-0123456789", "OPENAI_API_KEY": "sk-0123456789"}


def write(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    file = folder / "llmdesk.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return file


def faults(folder: Path, text: str | bytes, mode: int = 0o600, env: dict[str, str] | None = None) -> list[str]:
    """The faults of a file, without its path: ``line:column: message``."""
    file = write(folder, text, mode)
    found = validate(file, KEYS if env is None else env)
    assert all(line.startswith(f"{file}:") and "\n" not in line for line in found)
    return [line.removeprefix(f"{file}:") for line in found]


def test_every_fault_of_a_file_is_reported_at_once_with_line_and_column(tmp_path: Path) -> None:
    text = """\
version: 1
default_lane: chatt
providers:
  cloud: {kind: ollama, retry: {attempts: 0, dely_s: 2}}
  openai: {kind: openai, bas_url: x, rate_limit: {parallel: 1.5}}
  team: {kind: openai, base_url: "http://gpu.lan/v1"}
  x: {kind: opanai}
  y: {base_url: q}
  codex: {kind: command, command: codex exec, timeouts: {idle_s: 5m}}
lanes:
  chat: {targets: [cloud/a, lokal/largest, "lane:codgen"], failover: aut}
  a: {targets: ["lane:b"]}
  b: {targets: ["lane:a"], system: nope.md}
  chat: {}
budgets:
  - {scope: day, limit_usd: .nan}
  - {scope: day, limit_usd: -1, lane: nix}
  - {scope: day}
"""
    assert faults(tmp_path, text) == [
        "2:15: default_lane: there is no lane 'chatt'; did you mean 'chat'?",
        "4:43: providers.cloud.retry.attempts: must be at least 1",
        "4:46: providers.cloud.retry.dely_s: unknown key 'dely_s'; did you mean 'delay_s'?",
        "5:26: providers.openai.bas_url: unknown key 'bas_url'; did you mean 'base_url'?",
        "5:61: providers.openai.rate_limit.parallel: must be a whole number",
        "6:34: providers.team.base_url: plain http:// to another machine needs allow_http: true",
        "7:13: providers.x.kind: unknown kind 'opanai'; did you mean 'openai'?",
        f"8:3: providers.y: 'kind' is missing; one of {', '.join(KIND_MODELS)}",
        '9:35: providers.codex.command: must be a list of words: ["program", "argument"]; there is no shell',
        "9:66: providers.codex.timeouts.idle_s: must be a number of seconds, without a unit or quotes",
        "11:29: lanes.chat.targets[1]: there is no provider 'lokal'; did you mean 'local'?",
        "11:44: lanes.chat.targets[2]: there is no lane 'codgen'; did you mean 'codegen'?",
        "11:70: lanes.chat.failover: must be one of auto, ask, never; did you mean 'auto'?",
        "13:17: lanes.b.targets[0]: lanes in a circle: a -> b -> a",
        f"13:36: lanes.b.system: {tmp_path}/nope.md cannot be read: No such file or directory",
        "14:3: duplicate key 'chat' (first in line 11)",
        "16:29: budgets[0].limit_usd: must be a finite number of US dollars",
        "17:29: budgets[1].limit_usd: must be at least 0 US dollars",
        f"17:39: budgets[1].lane: there is no lane 'nix'; known are {LANES}",
        "18:5: budgets[2]: must have exactly one of limit_usd and limit_tokens",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # form
        ("- a\n", "1:1: a configuration is a mapping (key: value)"),
        ("just words\n", "1:1: a configuration is a mapping (key: value)"),
        ("ui: 3\n", "1:5: ui: must be a mapping (key: value)"),
        ("budgets: {a: 1}\n", "1:10: budgets: must be a list"),
        ("providers: []\n", "1:12: providers: must be a mapping (key: value)"),
        ("lanes: {chat: 3}\n", "1:15: lanes.chat: must be a mapping (key: value)"),
        ("lanes: {chat: {targets: cloud/x}}\n", "1:25: lanes.chat.targets: must be a list"),
        ("lanes: {chat: {targets: []}}\n", "1:25: lanes.chat.targets: must not be empty"),
        ("lanes: {'a b': {}}\n", "1:9: lanes.a b: a name is made of letters, digits"),
        ("version: 2\n", "1:10: version: this version of llmdesk reads version 1"),
        ("colour: red\n", "1:1: colour: unknown key 'colour'; known are version, default_lane"),
        ("uii: {}\n", "1:1: uii: unknown key 'uii'; did you mean 'ui'?"),
        ("ui: {thme: x}\n", "1:6: ui.thme: unknown key 'thme'; did you mean 'theme'?"),
        ("ui:\n  schema_file: x\n", "2:3: ui.schema_file: unknown key"),
        ("lanes: {chat: {schema_file: x}}\n", "1:16: lanes.chat.schema_file: unknown key 'schema_file'"),
        (
            "lanes: {chat: {params: {temprature: 1}}}\n",
            "1:25: lanes.chat.params.temprature: unknown key 'temprature'; did",
        ),
        (
            "routing: {small_prompt: {below: 4, prefer: [local/x]}}\n",
            "1:11: routing.small_prompt: 'below_tokens' is missing",
        ),
        # numbers
        (
            "telemetry: {retention_days: yes}\n",
            "1:29: telemetry.retention_days: must be a whole number of days, without",
        ),
        ("telemetry: {retention_days: true}\n", "1:29: telemetry.retention_days: must be a whole number of days"),
        (
            "telemetry: {retention_days: 0123}\n",
            "1:29: telemetry.retention_days: must be a whole number of days, without",
        ),
        ("telemetry: {retention_days: 0}\n", "1:29: telemetry.retention_days: must be at least 1 day"),
        (
            "providers: {local: {kind: ollama, cooldown_s: 10m}}\n",
            "1:47: providers.local.cooldown_s: must be a number of seconds",
        ),
        (
            "providers: {local: {kind: ollama, cooldown_s: -1}}\n",
            "1:47: providers.local.cooldown_s: must be at least 0 seconds",
        ),
        (
            "providers: {local: {kind: ollama, cooldown_s: .inf}}\n",
            "1:47: providers.local.cooldown_s: must be a finite number",
        ),
        (
            "providers: {local: {kind: ollama, timeouts: {connect_s: 5000}}}\n",
            "1:57: providers.local.timeouts.connect_s: must be at most 600 seconds",
        ),
        (
            "providers: {local: {kind: ollama, timeouts: {idle_ms: 5}}}\n",
            "1:46: providers.local.timeouts.idle_ms: unknown key 'idle_ms'; did you mean 'idle_s'?",
        ),
        ("lanes: {chat: {params: {temperature: 12:30}}}\n", "1:38: lanes.chat.params.temperature: must be a number"),
        (
            "lanes: {chat: {params: {seed: " + "9" * 5000 + "}}}\n",
            "1:31: lanes.chat.params.seed: must be a whole number",
        ),
        ("lanes: {chat: {params: {keep_alive: .nan}}}\n", "1:37: lanes.chat.params.keep_alive: must be a duration"),
        (
            "models: {local/x: {price: {input_usd_per_mtok: -1, output_usd_per_mtok: 1}}}\n",
            "1:48: models.local/x.price.input_usd_per_mtok: must be at least 0",
        ),
        (
            "budgets: [{scope: day, limit_usd: '2'}]\n",
            "1:35: budgets[0].limit_usd: must be a number of US dollars, without a unit or quotes",
        ),
        ("budgets: [{scope: day, limit_usd: true}]\n", "1:35: budgets[0].limit_usd: must be a number of US dollars"),
        (
            "budgets: [{scope: week, limit_usd: 2}]\n",
            "1:19: budgets[0].scope: must be one of request, conversation, job, day, month",
        ),
        (
            "budgets: [{scope: day, limit_usd: 2, kind: soft, when_exhausted: free}]\n",
            "1:66: budgets[0].when_exhausted: free is for hard budgets",
        ),
        (
            "models: {local/x: {price: 3}}\n",
            "1:27: models.local/x.price: must be 0 (it costs nothing) or {input_usd_per_mtok: ...,",
        ),
        ("models: {local/x: {price: free}}\n", "1:27: models.local/x.price: must be 0 (it costs nothing) or {"),
        ("budgets: [{scope: day, limit_tokens: 0}]\n", "1:38: budgets[0].limit_tokens: must be at least 1 token"),
        ("budgets: [{scope: day, limit_usd: 2, limit_tokens: 2}]\n", "1:11: budgets[0]: must have exactly one of"),
        (
            "budgets: [{scope: day, limit_tokens: 2, when_exhausted: free}]\n",
            "1:11: budgets[0]: when_exhausted: free needs limit_usd",
        ),
        ("budgets: [{scope: day, limit_usd: 2, warn_at: 80}]\n", "1:47: budgets[0].warn_at: must be at most 1"),
        # providers
        (
            "providers: {a: {kind: ollama, preset: x}}\n",
            "1:31: providers.a.preset: unknown key 'preset' for kind ollama; kinds openai and command have it",
        ),
        (
            "providers: {a: {kind: openai, preset: github}}\n",
            "1:39: providers.a.preset: unknown preset 'github'; did you mean 'github-models'?",
        ),
        (
            "providers: {a: {kind: openai, base_url: 'ftp://x'}}\n",
            "1:41: providers.a.base_url: must be an address like https://host/path",
        ),
        (
            "providers: {a: {kind: openai, base_url: 'https://u:p@x'}}\n",
            "1:41: providers.a.base_url: must hold no user name or password",
        ),
        (
            "providers: {a: {kind: openai, base_url: 'https://x?key=1'}}\n",
            "1:41: providers.a.base_url: must end with the path",
        ),
        (
            "providers: {a: {kind: openai, base_url: https://x.test/v1/chat/completions/}}\n",
            "1:41: providers.a.base_url: must not end with the path of a call (/chat/completions): llmdesk adds it",
        ),
        (
            "providers: {a: {kind: google, base_url: https://x.test/v1/messages}}\n",
            "1:41: providers.a.base_url: must not end with the path of a call (/v1/messages): llmdesk adds it",
        ),
        (
            "providers: {a: {kind: openai, base_url: 'https://x:99999'}}\n",
            "1:41: providers.a.base_url: must have a port",
        ),
        (
            "providers: {a: {kind: openai, base_url: 'http://10.0.0.5/v1'}}\n",
            "1:41: providers.a.base_url: plain http://",
        ),
        ("providers: {a: {kind: openai, api_key: 5}}\n", "1:40: providers.a.api_key: must be text"),
        ("providers: {a: {kind: openai, api_key: '${A'}}\n", "1:40: providers.a.api_key: '${A' is not closed"),
        ("providers: {a: {kind: openai, api_key: 'käse'}}\n", "1:40: providers.a.api_key: holds characters no key has"),
        ("providers: {a: {kind: command}}\n", "1:13: providers.a: 'command' is missing"),
        ("providers: {a: {kind: command, command: []}}\n", "1:41: providers.a.command: must not be empty"),
        (
            "providers: {a: {kind: command, command: [x, '{promt}']}}\n",
            "1:41: providers.a.command: unknown placeholder {promt}",
        ),
        (
            "providers: {a: {kind: command, command: [x], output: xml}}\n",
            "1:54: providers.a.output: must be text, {json:",
        ),
        (
            "providers: {a: {kind: command, command: [x], output: {json: r}}}\n",
            "1:61: providers.a.output.json: must be a path that begins with $",
        ),
        (
            "providers: {a: {kind: command, command: [x], platforms: {beos: {}}}}\n",
            "1:58: providers.a.platforms.beos: must be one of linux, macos, windows",
        ),
        (
            "providers: {a: {kind: command, command: [x], base_url: y}}\n",
            "1:46: providers.a.base_url: unknown key 'base_url' for kind command",
        ),
        # references
        (
            "providers: {a: {kind: command, command: [x], models: {fast: m}}}\nlanes: {chat: {targets: [a/fst]}}\n",
            "2:26: lanes.chat.targets[0]: a has no model 'fst'; did you mean 'fast'?",
        ),
        (
            "providers: {a: {kind: command, command: [x], models: {fast: m}, default_model: z}}\n",
            "1:80: providers.a.default_model: a has no model 'z'",
        ),
        ("lanes: {chat: {targets: [gpt-5]}}\n", "1:26: lanes.chat.targets[0]: 'gpt-5' is not a model ref"),
        ("lanes: {chat: {targets: ['lane:chat']}}\n", "1:26: lanes.chat.targets[0]: lanes in a circle: chat -> chat"),
        (
            "lanes: {codegen: null}\nagents: {dev: {lane: codegen}}\n",
            "2:22: agents.dev.lane: there is no lane 'codegen'",
        ),
        ("models: {opnai/x: {price: 0}}\n", "1:10: models.opnai/x: there is no provider 'opnai'"),
        (
            "providers: {local: {kind: ollama, models: {fast: m}}}\nmodels: {local/m: {}, local/fast: {price: 0}}\n",
            "2:23: models.local/fast: this is local/m, of which 'local/m' speaks already",
        ),
        ("budgets: [{scope: day, limit_usd: 1, agent: dev}]\n", "1:45: budgets[0].agent: there is no agent 'dev'"),
        (
            "budgets: [{scope: day, limit_usd: 1, provider: clod}]\n",
            "1:48: budgets[0].provider: there is no provider 'clod'; did you mean 'cloud'?",
        ),
        (
            "routing: {small_prompt: {below_tokens: 4, prefer: [lcal/x]}}\n",
            "1:52: routing.small_prompt.prefer[0]: there is no provider 'lcal'; did you mean 'local'?",
        ),
        (
            "lanes: {" + ", ".join(f"{name}: null" for name in DEFAULT_LANES) + "}\n",
            "1:1: lanes: no lane is left",
        ),
        # templates and files
        ("ui: {theme: '${THEME}'}\n", "1:13: ui.theme: $THEME is not set, and there is no default (${THEME:-default})"),
        ("ui: {theme: '$(date)'}\n", "1:13: ui.theme: $(command) works for api_key, headers and env only"),
        ("ui: {theme: ${THEME}}\n", "1:14: inside { } or [ ] a ${...} must be in quotes"),
        ("lanes: {chat: {schema: bad.json}}\n", "1:24: lanes.chat.schema: not JSON: Expecting"),
        ("lanes: {chat: {schema: list.json}}\n", "1:24: lanes.chat.schema: a JSON Schema is an object"),
        ("lanes: {chat: {system: binary}}\n", "1:24: lanes.chat.system: "),
        # the short form
        ("provider: olama\nmodel: x\n", "1:11: provider: unknown provider; did you mean 'ollama'?"),
        ("provider: openai\n", "1:1: provider: 'model' is missing"),
        (
            "provider: openai\nmodel: x\nproviders: {}\n",
            "1:1: provider: write either provider: or providers:, not both",
        ),
    ],
)
def test_one_fault_is_said_in_one_line_where_it_stands(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    found = faults(tmp_path, text)
    assert any(line.startswith(fault) for line in found), found


def test_a_missing_name_is_reported_once_and_alone(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "lanes: {chat: {targets: [nobody/x]}}\n")) == 1


def test_a_circle_of_three_lanes_is_listed(tmp_path: Path) -> None:
    text = "lanes: {a: {targets: ['lane:b']}, b: {targets: [local/x, 'lane:c']}, c: {targets: ['lane:a']}}"
    assert faults(tmp_path, text) == ["1:84: lanes.c.targets[0]: lanes in a circle: a -> b -> c -> a"]


def test_a_long_chain_of_lanes_is_no_circle(tmp_path: Path) -> None:
    chain = [f"  l{n}: {{targets: ['lane:l{n + 1}']}}" for n in range(800)]
    assert faults(tmp_path, "\n".join(["lanes:", *chain, "  l800: {targets: [local/x]}"])) == []


def test_what_is_no_text_file_is_one_line(tmp_path: Path) -> None:
    assert faults(tmp_path, b"a: 1\nb: \xff\n") == ["2:4: not UTF-8; save the file in that encoding"]
    assert faults(tmp_path, "a: 1\n".encode("utf-16"))[0].startswith("1:1: not UTF-8")
    assert faults(tmp_path, b"#" * (1024 * 1024 + 1)) == ["1:1: larger than 1 MiB; no configuration is"]
    assert faults(tmp_path, "[" * 100_000)[0].endswith("too deeply nested (at most 50 levels)")


def test_a_file_that_is_not_there_is_an_error_when_it_was_named(tmp_path: Path) -> None:
    assert validate(tmp_path / "x.yaml", {}) == (f"{tmp_path}/x.yaml:1:1: cannot be read: No such file or directory",)
    assert validate(tmp_path, {}) == (f"{tmp_path}:1:1: cannot be read: Is a directory",)


def test_the_exception_holds_every_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(tmp_path, "a: 1\nb: 2\n"), {})
    assert len(caught.value.faults) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX idea")
@pytest.mark.parametrize(
    ("mode", "text", "fault"),
    [
        (
            0o644,
            "providers: {a: {kind: openai, api_key: sk-literal-canary}}",
            "1:40: providers.a.api_key: a secret written out",
        ),
        (
            0o640,
            "providers: {a: {kind: openai, api_key: '${X:-sk-literal-canary}'}}",
            "1:40: providers.a.api_key: a secret",
        ),
        (
            0o644,
            "providers: {a: {kind: openai, headers: {x-api-key: sk-literal-canary}}}",
            "1:52: providers.a.headers.x-api-key: a",
        ),
        (
            0o644,
            "providers: {a: {kind: command, command: [x], env: {A_TOKEN: sk-literal-canary}}}",
            "1:61: providers.a.env.A_TOKEN: a",
        ),
        (
            0o666,
            "providers: {a: {kind: command, command: [x]}}",
            "1:23: providers.a.kind: refused, because others can change",
        ),
        (
            0o620,
            "providers: {a: {kind: command, command: [x]}}",
            "1:23: providers.a.kind: refused, because others can change",
        ),
        (
            0o664,
            "providers: {a: {kind: openai, api_key: '$(pass x)'}}",
            "1:40: providers.a.api_key: refused, because others",
        ),
    ],
)
def test_a_file_open_to_others_holds_no_secret_and_names_no_program(
    tmp_path: Path, mode: int, text: str, fault: str
) -> None:
    (found,) = faults(tmp_path, text, mode)
    assert found.startswith(fault)
    assert f"{mode:04o}" in found
    assert "canary" not in found
    assert faults(tmp_path, text, 0o600) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX idea")
def test_a_file_others_may_only_read_can_use_templates_and_programs(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: command, command: [x], env: {HOME: /tmp}}
  b: {kind: openai, base_url: https://x, api_key: "$(pass x)", headers: {Authorization: "Bearer ${OPENAI_API_KEY}"}}
"""
    assert faults(tmp_path, text, 0o644) == []


def test_no_message_holds_a_secret(tmp_path: Path) -> None:
    text = """\
providers:
  a: {kind: openai, api_key: sk-canary-Ä, retry: sk-canary,
      organization: [sk-canary], base_url: "https://sk-canary@x"}
"""
    assert len(faults(tmp_path, text)) == 4
    assert not any("canary" in line for line in faults(tmp_path, text))


def test_a_wrong_setting_of_the_environment_is_named_as_such() -> None:
    env = {"LLMDESK_RECORD": "everything", "LLMDESK_LANE": "chta"}
    assert set(validate(None, env)) == {
        "$LLMDESK_LANE: there is no lane 'chta'; did you mean 'chat'?",
        "$LLMDESK_RECORD: must be one of full, metadata, off-record",
    }
