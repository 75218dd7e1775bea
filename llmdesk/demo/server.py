"""A small HTTP/1.1 server for loopback: keep-alive, bodies with a length, lines in chunks; standard library only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import TracebackType

MAX_HEAD = 64 * 1024
"""The longest request line and header block, bytes; asyncio's own default."""

MAX_BODY = 64 * 1024 * 1024
"""The longest request body, bytes: room for a few attached images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came. Header names are lower case; ``path`` has no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer whose length is known."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent chunk by chunk as ``lines`` yields; always status 200."""

    lines: AsyncGenerator[bytes, None]
    content_type: str = "application/x-ndjson"


class ConnectionCut(Exception):
    """Raised by a handler or its lines: break the connection off where it is, as a dying server does."""


class _BadRequest(Exception):
    """What came is not a request this server reads."""


Handler = Callable[[Request], Awaitable[Reply | Stream]]


class HttpServer:
    """Serves one handler on a free loopback port, in the running loop, for as long as it is entered."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[object]] = set()
        self.url = ""
        """``http://127.0.0.1:PORT`` while serving."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and break off whatever is still open."""
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionCut, asyncio.CancelledError):
            # A cancelled connection ends here: the server is closing and waits for this task to be done.
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read and answer one request; false when the connection is over."""
        try:
            request = await _read_request(reader)
        except (_BadRequest, asyncio.LimitOverrunError, ValueError):
            _write_reply(writer, Reply(status=400, body=b"400 Bad Request", content_type="text/plain"), keep=False)
            await writer.drain()
            return False
        if request is None:
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        answer = await self._handler(request)
        if isinstance(answer, Reply):
            _write_reply(writer, answer, keep=keep, head_only=request.method == "HEAD")
            await writer.drain()
            return keep
        async with contextlib.aclosing(answer.lines) as lines:
            writer.write(_head(200, {"Content-Type": answer.content_type, "Transfer-Encoding": "chunked"}, keep=keep))
            async for line in lines:
                writer.write(b"%x\r\n%b\r\n" % (len(line), line))
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return keep


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; ``None`` when the client closed between two."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, _, target = first.partition(" ")
    target, _, version = target.rpartition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise _BadRequest
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise _BadRequest
        body = await reader.readexactly(length)
    return Request(method=method, path=target.partition("?")[0], headers=headers, body=body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a chunked request body; trailers are not expected and so not read."""
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        if size < 0 or len(body) + size > MAX_BODY:
            raise _BadRequest
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return bytes(body)


def _write_reply(writer: asyncio.StreamWriter, reply: Reply, *, keep: bool, head_only: bool = False) -> None:
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body)), **reply.headers}
    writer.write(_head(reply.status, headers, keep=keep) + (b"" if head_only else reply.body))


def _head(status: int, headers: Mapping[str, str], *, keep: bool) -> bytes:
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
