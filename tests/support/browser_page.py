"""`llmdesk serve` as a process, and a page that speaks its protocol without a browser: keys in, a screen out."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pyte

from tests.support.slowness import PATIENCE_S
from tests.support.terminal import as_pyte_knows

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator

    from tests.support.exec_world import ExecWorld

END_S = 60.0


class Serving:
    """A server that runs. ``url`` ends without a slash."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    async def interrupt(self) -> tuple[int, str]:
        """Press Ctrl+C; return the exit code and what was said on stderr."""
        self.process.send_signal(signal.SIGINT)
        _, said = await asyncio.to_thread(self.process.communicate, timeout=END_S)
        return self.process.returncode, said.decode()


@asynccontextmanager
async def serving(world: ExecWorld, *options: str) -> AsyncIterator[Serving]:
    """Start `llmdesk serve` on a free port; it is ended however the block is left."""
    process = world.start("serve", "--port=0", *options)
    assert process.stdout is not None
    try:
        url = (await asyncio.to_thread(process.stdout.readline)).decode().strip()
        assert url.startswith("http://"), process.stderr.read().decode() if process.stderr else ""
        yield Serving(process, url.rstrip("/"))
    finally:
        if process.poll() is None:
            process.terminate()
        await asyncio.to_thread(process.communicate, timeout=END_S)


class Screen:
    """What the bytes of a websocket make of an empty screen."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        self._stream.feed(as_pyte_knows(data))

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)


class Page:
    """A page that is open."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, screen: Screen) -> None:
        self.socket = socket
        self.screen = screen

    async def type(self, keys: str) -> None:
        await self.socket.send_json(["stdin", keys])

    async def see(self, pattern: str, seconds: float = PATIENCE_S) -> str:
        """Wait until the screen shows ``pattern``."""
        try:
            async with asyncio.timeout(seconds):
                while re.search(pattern, self.screen.text) is None:
                    message = await self.socket.receive()
                    if message.type is not aiohttp.WSMsgType.BINARY:
                        raise TimeoutError
                    self.screen.feed(message.data)
        except TimeoutError:
            raise AssertionError(f"/{pattern}/ is not on the page:\n{self.screen.text}") from None
        return self.screen.text

    async def end(self, seconds: float = PATIENCE_S) -> None:
        """Wait until the server closes the connection, taking what it still shows."""
        async with asyncio.timeout(seconds):
            async for message in self.socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.screen.feed(message.data)


@asynccontextmanager
async def page_of(server: Serving, *, columns: int = 100, rows: int = 30) -> AsyncIterator[Page]:
    """Open the desk's page as its own script does."""
    url = f"{server.url}/ws?width={columns}&height={rows}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers={"Origin": server.url}) as socket,
    ):
        yield Page(socket, Screen(columns, rows))
