"""`exec --dry-run` as a process: the whole decision, not one byte to a server; and own rate limits in a real run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer
from tests.support.ollama_answers import chat_answer, model_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

CONFIG = """\
version: 1
default_lane: chat
providers:
  hosted:
    kind: openai
    base_url: {url}/v1
    api_key: "${{HOSTED_KEY}}"
    params: {{temperature: 0.1, top_p: 0.9}}
    models: {{small: tiny-1}}
    rate_limit: {{requests_per_minute: 30, parallel: 2}}
  local: {{kind: ollama, base_url: "{url}"}}
  absent: {{kind: openai, base_url: "{url}/v1", api_key: "${{NOBODY_SET_THIS}}"}}
lanes:
  chat:
    targets: [absent/any, hosted/big, local/largest, hosted/small]
    failover: ask
    params: {{temperature: 0.2, seed: 7}}
  code: {{targets: [hosted/big, local/coder], schema: answer.json, failover: never, resume: auto, max_wait_s: 5}}
agents: {{dev: {{lane: code, params: {{seed: 8}}}}}}
models: {{hosted/big: {{context_window: 50}}, hosted/small: {{context_window: 128000}}}}
routing: {{small_prompt: {{below_tokens: 40, prefer: [hosted/small]}}}}
"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer.in_thread(models=[model_entry("coder")]) as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, server: FaultServer) -> ExecWorld:
    world = exec_world(tmp_path, HOSTED_KEY="key-of-the-hosted-one")
    world.configure(CONFIG.format(url=server.url))
    (tmp_path / "config" / "answer.json").write_text(json.dumps({"type": "object", "required": ["path"]}))
    return world


def test_a_dry_run_shows_every_target_with_what_is_known_of_it(world: ExecWorld, server: FaultServer) -> None:
    plan = world.run("exec", "--dry-run", "--json", "word " * 60, "--params", "temperature=0.5").answer
    assert server.connections == 0
    assert [(t["ref"], t["skip"]) for t in plan["targets"]] == [
        ("absent/any", "no key"), ("hosted/big", "unfit"), ("local/largest", None), ("hosted/tiny-1", None),
    ]  # fmt: skip
    assert (plan["why"], plan["failover"], plan["resume"], plan["budget"]) == ("default lane", "ask", "ask", [])
    assert plan["small_prompt"] == {"below_tokens": 40, "prefer": ["hosted/tiny-1"], "applied": False}
    _, big, largest, small = plan["targets"]
    assert "50 tokens" in big["message"]
    assert (big["consent"], largest["consent"], small["consent"]) == (None, "needed", "needed")
    assert (small["kind"], small["window_tokens"], small["input_tokens"]) == ("openai", 128_000, plan["input_tokens"])
    assert (largest["kind"], largest["resolved_model"]) == ("ollama", None)
    assert small["params"] == {"temperature": 0.5, "top_p": 0.9, "seed": 7}
    assert largest["params"] == {"temperature": 0.5, "seed": 7}
    assert plan["params"] == {"temperature": 0.5, "seed": 7}


def test_it_says_how_each_target_learns_of_the_schema_and_why_the_lane_was_taken(
    world: ExecWorld, server: FaultServer
) -> None:
    plan = world.run("exec", "--dry-run", "--json", "--agent", "dev", "hi").answer
    assert (plan["lane"], plan["why"], plan["agent"]) == ("code", "lane of agent dev", "dev")
    assert plan["schema"] == {"name": "answer.json", "repairs": 1}
    assert {t["ref"]: t["schema"] for t in plan["targets"]}["local/coder"] == "native"
    assert [t["consent"] for t in plan["targets"]] == [None, "never", "never"]
    assert plan["targets"][0]["params"]["seed"] == 8
    assert plan["max_wait_s"] == 5
    assert server.connections == 0


def test_a_small_prompt_goes_first_to_where_it_is_cheap_unless_the_caller_chose(
    world: ExecWorld, server: FaultServer
) -> None:
    small = world.run("exec", "--dry-run", "--json", "hi").answer
    assert [t["ref"] for t in small["targets"]] == ["hosted/tiny-1", "absent/any", "hosted/big", "local/largest"]
    assert [t["preferred"] for t in small["targets"]] == [True, False, False, False]
    assert small["small_prompt"]["applied"] is True
    named = world.run("exec", "--dry-run", "--json", "--model", "local/largest", "hi").answer
    assert [t["ref"] for t in named["targets"]] == ["local/largest"]
    assert named["small_prompt"]["applied"] is False
    assert server.connections == 0


def test_the_same_for_people(world: ExecWorld, server: FaultServer) -> None:
    out = world.run("exec", "--dry-run", "--agent", "dev", "--failover", "ask", "hi").out
    for line in (
        "lane: code (failover: ask, resume: auto, lane of agent dev)",
        "tokens are below 40, so hosted/tiny-1 goes first",
        "target 1: hosted/tiny-1",
        "  kind openai",
        "  window: 128 000 tokens, estimate: ",
        "  goes first, because the prompt is small",
        "  schema: sent with the request",
        "  consent: asked for before it is used (failover: ask)",
        "schema: answer.json, checked here in any case, 1 repair a target",
        "budget: none",
        "Nothing was sent.",
    ):
        assert line in out, (line, out)
    assert server.connections == 0


def test_a_repair_that_would_break_the_users_own_limit_goes_to_the_next_target(
    world: ExecWorld, server: FaultServer
) -> None:
    slow = '  slow: {kind: ollama, base_url: "%s", api_key: "${HOSTED_KEY}", rate_limit: {requests_per_minute: 1}}\n'
    text = CONFIG.format(url=server.url).replace("  local:", slow % server.url + "  local:")
    world.configure(text.replace("[hosted/big, local/coder]", "[slow/coder, local/coder]").replace("never", "auto"))
    server.play("/api/chat", chat_answer("garbage"))
    ran = world.run("exec", "--json", "--lane", "code", "--model", "slow/coder", "hi")
    assert (ran.code, [a["outcome"] for a in ran.answer["attempts"]]) == (5, ["failed", "skipped"])
    server.play("/api/chat", chat_answer("garbage"), chat_answer('{"path": "a"}'))
    long = "word " * 60
    ran = world.run("exec", "--json", "--lane", "code", long)
    assert (ran.code, ran.answer["data"], ran.answer["provider"]) == (0, {"path": "a"}, "local")
    assert [(a["provider"], a["outcome"]) for a in ran.answer["attempts"]] == [
        ("slow", "failed"), ("slow", "skipped"), ("local", "completed"),
    ]  # fmt: skip
    assert "rate_limit of 1 requests a minute" in ran.answer["attempts"][1]["message"]


def test_all_violations_reach_the_caller(world: ExecWorld, server: FaultServer, tmp_path: Path) -> None:
    schema = tmp_path / "two.json"
    schema.write_text(json.dumps({"type": "object", "required": ["path", "size"]}))
    server.play("/api/chat", chat_answer("{}"), chat_answer("{}"))
    ran = world.run("exec", "--json", "--model", "local/coder", "--schema", str(schema), "hi")
    assert ran.code == 4
    assert ran.answer["error"]["violations"] == ["$.path is missing", "$.size is missing"]
    assert "violation: $.path is missing" in ran.err
    assert "violation: $.size is missing" in ran.err
