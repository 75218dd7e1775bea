"""Settings of kind command: what is refused at load, what a preset brings, what the program's environment is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.config.command_options import inherited
from llmdesk.config.command_settings import PLACEHOLDERS
from llmdesk.config.convert import endpoint
from llmdesk.config.credentials import resolve_secrets
from llmdesk.config.loader import load_settings, validate
from llmdesk.config.show import show
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "llmdesk.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def load(folder: Path, provider: str, **env: str) -> Loaded:
    return load_settings(write(folder, f"providers:\n  t: {provider}\nlanes:\n  chat: {{targets: [t/m]}}\n"), env)


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        ("{kind: command, command: [x, '{prompt}']}", "command: {prompt} on a command line needs the word --"),
        ("{kind: command, command: [x, '-p={prompt:json}']}", "command: {prompt} on a command line needs"),
        ("{kind: command, command: [x, ['--', '{model}'], '{prompt}']}", "command: {prompt} on a command line needs"),
        ("{kind: command, command: ['{prompt}', '--']}", "command: {prompt} on a command line needs"),
        ("{kind: command, command: [[x]]}", "command: the first word is the program"),
        ("{kind: command, command: ['']}", "command: the first word is the program"),
        ("{kind: command, command: [x, '{file:foo}']}", "command: unknown placeholder {file:foo}; known are {prompt}"),
        ("{kind: command, command: [x, ['{modl}']]}", "command: unknown placeholder {modl}"),
        ("{kind: command, command: [x], stdin: '{promt}'}", "stdin: unknown placeholder {promt}"),
        ("{kind: command, command: [x, 5]}", "command[1]: must be text; put it in quotes if it is"),
        ("{kind: command, command: [x, [5]]}", "command[1][0]: must be text; put it in quotes if it is"),
        ("{kind: command, command: [x, []]}", "command[1]: must not be empty"),
        ("{kind: command, command: [x], output: {json: $.a, jsonl: $.b}}", "output: must have one of json and jsonl"),
        ("{kind: command, command: [x], output: {error: $.a}}", "output: must have one of json and jsonl"),
        ("{kind: command, command: [x], output: {json: a.b}}", "output.json: must be a path that begins with $"),
        ("{kind: command, command: [x], output: {json: [$.a, $..b]}}", "output.json: '..b' is not understood"),
        ("{kind: command, command: [x], output: {json: $.a, usage: {tokens: $.b}}}",
         "output.usage.tokens: unknown key 'tokens'"),
        ("{kind: command, command: [x], output: {json: $.a, keep: first}}", "output.keep: must be one of all, last"),
        ("{kind: command, preset: claud}", "preset: unknown preset 'claud'; did you mean 'claude'?"),
        ("{kind: command, command: [x], stdin: ''}", "providers.t: the prompt stands nowhere"),
        ("{kind: command, command: [x], models: {fast: f}}", "targets[0]: t has no model 'm'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_stands(tmp_path: Path, provider: str, fault: str) -> None:
    text = f"providers:\n  t: {provider}\nlanes:\n  chat: {{targets: [t/m]}}\n"
    found = validate(write(tmp_path, text), {})
    assert len(found) == 1, found
    assert fault in found[0]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("provider", ["{kind: command, command: [x]}", "{kind: command, preset: codex}"])
def test_a_file_that_others_can_change_names_no_programs(tmp_path: Path, mode: int, provider: str) -> None:
    found = validate(write(tmp_path, f"providers: {{t: {provider}}}\n", mode), {})
    assert len(found) == 1
    assert "refused, because others can change this file" in found[0]


@pytest.mark.parametrize(
    "words",
    [
        "command: [x, '${MY_KEY}']",
        "command: [x, [--key, '${MY_KEY}']]",
        "command: [x, '--key=${OTHER:-${MY_KEY}}']",
        "command: [x], platforms: {linux: {command: [y, '${MY_KEY}']}}",
    ],
)
def test_no_key_goes_on_a_command_line(tmp_path: Path, words: str) -> None:
    found = validate(write(tmp_path, f"providers:\n  t: {{kind: command, {words}}}\n"), {"MY_KEY": "canary-value"})
    assert len(found) == 1, found
    assert "$MY_KEY on a command line is seen by everybody on this machine; name it in env instead" in found[0]
    assert "canary" not in found[0]


def test_a_key_that_stands_where_it_is_no_secret_is_not_shown(tmp_path: Path) -> None:
    provider = "{kind: command, command: [x, '${MAX_TOKENS}'], cwd: '/srv/${MY_KEY}'}"
    load(tmp_path, provider, MAX_TOKENS="4096000", MY_KEY="canary-value-9")
    assert redact("/srv/canary-value-9 4096000") == "/srv/*** 4096000"


def test_a_prompt_may_stand_behind_the_guard_and_words_may_be_empty(tmp_path: Path) -> None:
    command = '[x, --tools, "", [--model, "{model}"], ["--", "{prompt}"]]'
    told = endpoint(load(tmp_path, f"{{kind: command, command: {command}, stdin: ''}}"), "t").options
    assert told["command"] == ("x", "--tools", "", ("--model", "{model}"), ("--", "{prompt}"))
    assert told["stdin"] == ""


def test_what_stands_beside_a_preset_goes_before_it(tmp_path: Path) -> None:
    loaded = load(tmp_path, "{kind: command, preset: codex, install: ask Bob, timeouts: {idle_s: 7}}")
    told = endpoint(loaded, "t")
    assert told.options["install"] == "ask Bob"
    assert told.limits.idle_s == 7
    assert told.options["command"][:2] == ("codex", "exec")  # type: ignore[index]


def test_the_preset_that_serves_few_says_so(tmp_path: Path) -> None:
    (note,) = load(tmp_path, "{kind: command, preset: gemini}").provider_notes.values()
    assert "API keys and enterprise accounts only" in note
    assert not load(tmp_path, "{kind: command, preset: agy}").provider_notes


def test_settings_of_every_preset_are_shown_as_a_file_that_loads_again(tmp_path: Path) -> None:
    for preset in ("claude", "codex", "gemini", "agy", "llm"):
        loaded = load(tmp_path, f"{{kind: command, preset: {preset}}}")
        again = load_settings(write(tmp_path, show(loaded)), {})
        assert endpoint(again, "t").options == endpoint(loaded, "t").options


def test_a_program_sees_the_allow_list_and_what_is_named(tmp_path: Path) -> None:
    env = {
        "PATH": "/bin", "HOME": "/h", "LANG": "C", "LC_ALL": "C", "LC_TIME": "C", "TERM": "dumb", "TMPDIR": "/t",
        "USER": "u", "SHELL": "/bin/sh",
    }  # fmt: skip
    others = {"OPENAI_API_KEY": "k-0123456789", "CLAUDECODE": "1", "LD_PRELOAD": "x", "PYTHONPATH": "x", "MINE": "v"}
    loaded = load(tmp_path, '{kind: command, command: [x], env: {NAMED: "${MINE}", NONE: "${NO:-}"}}', **env, **others)
    assert resolve_secrets(loaded, "t", {**env, **others}).env == {**env, "NAMED": "v", "NONE": ""}


def test_what_the_page_about_tools_shows_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    assert len(blocks) == 2
    for block in blocks:
        assert validate(write(tmp_path, block), {"MYTOOL_KEY": "k-0123456789"}) == ()
    for placeholder in PLACEHOLDERS:
        assert f"`{placeholder}`" in page


def test_windows_programs_also_get_what_they_need_to_start() -> None:
    env = {"Path": "C:\\", "SystemRoot": "C:\\Windows", "OPENAI_API_KEY": "k"}
    assert inherited(env, "win32") == {"Path": "C:\\", "SystemRoot": "C:\\Windows"}
