"""What no single row shows: echoes of keys in every form, prompts of every kind, redirects of every call."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from llmdesk.core.errors import ProviderError
from llmdesk.core.types import ModelRef, Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import (
    FaultServer,
    Mark,
    Play,
    chat_answer,
    chat_chunk,
    error,
    free_port,
    line,
    no_answer,
    page,
    redirect,
    stream,
)
from tests.support.ollama_answers import NDJSON
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

KEY = "sk-canary/KEY+with=odd&chars_99"
SPELLINGS = (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode().rstrip("="))
PROMPT = "CANARY-PROMPT of nobody's business"


def one_provider(home: Path, url: str, *, more: str = "", **settings: Any) -> ExecWorld:
    world = exec_world(home, SERVICE_KEY=KEY)
    world.configure(configuration(provider("tested", url, **settings), targets=["tested/gemma3:4b"]) + more)
    return world


def files_with(home: Path, *words: str) -> list[str]:
    kept = [path for path in home.rglob("*") if path.is_file() and "config" not in path.parts]
    return [str(path) for path in kept if any(word.encode() in path.read_bytes() for word in words)]


# --- secrets ----------------------------------------------------------------------------------------------------------

ECHO = f"{' '.join(SPELLINGS)} Bearer {KEY} https://u:{KEY}@h/?key={KEY} {PROMPT}"
ECHOES: dict[str, Play] = {
    "401": error(401, ECHO),
    "400": error(400, ECHO),
    "403": error(403, ECHO),
    "418": error(418, ECHO),
    "429": error(429, ECHO),
    "500": error(500, ECHO),
    "502 page": page(502, f"<html>{ECHO}</html>"),
    "redirect": redirect(302, "https://elsewhere.example/?key=" + quote(KEY)),
    "in the stream": stream([chat_chunk("half"), {"error": ECHO}]),
    "end": chat_answer("x", reason=ECHO),
    "plain text": Play(headers={"Content-Type": "text/plain"}, body=(ECHO.encode(),), framing="length"),
}


@pytest.mark.parametrize("record", ["full", "off-record"])
async def test_a_key_that_a_server_echoes_is_nowhere_and_off_record_no_prompt_is_either(
    record: str, tmp_path: Path
) -> None:
    async with FaultServer() as server:
        world = one_provider(
            tmp_path, server.url, api_key="${SERVICE_KEY}", retry={"attempts": 1},
            more=f"privacy: {{record: {record}}}\n",
        )  # fmt: skip
        for play in ECHOES.values():
            server.always("/api/chat", play)
            async with make_desk(env=world.environment) as desk:
                outcome = await desk.send(Ask(prompt=PROMPT, probe=True)).outcome()
                told = repr((outcome, desk.warnings, desk.providers(), await desk.outbox(), await desk.failovers()))
            assert not [spelling for spelling in SPELLINGS if spelling in told]
        assert len(server.requests) == len(ECHOES)
    assert files_with(tmp_path, *SPELLINGS) == []
    assert (files_with(tmp_path, "CANARY-PROMPT") == []) is (record == "off-record")
    if os.name == "posix":
        assert [
            path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o077 and "config" not in path.parts
        ] == []


# --- where requests go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_no_call_of_any_kind_follows_a_redirect(status: int, tmp_path: Path) -> None:
    async with FaultServer() as server, FaultServer() as elsewhere:
        for path in ("/api/chat", "/api/tags", "/api/ps", "/api/me", "/api/show", "/api/pull", "/api/copy"):
            server.always(path, redirect(status, elsewhere.url + path))
        world = one_provider(tmp_path, server.url, api_key="${SERVICE_KEY}")
        async with make_desk(env=world.environment) as desk:
            assert (await desk.send(Ask(prompt="hello")).outcome()).status is Status.PAUSED
            await desk.check_providers()
            with pytest.raises(ProviderError):
                await desk.models("tested")
            with pytest.raises(ProviderError):
                await desk.show_model(ModelRef("tested", "x"))
            with pytest.raises(ProviderError):
                await desk.copy_model(ModelRef("tested", "x"), "y")
            with pytest.raises(ProviderError):
                _ = [step async for step in desk.pull_model(ModelRef("tested", "x"))]
        assert elsewhere.connections == 0


class Outside:
    """Counts what this process would send beyond loopback: connections and look-ups of names."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.listening = False
        sys.addaudithook(self._hear)  # for the life of the process, and silent outside the test

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.listening:
            return
        here = ("127.0.0.1", "::1", "localhost", None, b"localhost")
        if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in here:
            self.seen.append(arguments[1])
        elif event == "socket.getaddrinfo" and arguments[0] not in here:
            self.seen.append(arguments[0])


async def test_local_only_opens_no_socket_to_the_outside_whatever_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = Outside()
    async with FaultServer() as local, FaultServer() as trap:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        world = exec_world(tmp_path, SERVICE_KEY=KEY)
        world.configure(
            configuration(
                provider("away", "https://service.example", api_key="${SERVICE_KEY}"),
                provider("lan", "http://gpu-box.example:11434", allow_http=True),
                provider("local", local.url),
                targets=["away/x", "lan/largest", "local/big:cloud", "local/gpt-oss:120b-cloud", "local/largest"],
            )
            + "privacy: {network: local-only}\n"
        )
        outside.listening = True
        try:
            async with make_desk(env=world.environment) as desk:
                outcome = await desk.send(Ask(prompt="hello")).outcome()
                await desk.check_providers()
                await desk.discover()
                await desk.doctor()
                await desk.models()
                for name in ("away", "lan"):
                    with pytest.raises(ProviderError):
                        await desk.models(name)
        finally:
            outside.listening = False
        assert str(outcome.target) == "local/gemma3:4b"
        assert [request.json["model"] for request in local.seen("/api/chat")] == ["gemma3:4b"]
        assert outside.seen == []
        assert trap.connections == 0


@pytest.mark.parametrize("order", [("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
async def test_a_name_of_both_families_is_reached_whichever_comes_first_and_is_dead(
    order: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def both(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in ("localhost", b"localhost"):
            return real(host, port, *more, **named)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (each, port, 0, 0) if ":" in each else (each, port))
            for each in order
        ]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", both)
    async with FaultServer(host=order[1]) as server:
        world = one_provider(tmp_path, f"http://localhost:{server.port}")
        async with make_desk(env=world.environment) as desk:
            assert (await desk.send(Ask(prompt="hello")).outcome()).status is Status.COMPLETED
    async with make_desk(env=one_provider(tmp_path, f"http://localhost:{free_port()}").environment) as desk:
        refused = await desk.send(Ask(prompt="hello")).outcome()
    assert len(refused.attempts) == 1, "a refused address of this machine is not asked again"


# --- prompts ----------------------------------------------------------------------------------------------------------

PROMPTS = {
    "nul": b"a\0b",
    "line ends": b"a\r\nb\rc\n",
    "separators": "a\u2028b\u2029c\u0085d".encode(),
    "decomposed": "e\u0301 \u00e9 \ufeff".encode(),
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_is_stored_and_sent_byte_for_byte(prompt: bytes, tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        world = one_provider(tmp_path, server.url)
        assert world.run("exec", "-", stdin=prompt.decode()).code == 0
        (seen,) = server.seen("/api/chat")
    assert seen.json["messages"][-1]["content"].encode() == prompt
    with sqlite3.connect(world.database) as connection:
        assert connection.execute("SELECT CAST(prompt AS BLOB) FROM requests").fetchall() == [(prompt,)]
    connection.close()


async def test_the_prompt_is_on_disk_before_the_first_byte_of_any_request(tmp_path: Path) -> None:
    async with FaultServer() as server:
        world = one_provider(tmp_path, server.url)
        on_disk: list[object] = []

        def look(_: object) -> None:
            connection = sqlite3.connect(world.database)
            on_disk.append(connection.execute("SELECT prompt FROM requests").fetchall())
            connection.close()

        server.on_request = look
        async with make_desk(env=world.environment) as desk:
            await desk.send(Ask(prompt="hello")).outcome()
    assert on_disk == [[("hello",)]] * len(on_disk)
    assert len(on_disk) == 3, "the lists of models, then the answer"


# --- time -------------------------------------------------------------------------------------------------------------


def flood() -> Iterator[bytes]:
    return iter([line(chat_chunk("word "))] * 2_000_000)


CANCEL_S = 0.2
ROUNDS = 5

STATES: dict[str, Play] = {
    "nothing comes": no_answer(),
    "the head drips": Play(headers=NDJSON, head_pause_s=0.05),
    "half open": stream([chat_chunk("x")], end=Mark.HOLD),
    "a flood": Play(headers=NDJSON, body=flood),
    "long lines": Play(headers=NDJSON, body=lambda: iter([line(chat_chunk("word " * 50_000))] * 3)),
    "waiting to try again": error(503, "busy"),
    "an error that never ends": Play(status=500, body=(b'{"error":"', Mark.HOLD)),
}


@pytest.mark.parametrize("play", STATES.values(), ids=STATES)
async def test_a_request_stops_within_200_ms_wherever_it_is(play: Play, tmp_path: Path) -> None:
    """The quickest of a few rounds counts: a busy machine may be late, a request that waits always is."""
    waits: list[float] = []
    with FaultServer.in_thread() as server:
        server.always("/api/chat", play)
        world = one_provider(tmp_path, server.url, retry={"attempts": 3, "delay_s": 5})
        async with make_desk(env=world.environment) as desk:
            while len(waits) < ROUNDS and min(waits, default=CANCEL_S) >= CANCEL_S:
                before = server.count("/api/chat")
                run = desk.send(Ask(prompt="hello"))
                while server.count("/api/chat") == before:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                at = time.perf_counter()
                run.cancel(keep=True)
                outcome = await run.outcome()
                waits.append(time.perf_counter() - at)
                assert outcome.status is Status.PAUSED
            kept = await desk.outbox()
        assert [entry.prompt for entry in kept] == ["hello"] * len(waits)
        assert min(waits) < allowed(CANCEL_S), waits


def test_a_state_file_that_is_a_pipe_stops_nothing(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        return
    with FaultServer.in_thread() as server:
        world = one_provider(tmp_path, server.url)
        world.state.parent.mkdir(mode=0o700)
        os.mkfifo(world.state)
        ran = world.run("exec", "--json", "hello")
    assert json.loads(ran.out)["status"] == "completed"
