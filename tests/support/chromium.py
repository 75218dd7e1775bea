"""A headless Chromium, driven over its own protocol: open a page, press keys, read what its websocket showed, look.

https://chromedevtools.github.io/devtools-protocol/ (Page, Input, Network, Runtime).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.support.browser_page import Screen
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--headless", "--remote-debugging-port=0", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip

KEYS = {
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Escape": {"code": "Escape", "windowsVirtualKeyCode": 27},
    "F1": {"code": "F1", "windowsVirtualKeyCode": 112},
    "F2": {"code": "F2", "windowsVirtualKeyCode": 113},
    "F6": {"code": "F6", "windowsVirtualKeyCode": 117},
    "PageDown": {"code": "PageDown", "windowsVirtualKeyCode": 34},
}
CTRL = 2


def find_chromium() -> str | None:
    """The browser that ``LLMDESK_TEST_CHROMIUM`` names, or the first one on the path."""
    return os.environ.get("LLMDESK_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, screen: Screen) -> None:
        self.screen = screen
        self.asked: list[str] = []
        self.refused: list[str] = []
        self._socket = socket
        self._ids = itertools.count(1)

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call a method of the protocol and wait for its result."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._socket.receive_json()
        params = message.get("params", {})
        match message.get("method"):
            case "Network.webSocketFrameReceived" if params["response"]["opcode"] == 2:
                self.screen.feed(base64.b64decode(params["response"]["payloadData"]))
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Network.loadingFailed" | "Log.entryAdded":
                self.refused.append(str(params))
        return message

    async def see(self, pattern: str, seconds: float = PATIENCE_S) -> str:
        """Wait until the page has been shown ``pattern``."""
        try:
            async with asyncio.timeout(seconds):
                while re.search(pattern, self.screen.text) is None:
                    await self._next()
        except TimeoutError:
            raise AssertionError(f"/{pattern}/ is not on the page:\n{self.screen.text}") from None
        return self.screen.text

    async def type(self, text: str) -> None:
        for char in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=char, key=char)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=char)

    async def press(self, key: str, *, modifiers: int = 0) -> None:
        more = dict(KEYS[key])
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **more)
        more.pop("text", None)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, **more)

    async def value_of(self, expression: str) -> Any:
        return (await self.call("Runtime.evaluate", expression=expression))["result"].get("value")

    async def picture(self) -> bytes:
        """What is painted, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def tab_at(program: str, url: str, *, columns: int, rows: int) -> AsyncIterator[Tab]:
    """Start the browser with this page; ``columns`` and ``rows`` are what the desk will find it to be."""
    folder = Path(tempfile.mkdtemp(prefix="llmdesk-chromium-"))
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    browser = subprocess.Popen(
        [program, *FLAGS, *root, f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (told := folder / "DevToolsActivePort").exists() or len(told.read_text().splitlines()) < 2:
                assert browser.poll() is None, f"{program} ended with {browser.returncode}"
                await asyncio.sleep(0.02)
        control = f"http://127.0.0.1:{told.read_text().splitlines()[0]}"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{control}/json/list") as answer:
                target = next(page for page in await answer.json(content_type=None) if page["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket, Screen(columns, rows))
                for domain in ("Network", "Page", "Log", "Runtime"):
                    await tab.call(f"{domain}.enable")
                await tab.call("Emulation.setDeviceMetricsOverride", width=1200, height=760, deviceScaleFactor=1,
                               mobile=False)  # fmt: skip
                await tab.call("Page.navigate", url=url)
                yield tab
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGTERM)  # what is on the path may be a script around the browser
        await asyncio.to_thread(browser.wait, 20)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
