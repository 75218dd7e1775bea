"""What scripts rely on in ``exec`` and its neighbours: fields and types of the JSON, exit codes, standard input."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import subprocess
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, error, model_entry, no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

Shape = dict[str, tuple[type, ...]]

NUMBER = (int, float)
USAGE: Shape = {"input_tokens": (int,), "output_tokens": (int,), "estimated": (bool,)}
ATTEMPT: Shape = {
    "number": (int,), "provider": (str,), "model": (str,), "outcome": (str,), "error_kind": (str, type(None)),
    "http_status": (int, type(None)), "message": (str,), "elapsed_s": NUMBER, "usage": (dict, type(None)),
    "cost_usd": (str, type(None)),
}  # fmt: skip
EXEC: Shape = {
    "id": (str,), "status": (str,), "text": (str,), "data": (object,), "lane": (str,), "agent": (str, type(None)),
    "job": (str, type(None)), "provider": (str, type(None)), "model": (str, type(None)),
    "finish_reason": (str, type(None)), "usage": (dict, type(None)), "cost_usd": (str, type(None)),
    "latency_s": NUMBER, "first_token_s": (*NUMBER, type(None)), "attempts": (list,), "failovers": (list,),
    "warnings": (list,), "error": (dict, type(None)),
}  # fmt: skip
OUTBOX: Shape = {
    "id": (str,), "created_at": (str,), "lane": (str,), "prompt": (str,), "attachments": (list,), "reason": (str,),
    "error_kind": (str, type(None)), "next_try_at": (str, type(None)), "attempts": (int,),
}  # fmt: skip
FAILOVER: Shape = {
    "at": (str,), "request": (str,), "lane": (str,), "agent": (str, type(None)), "from": (str,),
    "to": (str, type(None)), "reason": (str,), "message": (str,), "lost_s": NUMBER,
}  # fmt: skip
PROVIDER: Shape = {
    "provider": (str,), "kind": (str,), "status": (str,), "latency_ms": (int, type(None)),
    "models": (int, type(None)), "message": (str,), "cooldown_until": (str, type(None)),
}  # fmt: skip
STATES = {"ok", "cooling", "down", "no key", "needs attention"}
LIMIT = error(429, "you've reached your hourly usage limit")
DOWN = error(503, "down")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class World:
    """A cloud, a local server and a home with a lane for every rule of failover."""

    def __init__(self, home: Path, cloud: FaultServer, local: FaultServer) -> None:
        self.cloud = cloud
        self.local = local
        self.at = exec_world(home, OLLAMA_API_KEY="key-of-the-cloud")
        lanes = "".join(
            f"  {name}: {{targets: [cloud/gpt-oss:120b, local/largest], failover: {name}}}\n"
            for name in ("ask", "never")
        )
        agents = "agents: {dev: {lane: ask, params: {temperature: 0.25}}}\n"
        self.at.configure(
            configuration(
                provider("cloud", cloud.url, api_key="${OLLAMA_API_KEY}"),
                provider("local", local.url),
                targets=["cloud/gpt-oss:120b", "local/largest"],
            )
            + lanes
            + agents
        )

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The one object that ``exec --json`` prints, checked field by field."""
        ran = self.at.run("exec", "--json", "--quiet", *words)
        assert (ran.code, ran.out.isascii(), ran.out.count("\n")) == (code, True, 1), ran
        return checked(ran.answer)

    def lines(self, *words: str, shape: Shape) -> list[dict[str, Any]]:
        """The objects of a list, checked field by field."""
        ran = self.at.run(*words, "--json")
        assert (ran.code, ran.out.isascii()) == (0, True), ran
        rows = [json.loads(line) for line in ran.out.splitlines()]
        for row in rows:
            matches(row, shape)
        return rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    seeing = model_entry("gemma3:4b", capabilities=("completion", "vision"))
    with FaultServer.in_thread() as cloud, FaultServer.in_thread(models=[seeing]) as local:
        yield World(tmp_path / "home", cloud, local)


def matches(value: dict[str, Any], shape: Shape) -> None:
    assert list(value) == list(shape)
    for name, types in shape.items():
        assert isinstance(value[name], types), (name, value[name])
        assert isinstance(value[name], bool) is (types == (bool,)) or types == (object,), name


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    matches(answer, EXEC)
    for spent in (answer, *answer["attempts"]):
        if spent["usage"] is not None:
            matches(spent["usage"], USAGE)
        if spent["cost_usd"] is not None:
            assert str(Decimal(spent["cost_usd"])) == spent["cost_usd"]
    for attempt in answer["attempts"]:
        matches(attempt, ATTEMPT)
    for step in answer["failovers"]:
        matches(step, {"from": (str,), "to": (str,), "reason": (str,)})
    assert (answer["error"] is None) == (answer["status"] == "completed")
    if answer["error"] is not None:
        missed: Shape = {"violations": (list,)} if answer["error"]["kind"] == "schema" else {}
        matches(answer["error"], {"kind": (str,), "message": (str,), **missed})
    return answer


def has_offset(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None and re.search(r"[+-]\d\d:\d\d$", text) is not None


def test_every_json_object_has_exactly_the_promised_fields(world: World) -> None:
    world.cloud.play("/api/chat", chat_answer("Grüße 日本 \x1b[31m \u202e"))
    whole = world.json("hällo\u2028")
    assert (whole["status"], whole["provider"], whole["model"]) == ("completed", "cloud", "gpt-oss:120b")
    assert (whole["text"], whole["cost_usd"], whole["error"]) == ("Grüße 日本 \x1b[31m \u202e", "0", None)

    world.cloud.play("/api/chat", LIMIT)
    over = world.json("hi", "--agent", "dev", "--job", "j1", "--lane", "chat")
    assert (over["agent"], over["job"], over["lane"]) == ("dev", "j1", "chat")
    assert over["failovers"] == [{"from": "cloud/gpt-oss:120b", "to": "local/gemma3:4b", "reason": "rate"}]
    assert over["attempts"][0]["http_status"] == 429

    world.local.always("/api/chat", DOWN)
    paused = world.json("wait", code=5)
    assert (paused["status"], paused["error"]["kind"], paused["usage"]) == ("paused", "server", None)
    assert [a["outcome"] for a in paused["attempts"]] == ["skipped", "failed", "failed", "failed"]
    world.local.always("/api/chat", error(400, "bad option"))
    assert world.json("wrong", code=1)["error"]["kind"] == "request"

    (kept,) = world.lines("outbox", "list", shape=OUTBOX)
    assert (kept["id"], kept["prompt"], kept["error_kind"]) == (paused["id"], "wait", "server")
    assert has_offset(kept["created_at"])
    assert has_offset(kept["next_try_at"])
    seams = world.lines("failovers", "--since", "1h", shape=FAILOVER)
    assert {(row["reason"], row["agent"]) for row in seams} == {("cooling", None), ("rate", "dev")}
    assert all(has_offset(row["at"]) for row in seams)
    cloud, local = world.lines("providers", "check", shape=PROVIDER)
    assert (cloud["status"], local["status"], local["models"]) == ("cooling", "ok", 1)
    assert has_offset(cloud["cooldown_until"])
    assert {cloud["status"], local["status"]} <= STATES


def test_common_options_count_before_and_after_the_command(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(configuration(provider("zeta", world.local.url), targets=["zeta/gemma3:4b"]))
    for words in (
        ["--config", str(other), "--json", "--quiet", "exec", "hi"],
        ["exec", "--config", str(other), "--quiet", "hi", "--json"],
    ):
        ran = world.at.run(*words)
        assert (ran.answer["provider"], ran.err) == ("zeta", "")
    assert world.at.run("exec", "hi", "--config", str(tmp_path / "none.yaml")).code == 2
    told = world.at.run("--verbose", "exec", "hi").err
    assert "accepted: " in told
    assert "done: cloud/gpt-oss:120b" in told


def test_everything_an_option_says_reaches_the_server(world: World, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note")
    (tmp_path / "dot.png").write_bytes(PIXEL)
    (tmp_path / "system.md").write_text("Be brief.")
    world.json(
        "look", "--model", "local/gemma3:4b", "--system", f"@{tmp_path / 'system.md'}", "--file",
        str(tmp_path / "note.txt"), "--file", str(tmp_path / "dot.png"), "--params", "temperature=0.5", "--params",
        "reasoning=off", "--params", "extra.mirostat=2", "--seed", "7", "--max-tokens", "99",
    )  # fmt: skip
    sent = world.local.seen("/api/chat")[-1].json
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    assert sent["messages"][0]["content"] == "Be brief."
    assert "a note" in sent["messages"][1]["content"]
    assert sent["messages"][1]["images"] == [base64.b64encode(PIXEL).decode()]
    options = sent["options"]
    assert (options["temperature"], options["seed"], options["num_predict"], options["mirostat"]) == (0.5, 7, 99, 2)
    assert sent["think"] is False
    world.json("hi", "--agent", "dev")
    assert world.cloud.seen("/api/chat")[-1].json["options"] == {"temperature": 0.25}


def test_a_conversation_goes_on_by_name_by_its_beginning_and_as_the_newest(world: World) -> None:
    world.json("one")
    (talk,) = [json.loads(line) for line in world.at.run("conversations", "--json").out.splitlines()]
    for words in (["two", "--continue"], ["three", "--conversation", talk["id"][:6]]):
        world.json(*words)
    said = [m["content"] for m in world.cloud.seen("/api/chat")[-1].json["messages"] if m["role"] == "user"]
    assert said == ["one", "two", "three"]
    asked = len(world.cloud.requests)
    unknown = world.at.run("exec", "hi", "--conversation", "nope")
    assert (unknown.code, unknown.out, len(world.cloud.requests)) == (2, "", asked)
    assert len(world.at.run("conversations", "--json").out.splitlines()) == 1


def test_exit_codes_tell_the_outcomes_apart(world: World, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "required": ["a"]}')
    world.cloud.play("/api/chat", chat_answer('{"a": 3}'))
    assert world.json("hi", "--schema", str(schema))["data"] == {"a": 3}
    not_met = world.json("hi", "--schema", str(schema), code=4)
    assert (not_met["status"], not_met["error"]["kind"]) == ("failed", "schema")

    world.cloud.always("/api/chat", DOWN)
    before = len(world.local.seen("/api/chat"))
    for words in (["--lane", "ask", "--no-input"], ["--lane", "never", "--yes"]):
        assert world.json("hi", *words, code=5)["failovers"] == []
    assert len(world.local.seen("/api/chat")) == before
    assert world.json("hi", "--lane", "ask", "--yes")["provider"] == "local"

    world.cloud.always("/api/chat", no_answer())
    late = world.json("hi", "--timeout", "0.5", code=5)
    assert (late["status"], late["latency_s"] < 20) == ("paused", True)
    assert late["id"] in world.at.run("outbox", "--json").out

    for words in (["hi", "--lane", "nope"], ["hi", "--model", "nope/x"], ["hi", "--agent", "nope"]):
        ran = world.at.run("exec", *words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran


def test_a_dry_run_calls_nobody_and_stores_nothing(world: World) -> None:
    ran = world.at.run("exec", "--dry-run", "--json", "hi", "--params", "temperature=0.5")
    assert list(ran.answer) == [
        "lane", "failover", "input_tokens", "system", "params", "targets",
        "why", "agent", "resume", "max_wait_s", "schema", "small_prompt", "budget",
    ]  # fmt: skip
    assert [target["ref"] for target in ran.answer["targets"]] == ["cloud/gpt-oss:120b", "local/largest"]
    assert "Nothing was sent." in world.at.run("exec", "--dry-run", "hi").out
    assert world.cloud.connections + world.local.connections == 0
    assert world.at.run("conversations", "--json").out == ""


def test_standard_input_is_read_only_where_it_was_asked_for(world: World) -> None:
    assert world.at.run("exec", "--quiet", stdin="from a pipe").code == 0
    assert world.at.run("exec", "-", stdin="by a dash").code == 0
    assert world.at.run("exec", "see", "--file", "-", stdin="as a file").code == 0
    said = [seen.json["messages"][0]["content"] for seen in world.cloud.seen("/api/chat")]
    assert said[:2] == ["from a pipe", "by a dash"]
    assert said[2].startswith("see")
    assert "as a file" in said[2]
    assert world.at.run("exec", "--file", "-", stdin="both").code == 2
    for words in (["exec", "hi"], ["outbox", "retry"], ["models", "rm", "gemma3:4b"], ["exec", "--demo", "hi"],
                  ["providers", "check"]):  # fmt: skip
        assert left_alone(world.at, words), words


def left_alone(at: ExecWorld, words: list[str]) -> bool:
    """Run with a pipe as standard input that holds a line and never ends; whether the line is still in it."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"not for you\n")
        subprocess.run(at.argv(*words), env=at.environment, stdin=reading, capture_output=True, timeout=60, check=False)
        return bool(select.select([reading], [], [], 0)[0]) and os.read(reading, 100) == b"not for you\n"
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.terminal
@pytest.mark.parametrize(
    ("words", "extra", "colours"),
    [
        (["providers"], {}, True),
        (["--no-color", "providers"], {}, False),
        (["providers"], {"NO_COLOR": "1"}, False),
        (["providers"], {"TERM": "dumb"}, False),
        (["providers"], {"LLMDESK_ACCESSIBLE": "1"}, False),
    ],
)
def test_colours_are_only_where_they_are_wanted(
    world: World, words: list[str], extra: dict[str, str], colours: bool
) -> None:
    env = {**world.at.environment, "TERM": "xterm-256color", "NO_COLOR": "", **extra}
    argv = world.at.argv(*words)
    child = pexpect.spawn(argv[0], argv[1:], env=env, timeout=60)  # type: ignore[arg-type]
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert (b"\x1b" in (child.before or b"")) is colours
