"""A wire that can be made bad: a TCP proxy with the eight usual toxics, which change while connections are open.

What the client sends goes through as it is (but for ``timeout``); what the server answers is what suffers::

    async with ToxicProxy(server.port) as wire:
        ...  # a provider at wire.url
        wire.poison("latency")
        wire.poison("")  # good again

One loop, no threads; without a toxin each piece is handed on in the call that brought it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from tests.campaign.sequence import Toxin

WAITING = 64 * 1024
"""How much of an answer may wait in a link before no more is read, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doses:
    """How strong each toxin is.

    Args:
        latency_s: how much later each piece of an answer comes, seconds.
        jitter_s: and by so much more or less, seconds.
        bandwidth: bytes a second.
        slow_close_s: how much later an end comes, seconds.
        reset_after: bytes of answers after which a connection is reset.
        slice_bytes: the largest piece that comes at once.
        slice_s: the pause behind it, seconds.
        limit: bytes of answers after which a connection is closed.
    """

    latency_s: float = 0.05
    jitter_s: float = 0.03
    bandwidth: int = 8 * 1024
    slow_close_s: float = 0.2
    reset_after: int = 230
    slice_bytes: int = 24
    slice_s: float = 0.002
    limit: int = 260


class _Side(asyncio.Protocol):
    """One of the two connections of a link."""

    def __init__(self, link: _Link, *, client: bool) -> None:
        self.link = link
        self.is_client = client
        self.transport: asyncio.Transport | None = None
        self.over = False
        self.full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.link.made(self)

    def data_received(self, data: bytes) -> None:
        self.link.asked(data) if self.is_client else self.link.answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        self.link.lost(self, exc)

    def pause_writing(self) -> None:
        self.full = True
        self.link.flow(self)

    def resume_writing(self) -> None:
        self.full = False
        self.link.flow(self)

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.over:
            self.transport.write(data)

    def close(self) -> None:
        """End it properly: what was written still arrives."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End it with a reset."""
        if self.transport is None:
            return
        found = self.transport.get_extra_info("socket")
        if found is not None and not self.over:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class _Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, proxy: ToxicProxy) -> None:
        self._proxy = proxy
        self.client = _Side(self, client=True)
        self.server = _Side(self, client=False)
        self._early: list[bytes] = []
        self._waiting: deque[bytes | Literal["end", "reset"]] = deque()
        self._size = 0
        self._pump: asyncio.Task[None] | None = None
        self._came = 0
        self._connecting: asyncio.Task[object] | None = None

    # --- what the two sides report ------------------------------------------------------------------------------------

    def made(self, side: _Side) -> None:
        if side.is_client:
            self._proxy.links.add(self)
            if self._proxy.toxin == "down":
                self.close()
                return
            self._connecting = self._proxy.keep(self._connect())
            return
        if self.client.over:
            side.close()
            return
        for data in self._early:
            side.write(data)
        self._early.clear()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.server, self._proxy.host, self._proxy.upstream)
        except OSError:
            self.server.over = True
            self.client.reset()

    def asked(self, data: bytes) -> None:
        if self._proxy.toxin == "timeout":
            self._proxy.swallowed += len(data)
            return
        if self.server.transport is None:
            self._early.append(data)
        else:
            self.server.write(data)

    def answered(self, data: bytes) -> None:
        if self._pump is None and not self._proxy.toxin:
            self.client.write(data)
            return
        self._waiting.append(data)
        self._size += len(data)
        self.flow(self.client)
        self._start()

    def lost(self, side: _Side, exc: Exception | None) -> None:
        if side.is_client:
            self._size = 0
            self._waiting.clear()
            if self._pump is not None:
                self._pump.cancel()
            (self.server.reset if exc is not None else self.server.close)()
        else:
            self._waiting.append("end" if exc is None else "reset")
            self._start()
        self._forget()

    def flow(self, side: _Side) -> None:
        """Let the other side be read only while this one takes what comes."""
        other = (self.server if side.is_client else self.client).transport
        if other is None or other.is_closing():
            return
        if side.full or (side.is_client and self._size > WAITING):
            other.pause_reading()
        else:
            other.resume_reading()

    def close(self) -> None:
        """End both at once."""
        self.client.close()
        self.server.close()

    def _forget(self) -> None:
        if self.client.over and (self.server.over or self.server.transport is None):
            self._proxy.links.discard(self)

    # --- the answer on its way ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._pump is None and not self.client.over:
            self._pump = self._proxy.keep(self._carry())

    async def _carry(self) -> None:
        """Hand on what waits, each piece as the toxin of the moment has it."""
        try:
            while self._waiting and not self.client.over:
                piece = self._waiting.popleft()
                if isinstance(piece, bytes):
                    await self._piece(piece)
                    self._size -= len(piece)
                    self.flow(self.client)
                elif self._proxy.toxin == "timeout":
                    continue  # not even the end arrives
                else:
                    if self._proxy.toxin == "slow close":
                        await asyncio.sleep(self._proxy.doses.slow_close_s)
                    (self.client.close if piece == "end" else self.client.reset)()
        finally:
            self._pump = None

    async def _piece(self, data: bytes) -> None:
        doses, toxin = self._proxy.doses, self._proxy.toxin
        match toxin:
            case "latency":
                late = doses.latency_s + self._proxy.dice.uniform(-doses.jitter_s, doses.jitter_s)
                await asyncio.sleep(max(0.0, late))
                self.client.write(data)
            case "bandwidth":
                await self._sliced(data, max(1, doses.bandwidth // 100), 0.01)
            case "slicer":
                await self._sliced(data, doses.slice_bytes, doses.slice_s)
            case "timeout":
                self._proxy.swallowed += len(data)
            case "reset":
                self._up_to(data, doses.reset_after, self.client.reset)
            case "limit":
                self._up_to(data, doses.limit, self.close)
            case "" | "slow close" | "down":
                self.client.write(data)

    async def _sliced(self, data: bytes, size: int, pause_s: float) -> None:
        for start in range(0, len(data), size):
            self.client.write(data[start : start + size])
            await asyncio.sleep(pause_s)

    def _up_to(self, data: bytes, most: int, then: object) -> None:
        part = data[: max(0, most - self._came)]
        self._came += len(part)
        if part:
            self.client.write(part)
        if self._came >= most:
            assert callable(then)
            then()

    def clean(self) -> None:
        """Another toxin begins to count anew."""
        self._came = 0


@dataclass(eq=False)
class ToxicProxy:
    """See the module's first lines.

    Args:
        upstream: the server's port.
        doses: how strong the toxins are.
        seed: of what is drawn (jitter).
        host: both addresses.
        swallowed: how many bytes did not arrive.
    """

    upstream: int
    doses: Doses = field(default_factory=Doses)
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    toxin: Toxin | Literal[""] = ""
    links: set[_Link] = field(default_factory=set)
    dice: random.Random = field(default_factory=random.Random)
    swallowed: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address as a base URL."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self.dice = random.Random(self.seed)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self.links):
            for side in (link.client, link.server):
                if side.transport is not None:
                    side.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while any(side.transport is not None and not side.over for link in self.links for side in _both(link)):
            await asyncio.sleep(0)

    def poison(self, toxin: Toxin | Literal[""]) -> None:
        """Make the wire bad, or good again, for every connection there is and every one that comes."""
        self.toxin = toxin
        for link in list(self.links):
            link.clean()
            if toxin == "down":
                link.close()

    def keep(self, work: object) -> asyncio.Task[None]:
        """Run a coroutine of a link until it is done or the proxy is closed."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _accept(self) -> _Side:
        return _Link(self).client


def _both(link: _Link) -> tuple[_Side, _Side]:
    return link.client, link.server
