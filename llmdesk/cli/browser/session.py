"""One page's desk: a process of its own, fed with what the browser sends, ended when the page is closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from textual_serve.app_service import AppService

from llmdesk.core.text import sanitise

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence

    from aiohttp import web
    from textual_serve.download_manager import DownloadManager

LEAVE_S = 5.0
"""How long a desk may take to write everything down and end before it is told to, and again before it is made to."""

GREETING = b"__GANGLION__\n"
"""What Textual's web driver writes before its first packet."""

DRIVER = "llmdesk.tui.browser:BrowserDriver"

OF_ANOTHER_SCREEN = ("TMUX", "STY", "ZELLIJ", "DISPLAY", "WAYLAND_DISPLAY", "LLMDESK_ACCESSIBLE", "COLORFGBG")
"""Variables that tell of the server's terminal and desktop: the page is on another screen, perhaps far away."""

CLEAN = b"\x1b[?1049l\x1b[0m\x1b[2J\x1b[H"
"""Leaves what the desk has painted for an empty screen."""

_KEPT_WORDS = 4096


class DeskSession(AppService):
    """A desk process behind one websocket.

    Args:
        argv: the command line of the desk.
        websocket: where its screen is shown.
        downloads: the files it hands to the browser.
    """

    def __init__(self, argv: Sequence[str], websocket: web.WebSocketResponse, downloads: DownloadManager) -> None:
        super().__init__(
            shlex.join(argv),
            write_bytes=self._show,
            write_str=self._tell,
            close=self._hang_up,
            download_manager=downloads,
        )
        self.last_words = ""
        self._argv = argv
        self._websocket = websocket

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        environment = super()._build_environment(width, height)
        for name in OF_ANOTHER_SCREEN:
            environment.pop(name, None)
        own = {"TEXTUAL_DRIVER": DRIVER, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUNBUFFERED": "1"}
        return environment | own

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        # In a group of its own: Ctrl+C on the server's terminal is for the server, which then ends each desk in order.
        apart = {"start_new_session": True} if os.name == "posix" else {"creationflags": _WINDOWS_GROUP}
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._build_environment(width, height),
            **apart,
        )
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Pass on what the desk shows until it ends; a desk that could not be opened leaves its reason on the page."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        words = asyncio.create_task(_last_words(process.stderr))
        with contextlib.suppress(asyncio.IncompleteReadError, ValueError):
            if await process.stdout.readline() == GREETING:
                await self._relay(process.stdout)
        await process.stdout.read()
        await process.wait()
        self.last_words = sanitise((await words).decode("utf-8", "replace")).strip()
        if self.last_words:
            await self._show(CLEAN + self.last_words.replace("\n", "\r\n").encode() + b"\r\n")
        if process.stdin is not None:
            process.stdin.close()
        await self._hang_up()

    async def _relay(self, stdout: asyncio.StreamReader) -> None:
        takers = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        while True:
            kind = await stdout.readexactly(1)
            payload = await stdout.readexactly(int.from_bytes(await stdout.readexactly(4), "big"))
            await takers[kind](payload)

    async def on_meta(self, data: bytes) -> None:
        """Take what the desk says beside its screen; that it leaves the screen is not yet its end."""
        if json.loads(data).get("type") != "exit":
            await super().on_meta(data)

    async def stop(self) -> None:
        """Tell the desk that its screen is gone, and see that it ends."""
        task, process = self._task, self._process
        if task is None or process is None:
            return
        self._task = None
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        telling = asyncio.create_task(self.send_meta({"type": "quit"}))
        for make_end in (process.terminate, process.kill):
            done, _ = await asyncio.wait([task], timeout=LEAVE_S)
            if done:
                break
            with contextlib.suppress(ProcessLookupError):
                make_end()
        await asyncio.gather(task, telling)

    # --- the browser's end, which may be gone at any time ----------------------------------------------------------

    async def _show(self, screen: bytes) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._websocket.send_bytes(screen)

    async def _tell(self, message: str) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._websocket.send_str(message)

    async def _hang_up(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._websocket.close()


_WINDOWS_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


async def _last_words(stderr: asyncio.StreamReader) -> bytes:
    """Read all that the desk complains about, and keep the end."""
    kept = b""
    while piece := await stderr.read(_KEPT_WORDS):
        kept = (kept + piece)[-_KEPT_WORDS:]
    return kept
