"""`exec` under budgets as a process: what a dry run tells of them, what a blocked request says, who answers then."""

from __future__ import annotations

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
  paid: {{kind: ollama, base_url: "{url}", billing: metered}}
  local: {{kind: ollama, base_url: "{url}"}}
lanes: {{chat: {{targets: [paid/big, local/coder]}}}}
models: {{paid/big: {{price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 100}}}}}}
budgets:
  - {{scope: day, limit_usd: 0.10, kind: hard, when_exhausted: {then}}}
  - {{scope: month, limit_usd: 30, kind: soft, lane: codegen}}
  - {{scope: job, limit_tokens: 500000, kind: hard}}
"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer.in_thread(models=[model_entry("coder")]) as server:
        yield server


def world_of(tmp_path: Path, server: FaultServer, then: str) -> ExecWorld:
    world = exec_world(tmp_path)
    world.configure(CONFIG.format(url=server.url, then=then))
    return world


def test_a_dry_run_tells_the_most_it_can_cost_and_the_budgets_that_count_it(
    tmp_path: Path, server: FaultServer
) -> None:
    world = world_of(tmp_path, server, "block")
    plan = world.run("exec", "--dry-run", "--json", "--job", "j1", "hello").answer
    paid, local = plan["targets"]
    assert (paid["skip"], paid["input_bound_tokens"]) == (None, 16)
    assert 990 < paid["output_tokens"] < 1_000
    assert 0.0999 < float(paid["cost_bound_usd"]) <= 0.1
    assert (local["output_tokens"], local["cost_bound_usd"]) == (8_192, "0"), "the job counts its tokens all the same"
    day, job = plan["budget"]
    assert (day["scope"], day["limit"], day["spent"], day["left"], day["unit"]) == ("day", "0.1", "0", "0.1", "usd")
    assert day["resets_at"].startswith("20")
    assert (job["scope"], job["period"], job["left"], job["resets_at"]) == ("job", "j1", 500_000, None)
    out = world.run("exec", "--dry-run", "hello").out
    for line in (
        "  at most: 16 tokens in, ",
        "  at most: 16 tokens in, no limit out, free\n",
        "budget: day budget (hard, blocks): 0.00 USD of 0.10 USD spent, 0.10 USD left, resets ",
    ):
        assert line in out, (line, out)
    assert "job budget" not in out
    assert server.connections == 0


def test_a_blocked_request_exits_with_3_and_says_the_ways_out(tmp_path: Path, server: FaultServer) -> None:
    world = world_of(tmp_path, server, "block")
    server.play("/api/chat", chat_answer("dear", output_tokens=990))
    assert world.run("exec", "hello").out == "dear"
    ran = world.run("exec", "--json", "hello")
    assert (ran.code, ran.answer["status"], ran.answer["error"]["kind"]) == (3, "blocked", "budget")
    assert ran.answer["error"]["message"].startswith("Day budget 0.10 USD: ")
    assert [(a["provider"], a["outcome"]) for a in ran.answer["attempts"]] == [("paid", "skipped")]
    for line in (
        "blocked: Day budget 0.10 USD: ",
        "advice: Ask local/coder, which costs nothing: --model local/coder",
        "advice: Raise limit_usd of the day budget in the file that this names: llmdesk config path",
        "advice: Wait until 20",
    ):
        assert line in ran.err, (line, ran.err)
    assert server.count("/api/chat") == 1
    told = world.run("exec", "--dry-run", "hello").out
    assert "(skipped: Day budget 0.10 USD: " in told
    assert "cost not bounded" not in told
    plan = world.run("exec", "--dry-run", "--json", "hello").answer
    assert [target["skip"] for target in plan["targets"]] == ["budget", "budget"]


def test_with_when_exhausted_free_this_machine_answers_and_it_is_said(tmp_path: Path, server: FaultServer) -> None:
    world = world_of(tmp_path, server, "free")
    server.play("/api/chat", chat_answer("dear", output_tokens=990), chat_answer("free"))
    first = world.run("exec", "--json", "hello")
    ran = world.run("exec", "--json", "hello")
    assert any(line.startswith("Day budget: 0.0990 USD of 0.10 USD spent") for line in first.answer["warnings"])
    assert (ran.code, ran.answer["text"], ran.answer["provider"], ran.answer["cost_usd"]) == (0, "free", "local", "0")
    assert ran.answer["failovers"] == [{"from": "paid/big", "to": "local/coder", "reason": "budget"}]
    assert "failover: Day budget 0.10 USD" in ran.err
    assert "Now answering with coder (local)" in ran.err
