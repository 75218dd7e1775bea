"""Command-line tools as a user meets them: added by YAML alone, asked by the real program, ended with it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.providers.command.signals import is_alive
from tests.support.exec_world import exec_world
from tests.support.slowness import PATIENCE_S, allowed
from tests.support.tool_box import tool_box
from tests.support.tool_play import HOLD, Play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.exec_world import ExecWorld
    from tests.support.tool_play import Step

LONG = "Hello there. " * 10


@pytest.fixture
def world(tmp_path: Path) -> ExecWorld:
    (tmp_path / "tmp").mkdir()
    path = tool_box(tmp_path / "bin", "claude", "codex", "llm")
    return exec_world(tmp_path / "home", PATH=path, TMPDIR=str(tmp_path / "tmp"), OLLAMA_API_KEY="")


def configure(world: ExecWorld, targets: list[str], **providers: dict[str, Any]) -> None:
    lines = ["version: 1", "providers:", "  cloud: null", "  local: null"]
    lines += [f"  {name}: {json.dumps(told)}" for name, told in providers.items()]
    world.configure("\n".join([*lines, "lanes:", f"  chat: {{targets: {json.dumps(targets)}}}"]) + "\n")
    (world.home / "config" / "llmdesk.yaml").chmod(0o600)


def played(folder: Path, *steps: Step, **more: Any) -> tuple[Play, dict[str, Any]]:
    """A program that plays a script, and the settings of a provider that runs it."""
    folder.mkdir(exist_ok=True)
    play = Play(folder=folder)
    play.script(*steps)
    return play, {"kind": "command", "command": play.words(), "retry": {"attempts": 1}, **more}


def wait_for(condition: Callable[[], object], limit_s: float = PATIENCE_S) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_tool_nobody_here_knows_is_added_by_yaml_alone_and_answers(world: ExecWorld, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "parrot"
    said = "{'said': [{'text': sys.argv[1] + ': ' + sys.stdin.read()}], 'in': 2, 'out': 3}"
    code = f"import json, sys; print(json.dumps({said}))"
    tool.write_text(f"#!{sys.executable} -IS\n{code}\n")
    tool.chmod(0o755)
    file = world.home / "config" / "llmdesk.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        """
providers:
  parrot:
    kind: command
    command: [parrot, "{model}"]
    output: {json: "$.said[0].text", usage: {input_tokens: $.in, output_tokens: $.out}}
    models: {grey: african-grey}
lanes:
  chat: {targets: [parrot/grey]}
"""
    )
    file.chmod(0o600)
    ran = world.run("exec", "--json", "Say {model}.")
    assert ran.code == 0, ran.err
    answer = ran.answer
    assert answer["text"] == "african-grey: Say {model}."
    assert (answer["provider"], answer["model"], answer["cost_usd"]) == ("parrot", "african-grey", "0")
    assert answer["usage"] == {"input_tokens": 2, "output_tokens": 3, "estimated": False}
    assert world.run("exec", "Hi.").out.strip() == "african-grey: Hi."


@pytest.mark.parametrize("preset", ["claude", "codex", "llm"])
def test_a_ready_definition_takes_one_line(world: ExecWorld, preset: str) -> None:
    configure(world, [f"{preset}/big"], **{preset: {"kind": "command", "preset": preset}})
    ran = world.run("exec", "--json", "Say it.")
    assert ran.code == 0, ran.err
    assert ran.answer["text"].rstrip().endswith(": Say it.")
    assert ran.answer["usage"]["estimated"] == (preset == "llm")


def test_a_tool_at_its_limit_cools_down_and_the_next_one_answers(world: ExecWorld, tmp_path: Path) -> None:
    _, spare = played(tmp_path / "spare", {"out": "From the spare one."})
    configure(world, ["codex/m", "spare/m"], codex={"kind": "command", "preset": "codex"}, spare=spare)
    ran = world.run("exec", "--json", "quota")
    assert ran.code == 0, ran.err
    answer = ran.answer
    assert answer["text"] == "From the spare one."
    assert [attempt["error_kind"] for attempt in answer["attempts"]] == ["quota", None]
    assert answer["failovers"] == [{"from": "codex/m", "to": "spare/m", "reason": "quota"}]
    cooldown = json.loads(world.state.read_text())["cooldowns"]["codex"]
    assert cooldown["duration_s"] > 3600
    again = world.run("exec", "--json", "Say it.").answer
    assert [attempt["outcome"] for attempt in again["attempts"]][-1] == "completed"
    assert again["text"] == "From the spare one."


def test_a_missing_program_pauses_the_request_and_says_how_to_get_it(world: ExecWorld) -> None:
    told = {"kind": "command", "command": ["no-such-tool"], "install": "apt install it"}
    configure(world, ["gone/m"], gone=told)
    ran = world.run("exec", "Hi.")
    assert ran.code == 5
    assert "no-such-tool is not on the PATH. Install it: apt install it" in ran.err


def test_checking_a_tool_finds_it_and_runs_nothing(world: ExecWorld, tmp_path: Path) -> None:
    play, told = played(tmp_path / "play", {"out": "x"})
    configure(world, ["tool/m"], tool=told)
    ran = world.run("providers", "check", "--json")
    (line,) = [json.loads(line) for line in ran.out.splitlines() if '"tool"' in line]
    assert line["status"] == "ok"
    assert sys.executable in line["message"]
    assert play.seen() == []


def test_no_key_of_ours_reaches_a_tool_or_any_output(world: ExecWorld, tmp_path: Path) -> None:
    keys = {
        name: f"sk-canary-{name.lower()}-0123456789" for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "NAMED_KEY")
    }
    world = exec_world(world.home, **{**world.environment, **keys, "CLAUDECODE": "1"})
    steps: tuple[Step, ...] = ({"err": f"my key is {keys['NAMED_KEY']}\n"}, {"exit": 1})
    play, told = played(tmp_path / "play", *steps, env={"TOOL_KEY": "${NAMED_KEY}"})
    configure(world, ["tool/m"], tool=told)
    ran = world.run("exec", "--json", "Hi.")
    seen = play.once().env
    assert seen["TOOL_KEY"] == keys["NAMED_KEY"]
    assert not {*keys, "CLAUDECODE", "LLMDESK_HOME"} & seen.keys()
    everything = ran.out + ran.err + world.run("outbox", "list", "--json").out
    everything += "".join(path.read_bytes().decode("latin-1") for path in world.home.rglob("*") if path.is_file())
    for value in keys.values():
        assert value not in everything


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_no_tool_outlives_llmdesk_when_it_is_asked_to_end(
    world: ExecWorld, tmp_path: Path, number: signal.Signals
) -> None:
    play, told = played(tmp_path / "play", {"ignore": "SIGTERM"}, {"child": "stubborn"}, {"out": LONG}, HOLD)
    configure(world, ["tool/m"], tool=told)
    with world.start("exec", "Hi.") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
    wait_for(play.nothing_runs, allowed(1.0))
    assert list((world.home / "state" / "groups").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_llmdesk_left_is_ended_at_the_next_start(world: ExecWorld, tmp_path: Path) -> None:
    play, told = played(tmp_path / "play", {"child": ""}, {"out": LONG}, HOLD)
    configure(world, ["tool/m"], tool=told)
    with world.start("exec", "Hi.") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.kill()
        process.communicate(timeout=PATIENCE_S)
    group = play.once().group
    try:
        assert is_alive(group)
        assert len(list((tmp_path / "tmp").glob("llmdesk-run-*"))) == 1
        world.run("outbox", "list")
        wait_for(play.nothing_runs)
        assert list((world.home / "state" / "groups").iterdir()) == []
        assert list((tmp_path / "tmp").glob("llmdesk-run-*")) == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def test_a_second_llmdesk_leaves_the_tools_of_the_first_alone(world: ExecWorld, tmp_path: Path) -> None:
    play, told = played(tmp_path / "play", {"out": LONG}, {"pause": 1.5}, {"out": "The end.\n"})
    configure(world, ["tool/m"], tool=told)
    with world.start("exec", "Hi.") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        assert world.run("outbox", "list").code == 0
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert out.endswith(b"The end.")
    assert process.returncode == 0
    assert play.nothing_runs()


def test_a_prompt_with_a_nul_is_answered_and_the_user_is_told(world: ExecWorld, tmp_path: Path) -> None:
    play, told = played(tmp_path / "play", {"out": "ok"})
    told = {**told, "command": [*told["command"], "--", "{prompt}"], "stdin": ""}
    configure(world, ["tool/m"], tool=told)
    ran = world.run("exec", "--json", "-", stdin="a\0b --yolo '; id")
    assert ran.code == 0, ran.err
    assert play.once().argv[-1] == "ab --yolo '; id"
    assert any("NUL" in warning for warning in ran.answer["warnings"])
