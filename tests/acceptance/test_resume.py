"""Nobody could answer: the prompt waits on disk, and a desk that is open later asks again by itself, each one once."""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, Mark, chat_answer, chat_chunk, error, stream
from tests.support.slowness import PATIENCE_S, allowed
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Seen

LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")
LONG_S = 600
"""A cooldown that lasts longer than any of these tests, seconds."""


@cache
def cooldown_s() -> float:
    """A cooldown whose end is waited for, seconds: three programs that begin one after the other come before it."""
    return round(min(allowed(3), 30), 1)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, server: FaultServer) -> ExecWorld:
    world = exec_world(tmp_path, OLLAMA_API_KEY="a-key")
    world.configure(settings(server))
    return world


def settings(server: FaultServer, *, resume: str = "auto", rest_s: float | None = None) -> str:
    rest_s = cooldown_s() if rest_s is None else rest_s
    cloud = provider("cloud", server.url, api_key="${OLLAMA_API_KEY}", cooldown_s=rest_s)
    return configuration(cloud, targets=["cloud/gpt-oss:120b"], more=f", resume: {resume}")


def chats(server: FaultServer) -> list[Seen]:
    return [seen for seen in server.requests if seen.path == "/api/chat"]


def asked(seen: Seen) -> str:
    return str(seen.json["messages"][-1]["content"])


def outbox(world: ExecWorld) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.run("outbox", "list", "--json").out.splitlines()]


def until(met: Callable[[], object], limit_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + limit_s
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def desk(world: ExecWorld, *words: str) -> Iterator[Terminal]:
    """The real desk in a pseudo-terminal of its own."""
    env = {**world.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    terminal = Terminal(world.argv(*words), env=env, columns=120)
    try:
        yield terminal
    finally:
        terminal.close()


def test_what_nobody_could_answer_is_told_with_what_would_help(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", LIMIT)
    world.configure(settings(server, resume="ask", rest_s=LONG_S))
    first = world.run("exec", "--json", "hello")
    assert (first.code, first.answer["status"], first.answer["error"]["kind"]) == (5, "paused", "rate")
    assert "advice" not in first.answer
    assert first.answer["warnings"] == []
    assert "advice: cloud: rate limited, next try" not in first.out
    assert "Wait for it, or retry now in spite of it." in first.err
    (entry,) = outbox(world)
    assert (entry["error_kind"], entry["attempts"]) == ("rate", 1)
    assert "rate limited" in entry["reason"]
    assert entry["next_try_at"] is not None
    shown = json.loads(world.run("outbox", "show", entry["id"], "--json").out)
    assert shown["next_try_at"] == entry["next_try_at"]
    assert [line.partition(",")[0] for line in shown["advice"]] == ["cloud: rate limited"]
    assert "advice: cloud: rate limited" in world.run("outbox", "show", entry["id"]).out


def test_outbox_retry_takes_them_in_order_and_one_lane_at_a_wish(world: ExecWorld, server: FaultServer) -> None:
    two = settings(server, resume="never", rest_s=LONG_S).rstrip() + '\n  codegen: {targets: ["cloud/gpt-oss:120b"]}\n'
    world.configure(two)
    server.play("/api/chat", LIMIT)
    for lane, prompt in (("chat", "one"), ("codegen", "two"), ("chat", "three")):
        assert world.run("exec", "--lane", lane, prompt).code == 5
    server.always("/api/chat", chat_answer("At last."))
    assert world.run("outbox", "retry", "--lane", "codegen", "--now").code == 0
    assert [entry["prompt"] for entry in outbox(world)] == ["one", "three"]
    assert world.run("outbox", "retry", "--lane", "critic").err.endswith("Nothing of lane critic is paused.\n")
    assert world.run("outbox", "retry", "--lane", "chat", "one").code == 2
    assert world.run("outbox", "retry", "--now").code == 0
    assert [asked(seen) for seen in chats(server)][1:] == ["two", "one", "three"]


@pytest.mark.terminal
def test_a_desk_started_later_answers_by_itself_when_the_cooldown_ends(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", LIMIT)
    server.always("/api/chat", chat_answer("The answer at last."))
    begun = time.monotonic()
    first = world.run("exec", "--json", "asked before")
    assert first.code == 5
    with desk(world) as terminal:
        terminal.wait_for("has the answer to “asked before”")
        assert time.monotonic() - begun >= cooldown_s()
        assert len(chats(server)) == 2
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    view = json.loads(world.run("outbox", "show", first.answer["id"], "--json").out)
    assert (view["status"], view["answer"]) == ("completed", "The answer at last.")
    assert outbox(world) == []


@pytest.mark.terminal
def test_the_linear_mode_does_so_too(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", LIMIT)
    server.always("/api/chat", chat_answer("The answer at last."))
    assert world.run("exec", "asked before").code == 5
    with desk(world, "--plain") as terminal:
        terminal.wait_for("you:")
        terminal.wait_for(r'"asked before" \(lane chat\) has its answer; read it with: llmdesk')
        terminal.wait_for(r"you:\s*\Z")
    assert outbox(world) == []


@pytest.mark.terminal
def test_what_a_killed_desk_was_answering_is_taken_up_by_the_next_one(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", stream([chat_chunk("half an ")], end=Mark.HOLD))
    server.always("/api/chat", chat_answer("The whole answer."))
    with desk(world) as terminal:
        terminal.wait_for("1 chat")
        terminal.send(b"my question\r")
        terminal.wait_for("half an")
        terminal.child.kill(signal.SIGKILL)
        until(lambda: not terminal.child.isalive())
    with desk(world) as terminal:
        terminal.wait_for("has the answer to “my question”")
    contexts = [[message["content"] for message in seen.json["messages"]] for seen in chats(server)]
    assert contexts == [["my question"], ["my question"]]


@pytest.mark.terminal
def test_of_two_open_desks_each_request_is_served_by_exactly_one(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", LIMIT)
    server.always("/api/chat", chat_answer("At last."))
    prompts = [f"prompt {number}" for number in range(3)]
    assert [world.run("exec", prompt).code for prompt in prompts] == [5, 5, 5]
    assert len(chats(server)) == 1
    with desk(world) as one, desk(world) as other:
        until(lambda: (one.pump(0.01), other.pump(0.01), len(chats(server)) >= 4)[-1])
        until(lambda: (one.pump(0.01), other.pump(0.01), not outbox(world))[-1])
    assert [asked(seen) for seen in chats(server)] == [prompts[0], *prompts]


@pytest.mark.terminal
def test_a_lane_that_asks_first_sends_nothing_by_itself(world: ExecWorld, server: FaultServer) -> None:
    world.configure(settings(server, resume="ask"))
    server.play("/api/chat", LIMIT)
    server.always("/api/chat", chat_answer("At last."))
    begun = time.monotonic()
    assert world.run("exec", "asked before").code == 5
    with desk(world) as terminal:
        terminal.wait_for("1 paused")
        until(lambda: (terminal.pump(0.05), time.monotonic() - begun > cooldown_s() + 1.5)[-1])
    assert len(chats(server)) == 1
    assert len(outbox(world)) == 1
