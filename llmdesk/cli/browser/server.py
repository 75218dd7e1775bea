"""The server: a page, its scripts, and a websocket behind which a desk runs; only for this machine's own browser."""

from __future__ import annotations

import asyncio
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.server import Server

from llmdesk.cli.browser.address import is_own_host, is_own_origin
from llmdesk.cli.browser.session import DeskSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

LARGEST_MESSAGE = 64 * 1024 * 1024
"""A paste comes as one message; the desk has its own limit for what it takes, bytes."""

LARGEST_SIDE = 1000
"""Columns or rows; what a browser asks for beyond this is no screen."""

FONT_SIZE = 16


class DeskServer(Server):
    """Serves desks to the browser.

    Args:
        argv: the command line that opens one.
        title: what the page is called.
        complain: told what a desk said on stderr before it ended.
    """

    def __init__(self, argv: Sequence[str], *, title: str, complain: Callable[[str], None]) -> None:
        super().__init__("llmdesk", title=title)
        self._argv = argv
        self._complain = complain
        self._open: dict[DeskSession, web.WebSocketResponse] = {}
        ours = files("llmdesk.cli.browser")
        self._page = (ours / "page.html").read_text(encoding="utf-8")
        self._script = (ours / "page.js").read_text(encoding="utf-8")

    async def application(self) -> web.Application:
        """The routes, behind the guard."""
        app = web.Application(middlewares=[_guard])
        app.add_routes(
            [
                web.get("/", self.handle_page),
                web.get("/page.js", self.handle_script),
                web.get("/ws", self.handle_websocket),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
            ]
        )
        app.on_response_prepare.append(_harden)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def handle_page(self, request: web.Request) -> web.Response:
        """The page; the websocket is sought where the browser found the page, be it at the end of a tunnel."""
        size = request.query.get("fontsize", "")
        values = {
            "title": self.title,
            "host": request.host,
            "font_size": size if size.isascii() and size.isdigit() and len(size) < 3 else str(FONT_SIZE),
        }
        page = self._page
        for name, value in values.items():
            page = page.replace("{" + name + "}", escape(value))
        return web.Response(text=page, content_type="text/html")

    async def handle_script(self, request: web.Request) -> web.Response:
        """What the page does beside showing the desk."""
        del request
        return web.Response(text=self._script, content_type="text/javascript")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Open a desk for a page, and end it with the page."""
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=LARGEST_MESSAGE)
        await websocket.prepare(request)
        session = DeskSession(self._argv, websocket, self.download_manager)
        self._open[session] = websocket
        try:
            await session.start(*_size(request.query.get("width"), request.query.get("height")))
            await _listen(websocket, session)
        finally:
            await asyncio.shield(self._end(session))
        return websocket

    async def _end(self, session: DeskSession) -> None:
        await session.stop()
        if self._open.pop(session, None) is not None and session.last_words:
            self._complain(session.last_words)

    async def on_shutdown(self, app: web.Application) -> None:
        """End every desk."""
        del app
        await asyncio.gather(*(self._end(session) for session in tuple(self._open)))


async def _listen(websocket: web.WebSocketResponse, session: DeskSession) -> None:
    """Pass on what the browser sends; what is not of its protocol ends the connection."""
    async for message in websocket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            await _pass_on(json.loads(message.data), websocket, session)
        except (ValueError, TypeError, LookupError, AttributeError):
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA)


async def _pass_on(envelope: object, websocket: web.WebSocketResponse, session: DeskSession) -> None:
    match envelope:
        case ["stdin", str(keys)]:
            await session.send_bytes(keys.encode("utf-8", "replace"))
        case ["resize", {"width": width, "height": height}]:
            await session.set_terminal_size(*_size(width, height))
        case ["ping", sent]:
            await websocket.send_json(["pong", sent])
        case ["blur"]:
            await session.blur()
        case ["focus"]:
            await session.focus()
        case _:
            raise ValueError(envelope)


def _size(width: object, height: object) -> tuple[int, int]:
    """A screen's size; what is none becomes the usual one."""

    def side(value: object, usual: int) -> int:
        try:
            return min(max(int(str(value)), 1), LARGEST_SIDE)
        except ValueError:
            return usual

    return side(width, 80), side(height, 24)


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn away what is not this machine's own browser on our own page."""
    origin = request.headers.get("Origin")
    if not is_own_host(request.host):
        raise web.HTTPForbidden(text="This desk answers to 127.0.0.1 and localhost only.\n")
    if (origin is not None or request.path == "/ws") and not is_own_origin(origin or "", request.host):
        raise web.HTTPForbidden(text="This desk answers to its own page only.\n")
    return await handler(request)


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    """Let the page load nothing from elsewhere, and nobody show it inside of theirs."""
    response.headers.update(
        {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                f"font-src 'self'; connect-src 'self' ws://{request.host}; frame-ancestors 'none'; "
                "base-uri 'none'; form-action 'none'"
            ),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cache-Control": "no-store",
        }
    )
