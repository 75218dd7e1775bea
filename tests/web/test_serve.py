"""`llmdesk serve` without a browser: the page, its websocket, who is turned away, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.browser_page import page_of, serving
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, Mark, Play

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

PARTIAL = b'{"model":"m","message":{"role":"assistant","content":"so far"},"done":false}\n'


@pytest.fixture
def world(tmp_path: Path) -> ExecWorld:
    return exec_world(tmp_path / "home")


async def test_the_page_needs_nothing_from_elsewhere(world: ExecWorld) -> None:
    async with serving(world, "--demo") as server, aiohttp.ClientSession() as browser:
        async with browser.get(f"{server.url}/") as answer:
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        parts = [part for part in page.split('"') if part.startswith(("/static/", "/page."))]
        found = []
        for part in parts:
            async with browser.get(server.url + part) as answer:
                found.append(answer.status)

    assert f'data-session-websocket-url="ws://{server.host}/ws"' in page
    assert len(parts) == 5
    assert found == [200] * 5
    assert "http://" not in page.replace(server.url, "")
    assert "https://" not in page
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_page_at_the_end_of_a_tunnel_seeks_its_desk_there(world: ExecWorld) -> None:
    async with (
        serving(world, "--demo") as server,
        aiohttp.ClientSession() as browser,
        browser.get(f"{server.url}/", headers={"Host": "localhost:9123"}) as answer,
    ):
        assert 'data-session-websocket-url="ws://localhost:9123/ws"' in await answer.text()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/", {"Host": "rebound.example"}, id="page under a foreign name"),
        pytest.param("/", {"Host": "rebound.example:8000"}, id="page under a foreign name with a port"),
        pytest.param("/static/js/textual.js", {"Host": "10.0.0.7"}, id="script under another address"),
        pytest.param("/", {"Origin": "http://other.example"}, id="page asked for by another site"),
        pytest.param("/ws", {"Origin": "http://other.example"}, id="websocket of another site"),
        pytest.param("/ws", {"Origin": "http://127.0.0.1:1"}, id="websocket of another program's page"),
        pytest.param("/ws", {"Origin": "null"}, id="websocket of a sandboxed page"),
        pytest.param("/ws", {}, id="websocket of no page"),
        pytest.param(
            "/ws", {"Host": "rebound.example", "Origin": "http://rebound.example"}, id="websocket under a foreign name"
        ),
    ],
)
async def test_others_are_turned_away(world: ExecWorld, path: str, headers: dict[str, str]) -> None:
    async with serving(world, "--demo") as server, aiohttp.ClientSession() as browser:
        handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                     "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} if path == "/ws" else {}  # fmt: skip
        async with browser.get(server.url + path, headers=handshake | headers) as answer:
            assert answer.status == 403
            assert "only" in await answer.text()


async def test_a_page_is_a_desk_that_answers(world: ExecWorld) -> None:
    async with serving(world, "--demo", "--lane=codegen") as server, page_of(server) as page:
        await page.see("codegen")
        await page.see("DEMO")
        await page.type("hello from the page")
        await page.see("hello from the page")
        await page.type("\r")
        await page.see("✔ full")
        await page.type("\x11")  # ctrl+q
        await page.end()


async def test_every_page_is_a_desk_of_its_own(world: ExecWorld) -> None:
    async with serving(world, "--demo") as server, page_of(server) as one, page_of(server, columns=80, rows=24) as two:
        await one.see("7 reviewer|1 chat")
        await two.see("7 reviewer|1 chat")
        await one.type("only here")
        await one.see("only here")
        await two.type("there")
        assert "only here" not in await two.see("there")


async def test_a_closed_page_leaves_its_prompt_in_the_outbox(world: ExecWorld) -> None:
    with FaultServer.in_thread() as model:
        model.always("/api/chat", Play(headers={"Content-Type": "application/x-ndjson"}, body=(PARTIAL, Mark.HOLD)))
        world.configure(configuration(provider("box", model.url), targets=["box/m"]))
        async with serving(world) as server:
            async with page_of(server) as page:
                await page.see("1 chat")
                await page.type("do not lose me\r")
                await page.see("so far")
            waiting = await _outbox(world)

    assert [(entry["prompt"], entry["reason"] is not None) for entry in waiting] == [("do not lose me", True)]


async def _outbox(world: ExecWorld) -> list[dict[str, object]]:
    """The outbox once something is in it: the desk behind a closed page takes its time to end."""
    async with asyncio.timeout(60):
        while True:
            ran = await asyncio.to_thread(world.run, "outbox", "list", "--json")
            if ran.out.strip():
                return [json.loads(line) for line in ran.out.splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="looks for processes by POSIX means")
async def test_ctrl_c_ends_the_desks_and_then_the_server(world: ExecWorld) -> None:
    async with serving(world, "--demo") as server, page_of(server) as page:
        await page.see("7 reviewer|1 chat")
        desks = _children(server.process.pid)
        code, said = await server.interrupt()
        await page.end()

    assert len(desks) == 1
    assert code == 0
    assert "Ending the open desks" in said
    assert not any(_alive(pid) for pid in desks)


def _children(pid: int) -> list[int]:
    """The processes that a process started, which have sessions of their own."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_desk_that_cannot_open_says_why_on_the_page_and_on_the_terminal(world: ExecWorld) -> None:
    world.configure("version: 1\nlanes: {chat: {tragets: []}}\n")
    async with serving(world) as server:
        async with page_of(server) as page:
            await page.end()
        _, said = await server.interrupt()

    assert "tragets" in page.screen.text
    assert "tragets" in said


async def test_nonsense_on_the_websocket_ends_the_connection_and_its_desk_only(world: ExecWorld) -> None:
    async with serving(world, "--demo") as server:
        for nonsense in ("{", "[]", '["stdin", 7]', '["resize", {}]', "null"):
            async with page_of(server) as page:
                await page.socket.send_str(nonsense)
                await page.end()
                assert page.socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
        async with page_of(server) as page:
            await page.see("7 reviewer|1 chat")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "desk.example", ""])
def test_a_host_that_others_can_reach_is_refused(world: ExecWorld, host: str) -> None:
    ran = world.run("serve", f"--host={host}")

    assert ran.code == 2
    assert "no login" in ran.err
    assert "ssh -L 8000:127.0.0.1:8000" in ran.err


async def test_a_port_that_is_taken_is_one_line(world: ExecWorld) -> None:
    async with serving(world, "--demo") as server:
        ran = await asyncio.to_thread(world.run, "serve", f"--port={server.host.rpartition(':')[2]}")

    assert ran.code == 2
    assert "--port N" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "textual_serve.py").write_text("raise ModuleNotFoundError('no', name='textual_serve')\n")
    ran = exec_world(tmp_path / "home", PYTHONPATH=str(tmp_path)).run("serve")

    assert ran.code == 2
    assert ran.err.splitlines() == [
        'llmdesk: llmdesk serve needs textual-serve. Install it with: pip install "llmdesk[web]"'
    ]
