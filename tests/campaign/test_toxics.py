"""Each toxin does to a real connection what its name says, and a clean wire changes nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.campaign.toxics import Doses, ToxicProxy
from tests.support.fault_server import FaultServer, Mark, Play, until
from tests.support.plays import plain, reset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.fault_server import Seen

BODY = b"0123456789" * 100
ASK = b"GET /api/version HTTP/1.1\r\nHost: here\r\n\r\n"


@asynccontextmanager
async def wired(play: Play | None = None, **doses: float) -> AsyncIterator[tuple[ToxicProxy, FaultServer]]:
    """A server that answers everything with ``play`` or ``BODY``, and a wire to it."""
    async with FaultServer() as server:
        server.respond = lambda _: play or Play(raw=(BODY, Mark.FIN))
        async with ToxicProxy(server.port, doses=Doses(**doses)) as wire:  # type: ignore[arg-type]
            yield wire, server


class Client:
    """A connection through the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.pieces: list[tuple[float, bytes]] = []
        self.began = time.monotonic()

    async def all(self) -> bytes:
        """Everything up to the end."""
        while data := await self.reader.read(65_536):
            self.pieces.append((time.monotonic() - self.began, data))
        return self.told

    @property
    def told(self) -> bytes:
        """What has come."""
        return b"".join(data for _, data in self.pieces)


@asynccontextmanager
async def connected(wire: ToxicProxy, ask: bytes = ASK) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(wire.host, wire.port)
    client = Client(reader, writer)
    writer.write(ask)
    try:
        yield client
    finally:
        writer.transport.abort()


async def test_a_clean_wire_hands_on_every_byte_both_ways() -> None:
    async with wired() as (wire, server), connected(wire) as client:
        assert await client.all() == BODY
        assert server.count("/api/version") == 1


async def test_a_clean_wire_hands_on_a_reset_as_a_reset() -> None:
    async with wired(reset()) as (wire, _), connected(wire) as client:
        with pytest.raises(ConnectionResetError):
            await client.all()


async def test_a_clean_wire_tells_the_server_that_the_client_has_left() -> None:
    async with wired(Play(raw=(b"so far", Mark.HOLD))) as (wire, server):
        async with connected(wire) as client:
            assert await client.reader.read(100) == b"so far"
        await until(lambda: server.requests[0].client_left_at)


async def test_a_client_that_does_not_read_holds_the_server_up() -> None:
    block = b"x" * 65_536

    def endless() -> list[bytes]:
        return [block] * 2_000

    sent: list[Seen] = []
    async with wired(Play(body=endless)) as (wire, server):
        server.on_over = sent.append
        async with connected(wire):
            await until(lambda: server.requests)
            link = next(iter(wire.links))
            await until(lambda: link.client.full)
            assert not sent  # 128 MiB are not in any buffer
        await until(lambda: sent)


async def test_latency_brings_an_answer_later() -> None:
    async with wired(latency_s=0.15, jitter_s=0.05) as (wire, _):
        wire.poison("latency")
        async with connected(wire) as client:
            assert await client.all() == BODY
            assert client.pieces[0][0] >= 0.09


async def test_a_wire_that_is_down_closes_at_once_and_what_was_open_too() -> None:
    async with wired(Play(raw=(b"so far", Mark.HOLD))) as (wire, server), connected(wire) as before:
        assert await before.reader.read(100) == b"so far"
        wire.poison("down")
        assert await before.all() == b""
        async with connected(wire) as after:
            with suppress(ConnectionResetError):  # when it had asked before it was closed
                await after.all()
            assert not after.pieces
        assert server.count() == 1
        await until(lambda: server.requests[0].client_left_at)


async def test_bandwidth_spreads_an_answer_over_time() -> None:
    async with wired(bandwidth=5_000) as (wire, _):
        wire.poison("bandwidth")
        async with connected(wire) as client:
            assert await client.all() == BODY
            assert client.pieces[-1][0] >= 0.15  # 1,000 bytes at 5,000 a second
            assert len(client.pieces) > 3


async def test_slow_close_brings_the_answer_at_once_and_its_end_later() -> None:
    async with wired(slow_close_s=0.15) as (wire, _):
        wire.poison("slow close")
        async with connected(wire) as client:
            assert await client.all() == BODY
            assert client.pieces[-1][0] <= time.monotonic() - client.began - 0.14


async def test_timeout_swallows_what_is_asked() -> None:
    async with wired() as (wire, server):
        wire.poison("timeout")
        async with connected(wire) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.all(), 0.1)
            assert not client.pieces
        assert server.count() == 0


async def test_timeout_swallows_the_rest_of_an_answer_and_its_end() -> None:
    async with wired(Play(raw=(b"so far", 0.1, b"the rest", Mark.FIN))) as (wire, _), connected(wire) as client:
        assert await client.reader.read(100) == b"so far"
        wire.poison("timeout")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.all(), 0.25)
        assert not client.pieces


async def test_reset_comes_in_the_middle_of_an_answer() -> None:
    async with wired(reset_after=300) as (wire, _):
        wire.poison("reset")
        async with connected(wire) as client:
            with pytest.raises(ConnectionResetError):
                await client.all()
            assert client.told == BODY[: len(client.told)]
            assert len(client.told) <= 300


async def test_slicer_cuts_an_answer_into_small_pieces() -> None:
    async with wired(slice_bytes=50, slice_s=0.005) as (wire, _):
        wire.poison("slicer")
        async with connected(wire) as client:
            assert await client.all() == BODY
            assert len(client.pieces) >= 5
            assert client.pieces[-1][0] >= 0.08


async def test_limit_closes_after_so_many_bytes() -> None:
    async with wired(limit=300) as (wire, _):
        wire.poison("limit")
        async with connected(wire) as client:
            assert await client.all() == BODY[:300]


async def test_a_wire_that_was_bad_is_good_again_for_connections_that_stayed() -> None:
    async with wired(plain(200, "well")) as (wire, server), connected(wire) as client:
        assert b"well" in await client.reader.readuntil(b"well")
        wire.poison("timeout")
        client.writer.write(ASK)
        await until(lambda: wire.swallowed == len(ASK))
        wire.poison("")
        client.writer.write(ASK)
        assert b"well" in await client.reader.readuntil(b"well")
        assert server.count() == 2


async def test_a_server_that_is_not_there_is_a_reset() -> None:
    async with FaultServer() as server:
        port = server.port
    async with ToxicProxy(port) as wire, connected(wire) as client:
        with pytest.raises(ConnectionResetError):
            await client.all()
