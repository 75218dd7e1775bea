"""The demo's HTTP server, over real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from llmdesk.demo.server import MAX_HEAD, ConnectionCut, HttpServer, Reply, Stream
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from llmdesk.demo.server import Request


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        yield client


async def _echo(request: Request) -> Reply:
    return Reply(body=f"{request.method} {request.path} ".encode() + request.body, content_type="text/plain")


async def test_a_body_comes_back_with_its_length(client: httpx.AsyncClient) -> None:
    async with HttpServer(_echo) as server:
        reply = await client.post(server.url + "/x?y=1", content=b"hello")
    assert reply.text == "POST /x hello"
    assert reply.headers["content-length"] == str(len(reply.content))


async def test_one_connection_serves_many_requests() -> None:
    async with HttpServer(_echo) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        for path in (b"/a", b"/b"):
            writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"200 OK" in head
            assert await reader.readexactly(len(b"GET /a ")) == b"GET " + path + b" "
        writer.close()
        await writer.wait_closed()


async def test_a_chunked_request_body_is_read_whole(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield b"one "
        yield b"two"

    async with HttpServer(_echo) as server:
        reply = await client.post(server.url + "/x", content=parts())
    assert reply.text == "POST /x one two"


async def test_head_has_the_length_but_no_body(client: httpx.AsyncClient) -> None:
    async with HttpServer(_echo) as server:
        reply = await client.head(server.url + "/x")
        assert reply.headers["content-length"] == "8"
        assert reply.content == b""
        assert (await client.get(server.url + "/y")).text == "GET /y "


async def test_lines_arrive_one_by_one_while_the_rest_is_still_to_come(client: httpx.AsyncClient) -> None:
    go_on = asyncio.Event()

    async def lines() -> AsyncGenerator[bytes, None]:
        yield b"first\n"
        await go_on.wait()
        yield b"second\n"

    async def handler(_request: Request) -> Stream:
        return Stream(lines())

    async with HttpServer(handler) as server, client.stream("GET", server.url) as reply:
        assert reply.headers["content-type"] == "application/x-ndjson"
        seen = []
        async for line in reply.aiter_lines():
            seen.append(line)
            go_on.set()
    assert seen == ["first", "second"]


async def test_a_cut_leaves_the_chunked_body_incomplete(client: httpx.AsyncClient) -> None:
    async def lines() -> AsyncGenerator[bytes, None]:
        yield b"first\n"
        await asyncio.sleep(0)
        raise ConnectionCut

    async def handler(_request: Request) -> Stream:
        return Stream(lines())

    async with HttpServer(handler) as server:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get(server.url)


async def test_a_client_that_leaves_closes_the_generator(client: httpx.AsyncClient) -> None:
    closed = asyncio.Event()

    async def lines() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    async def handler(_request: Request) -> Stream:
        return Stream(lines())

    async with HttpServer(handler) as server:
        async with client.stream("GET", server.url) as reply:
            assert await anext(reply.aiter_lines()) == "more"
        await asyncio.wait_for(closed.wait(), PATIENCE_S)


async def test_leaving_the_server_ends_open_streams_at_once(client: httpx.AsyncClient) -> None:
    async def lines() -> AsyncGenerator[bytes, None]:
        yield b"first\n"
        await asyncio.Event().wait()

    async def handler(_request: Request) -> Stream:
        return Stream(lines())

    server = HttpServer(handler)
    async with server:
        request = client.build_request("GET", server.url)
        reply = await client.send(request, stream=True)
    with pytest.raises(httpx.TransportError):
        await reply.aread()
    await reply.aclose()


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_request_gets_400_and_a_closed_connection(raw: bytes) -> None:
    async with HttpServer(_echo) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(raw)
        try:
            answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        except ConnectionResetError:
            answer = b""  # the server closed while the rest of an oversized head was still on its way
        writer.close()
        oversized = len(raw) > MAX_HEAD
        assert answer.startswith(b"HTTP/1.1 400") or (oversized and not answer)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(b"GET /still HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"GET /still ")
        writer.close()
        await writer.wait_closed()
