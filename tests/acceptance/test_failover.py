"""Cloud first, local next, nothing lost: the whole program as processes over servers that write down what they see."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, Mark, chat_answer, chat_chunk, done_chunk, error, page, stream
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.exec_world import ExecWorld

LOCAL_ANSWER = "The local answer, whole."
LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")


class TwoServers:
    """A cloud and a local Ollama that the test scripts, and a home that knows both."""

    def __init__(self, cloud: FaultServer, local: FaultServer, world: ExecWorld) -> None:
        self.cloud = cloud
        self.local = local
        self.world = world

    def configure(self, *, delay_s: float = 0, cooldown_s: float = 600, more: str = "") -> None:
        self.world.configure(
            configuration(
                provider(
                    "cloud", self.cloud.url, api_key="${OLLAMA_API_KEY}", cooldown_s=cooldown_s,
                    retry={"attempts": 3, "delay_s": delay_s},
                ),
                provider("local", self.local.url),
                targets=["cloud/gpt-oss:120b", "local/largest"],
                more=more,
            )
        )  # fmt: skip

    def cooldown_on_disk(self) -> float | None:
        """The cloud's deadline as the state file has it, UTC epoch seconds."""
        if not self.world.state.exists():
            return None
        state = json.loads(self.world.state.read_text())
        assert state["version"] == 1
        assert set(state["cooldowns"]) == {"cloud"}
        return float(state["cloud_cooldown_until"])


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[TwoServers]:
    with FaultServer.in_thread() as cloud, FaultServer.in_thread() as local:
        local.always("/api/chat", chat_answer(LOCAL_ANSWER))
        two = TwoServers(cloud, local, exec_world(tmp_path, OLLAMA_API_KEY="key-of-the-cloud"))
        two.configure()
        yield two


async def test_429_is_on_disk_before_the_local_server_is_asked_and_holds_for_every_process(servers: TwoServers) -> None:
    cooldown_s = round(min(allowed(4), 40), 1)  # all that is asked before its end
    servers.configure(cooldown_s=cooldown_s)
    servers.cloud.play("/api/chat", LIMIT)
    on_disk: list[float | None] = []
    servers.local.on_request = lambda _: on_disk.append(servers.cooldown_on_disk())
    begun = time.time()
    first = servers.world.run("exec", "--json", "hello")
    assert first.answer["text"] == LOCAL_ANSWER
    assert first.answer["attempts"][0]["error_kind"] == "rate"
    assert len(servers.cloud.requests) == 1, "one request, and nothing else, reached the cloud"
    assert on_disk
    assert all(deadline is not None and deadline >= begun + cooldown_s for deadline in on_disk)

    environment = servers.world.environment
    async with make_desk(env=environment) as desk:
        for _ in range(8):
            outcome = await desk.send(Ask(prompt="again")).outcome()
            assert (outcome.status, str(outcome.target)) == (Status.COMPLETED, "local/gemma3:4b")
    for _ in range(2):
        assert servers.world.run("exec", "--json", "again").answer["provider"] == "local"
    assert len(servers.cloud.requests) == 1

    servers.cloud.always("/api/chat", chat_answer("The cloud is back."))
    while time.time() < servers.cooldown_on_disk() + 0.2:
        time.sleep(0.05)
    assert servers.world.run("exec", "--json", "hello").answer["text"] == "The cloud is back."


def test_503_is_tried_three_times_at_the_fixed_delay_and_the_next_request_asks_the_cloud_first(
    servers: TwoServers,
) -> None:
    servers.configure(delay_s=0.3)
    servers.cloud.always("/api/chat", error(503, "Server overloaded, please retry shortly"))
    answer = servers.world.run("exec", "--json", "hello").answer
    assert [a["error_kind"] for a in answer["attempts"]] == ["server"] * 3 + [None]
    times = [request.at for request in servers.cloud.seen("/api/chat")]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    longest_s = allowed(1.5)
    assert len(gaps) == 2
    assert all(0.3 <= gap < longest_s for gap in gaps), gaps
    assert servers.cooldown_on_disk() is None
    servers.cloud.forget()
    answer = servers.world.run("exec", "--json", "hello").answer
    assert answer["provider"] == "cloud"


@pytest.mark.parametrize(
    ("play", "reason", "words"),
    [
        (chat_answer("half of the cloud's ans", done=False), "truncated", "cut off"),
        (stream([chat_chunk("half of "), {"error": "runner crashed"}]), "server", "runner crashed"),
        (page(), "captive", "web page"),
    ],
    ids=["cut", "error object", "web page"],
)
def test_a_broken_answer_is_never_the_answer(servers: TwoServers, play: Any, reason: str, words: str) -> None:
    servers.cloud.always("/api/chat", play)
    answer = servers.world.run("exec", "--json", "hello").answer
    assert (answer["status"], answer["text"], answer["provider"]) == ("completed", LOCAL_ANSWER, "local")
    assert answer["failovers"] == [{"from": "cloud/gpt-oss:120b", "to": "local/gemma3:4b", "reason": reason}]
    plain = servers.world.run("exec", "hello")
    assert plain.code == 0
    assert plain.out.rstrip("\n").endswith(LOCAL_ANSWER)
    assert words in plain.err
    assert "gemma3:4b (local)" in plain.err
    quiet = servers.world.run("exec", "--no-stream", "hello")
    assert quiet.out.rstrip("\n") == LOCAL_ANSWER
    rows = servers.world.run("failovers", "--json").out.splitlines()
    assert json.loads(rows[0])["reason"] == reason


def test_an_answer_into_a_file_holds_exactly_one_answer(servers: TwoServers, tmp_path: Path) -> None:
    servers.cloud.always("/api/chat", chat_answer("half of the cloud's ans", done=False))
    target = tmp_path / "answer.md"
    with target.open("wb") as file:
        subprocess.run(
            servers.world.argv("exec", "hello"), env=servers.world.environment, stdin=subprocess.DEVNULL,
            stdout=file, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    assert target.read_text() == LOCAL_ANSWER


def test_when_nobody_answers_the_prompt_waits_in_the_outbox_and_is_answered_by_retry(servers: TwoServers) -> None:
    servers.cloud.play("/api/chat", LIMIT)
    servers.local.always("/api/chat", error(500, "model requires more system memory (7.5 GiB) than is available"))
    ran = servers.world.run("exec", "--json", "keep this prompt")
    assert (ran.code, ran.answer["status"]) == (5, "paused")
    (entry,) = [json.loads(line) for line in servers.world.run("outbox", "list", "--json").out.splitlines()]
    assert (entry["prompt"], entry["id"]) == ("keep this prompt", ran.answer["id"])
    assert entry["next_try_at"] is not None
    servers.local.always("/api/chat", chat_answer(LOCAL_ANSWER))
    again = servers.world.run("outbox", "retry", entry["id"], "--json")
    assert (again.code, again.answer["text"]) == (0, LOCAL_ANSWER)
    assert servers.world.run("outbox", "list", "--json").out == ""


def stored(world: ExecWorld, prompt: str) -> str:
    """What the database says of the request with this prompt, read from outside."""
    with sqlite3.connect(world.database) as connection:
        row = connection.execute("SELECT id, status FROM requests WHERE prompt = ?", (prompt,)).fetchone()
        answers = connection.execute("SELECT count(*) FROM messages WHERE role = 'assistant'").fetchone()[0]
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    return f"{row[1]}, {answers} answers" if row else "nothing"


@pytest.mark.timeout(400)  # 50 processes one after the other: 12 s on a quiet machine
def test_kill_9_at_any_moment_leaves_the_prompt_in_the_outbox_or_the_answer_stored(servers: TwoServers) -> None:
    words = [chat_chunk(f"word{n} ") for n in range(20)]
    seen = set()
    for n in range(14):
        prompt = f"prompt number {n}"
        servers.cloud.forget()
        servers.cloud.always("/api/chat", LIMIT if n % 2 else stream([*words, done_chunk()], pause_s=0.01))
        arrived = threading.Event()
        servers.cloud.on_request = servers.local.on_request = lambda _, arrived=arrived: arrived.set()
        servers.world.state.unlink(missing_ok=True)
        process = servers.world.start("exec", prompt)
        assert process.stdout is not None
        assert process.stderr is not None
        # Nothing can be lost before it was accepted, so the moments that count begin with the first request.
        assert arrived.wait(PATIENCE_S)
        time.sleep(0.025 * n if n % 2 == 0 else 0.002 * n)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if servers.world.state.exists():
            json.loads(servers.world.state.read_text())
        servers.cloud.on_request = servers.local.on_request = None
        paused = [json.loads(line) for line in servers.world.run("outbox", "list", "--json").out.splitlines()]
        state = stored(servers.world, prompt)
        in_outbox = [entry for entry in paused if entry["prompt"] == prompt]
        assert len(in_outbox) == 1 or state.startswith("completed"), state
        seen.add("outbox" if in_outbox else "stored")
        for entry in in_outbox:
            assert servers.world.run("outbox", "drop", entry["id"]).code == 0
    assert "outbox" in seen


def test_hostile_text_reaches_no_terminal_and_crashes_nothing(servers: TwoServers) -> None:
    hostile = "a\x1b]52;c;aGVsbG8=\x07b\x1b[31mred\x9b2J [/red] [@click=app.quit]x[/] \u202e end"
    servers.cloud.always("/api/chat", chat_answer(hostile))
    child = pexpect.spawn(
        servers.world.argv("exec", "hello")[0], servers.world.argv("exec", "hello")[1:],
        env=servers.world.environment | {"TERM": "xterm-256color"}, dimensions=(24, 80), timeout=PATIENCE_S,
    )  # fmt: skip
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    shown = child.before.decode()
    assert "[/red]" in shown
    assert re.findall(r"[\x1b\x07\x9b\u202e]", shown) == []
    raw = servers.world.run("exec", "hello")
    assert raw.out == hostile, "a pipe gets what came"


def test_a_half_open_stream_that_is_stopped_keeps_its_text_and_its_prompt(servers: TwoServers) -> None:
    servers.cloud.always("/api/chat", stream([chat_chunk("the first words ")], end=Mark.HOLD))
    process = servers.world.start("exec", "stop me")
    assert process.stdout is not None
    assert process.stdout.read(9) == b"the first"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM
    (entry,) = [json.loads(line) for line in servers.world.run("outbox", "list", "--json").out.splitlines()]
    assert entry["prompt"] == "stop me"
    (conversation,) = [
        json.loads(line) for line in servers.world.run("conversations", "list", "--json").out.splitlines()
    ]
    shown = servers.world.run("conversations", "export", conversation["id"]).out
    assert "the first words" in shown
    assert "interrupted" in shown


def test_the_key_goes_to_its_own_provider_only(servers: TwoServers) -> None:
    servers.cloud.play("/api/chat", LIMIT)
    servers.world.run("exec", "--json", "hello")
    assert servers.cloud.requests[0].headers["authorization"] == "Bearer key-of-the-cloud"
    assert servers.local.count("/api/chat") == 1
    assert all("authorization" not in request.headers for request in servers.local.requests)
    for path in Path(servers.world.home).rglob("*"):
        assert not path.is_file() or b"key-of-the-cloud" not in path.read_bytes(), path
