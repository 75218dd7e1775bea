"""A loopback server that does exactly what a test says, down to the segment, and writes down all it sees.

Unscripted, it is a healthy Ollama with one model. Scripted, each path has a queue of plays::

    async with FaultServer() as server:
        server.play("/api/chat", error(503, "Server overloaded"), chat_answer("Hello"))   # the first, then the second
        server.always("/api/tags", page())                                                # from now on
        ...  # point a provider at server.url
        assert server.count("/api/chat") == 2

For tests that run llmdesk as another process there is a form with a thread of its own::

    with FaultServer.in_thread() as server:
        subprocess.run([...], env={"OLLAMA_HOST": server.url, ...})

``on_request`` is called when a request has been read and before anything is answered: the moment at which a test looks
at files. An exception in it (a failed assertion) is raised again when the server is closed. ``respond`` chooses the
answer to each request where a queue by path is not enough, and ``on_over`` is called when the request is over,
whichever way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.support.ollama_answers import (
    chat_answer,
    chat_chunk,
    done_chunk,
    embeddings,
    generate_answer,
    healthy,
    line,
    loaded,
    model_entry,
    progress,
    ps,
    show,
    stream,
    tags,
    version,
)
from tests.support.plays import (
    Mark,
    Play,
    Step,
    banner,
    drip,
    error,
    gzip_bomb,
    hang_up,
    huge_header,
    json_answer,
    no_answer,
    page,
    plain,
    redirect,
    reset,
    steps_of,
)
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CERTIFICATE = Path(__file__).with_name("localhost-test.pem")
"""A self-signed certificate for ``localhost`` with its key; nobody trusts it, and nobody should."""


KEPT = 256 * 1024
"""How much of an answer is kept as ``Seen.sent``, bytes, and the last step that came to it."""


@dataclass(eq=False)
class Seen:
    """One request as it arrived, and what became of it.

    ``at``, ``client_left_at`` and ``over_at`` are ``time.monotonic()`` seconds. ``sent`` is what the kernel took of the
    answer's body, without its framing; of a long one the beginning.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float
    client_left_at: float | None = None
    played: bool = False
    over_at: float | None = None
    sent: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.target.partition("?")[0]

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class _Gone(Exception):
    """The client closed the connection, or a mark did."""


class _Connection(asyncio.Protocol):
    """One accepted connection: bytes in, bytes out, and the ways to end it."""

    def __init__(self, accepted: Callable[[_Connection], None]) -> None:
        self._accepted = accepted
        self._data = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.left_at: float | None = None
        self.lost = asyncio.Event()
        self.transport: asyncio.Transport = None  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        # What a write leaves in our own buffer is not sent: it has to be waited for.
        self.transport.set_write_buffer_limits(high=0)
        self._accepted(self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._changed.set()

    def eof_received(self) -> bool:
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self.lost.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _leave(self) -> None:
        if self.left_at is None:
            self.left_at = time.monotonic()
        self._changed.set()
        self._writable.set()

    async def _more(self) -> None:
        if self.left_at is not None:
            raise _Gone
        self._changed.clear()
        await self._changed.wait()

    async def read_until(self, separator: bytes) -> bytes:
        while separator not in self._data:
            await self._more()
        found, _, rest = bytes(self._data).partition(separator)
        self._data = bytearray(rest)
        return found

    async def read_exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            await self._more()
        found = bytes(self._data[:size])
        del self._data[:size]
        return found

    async def write(self, data: bytes) -> None:
        if self.left_at is not None:
            raise _Gone
        self.transport.write(data)
        # Yield even when the buffer has room, so that an endless body cannot starve the loop.
        await asyncio.sleep(0)
        await self._writable.wait()
        if self.left_at is not None and self.transport.get_write_buffer_size():
            raise _Gone

    async def pause(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._more()

    async def end(self, mark: Mark) -> None:
        if mark is Mark.HOLD:
            while True:
                await self._more()
        if mark is Mark.RST:
            found = self.transport.get_extra_info("socket")
            if found is not None:
                with contextlib.suppress(OSError):  # the client was faster: it is closed already
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()
        raise _Gone


@dataclass(eq=False)
class FaultServer:
    """See the module's first lines.

    Args:
        models: what ``/api/tags`` lists while it is not scripted.
        running: what ``/api/ps`` lists while it is not scripted.
        reply: what its models say while ``/api/chat`` and ``/api/generate`` are not scripted.
        host: the address to listen at.
        port: the port; 0 = any free one.
        tls: speak TLS with the untrusted certificate.
        greeting: bytes written as soon as a client has connected, after which the connection is closed.
        on_request: called with each request before it is answered.
        respond: the answer to a request; ``None`` = what is scripted for its path.
        on_over: called with each request when its answer, or the connection, is over.
    """

    models: Sequence[Mapping[str, object]] = field(default_factory=lambda: [model_entry("gemma3:4b")])
    running: Sequence[Mapping[str, object]] = ()
    reply: str = "Hello from Ollama."
    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    greeting: bytes | None = None
    on_request: Callable[[Seen], None] | None = None
    respond: Callable[[Seen], Play | None] | None = None
    on_over: Callable[[Seen], None] | None = None
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    faults: list[BaseException] = field(default_factory=list)

    _queues: dict[str, deque[Play]] = field(default_factory=dict)
    _sticky: dict[str, Play] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _open: set[_Connection] = field(default_factory=set)
    _server: asyncio.Server | None = None

    # --- script and log -------------------------------------------------------------------------------------------

    def play(self, path: str, *plays: Play) -> None:
        """Queue answers for ``path``, one a request; after them, what ``always`` says, else the healthy answer."""
        self._queues.setdefault(path, deque()).extend(plays)

    def always(self, path: str, play: Play) -> None:
        """Answer ``path`` so whenever its queue is empty."""
        self._sticky[path] = play

    def as_usual(self, path: str) -> None:
        """Answer ``path`` like a healthy server again, once its queue is empty."""
        self._sticky.pop(path, None)

    def forget(self) -> None:
        """Drop every script and the log of requests."""
        self._queues.clear()
        self._sticky.clear()
        self.requests.clear()

    def seen(self, path: str | None = None) -> list[Seen]:
        """The requests of ``path``, or all of them, in order of arrival."""
        return [request for request in list(self.requests) if path is None or request.path == path]

    def count(self, path: str | None = None) -> int:
        """How many requests of ``path`` arrived."""
        return len(self.seen(path))

    @property
    def url(self) -> str:
        """The address as a base URL."""
        name = "localhost" if self.tls else (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.tls else 'http'}://{name}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._open)

    # --- life -----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        context = None
        if self.tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._accept), self.host, self.port, ssl=context, start_serving=True
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._open):
            connection.transport.abort()
        await asyncio.gather(*self._tasks)
        if self.faults:
            raise self.faults[0]

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls, **settings: Any) -> Iterator[Self]:
        """Run a server in a thread of its own, for tests that are not coroutines."""
        server = cls(**settings)
        ready = threading.Event()
        stop: list[Callable[[], None]] = []
        failed: list[BaseException] = []

        async def run() -> None:
            async with server:
                done = asyncio.Event()
                loop = asyncio.get_running_loop()
                stop.append(lambda: loop.call_soon_threadsafe(done.set))
                ready.set()
                await done.wait()

        def main() -> None:
            try:
                asyncio.run(run())
            except BaseException as problem:
                failed.append(problem)
            finally:
                ready.set()

        thread = threading.Thread(target=main, name="fault-server")
        thread.start()
        ready.wait()
        try:
            if not stop:
                raise failed[0]
            yield server
        finally:
            for ask in stop:
                ask()
            thread.join()
        if failed:
            raise failed[0]

    # --- one connection -------------------------------------------------------------------------------------------

    def _accept(self, connection: _Connection) -> None:
        self.connections += 1
        self._open.add(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: _Connection, number: int) -> None:
        try:
            with contextlib.suppress(_Gone):
                if self.greeting is not None:
                    await connection.write(self.greeting)
                    await connection.end(Mark.FIN)
                while True:
                    await self._answer(connection, await self._read(connection, number))
        except Exception as problem:
            self.faults.append(problem)
        finally:
            connection.transport.close()
            await connection.lost.wait()
            self._open.discard(connection)

    async def _read(self, connection: _Connection, number: int) -> Seen:
        head = (await connection.read_until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._read_chunked(connection)
        else:
            body = await connection.read_exactly(int(headers.get("content-length", "0")))
        seen = Seen(method=method, target=target, headers=headers, body=body, connection=number, at=time.monotonic())
        self.requests.append(seen)
        return seen

    @staticmethod
    async def _read_chunked(connection: _Connection) -> bytes:
        body = b""
        while size := int(await connection.read_until(b"\r\n"), 16):
            body += await connection.read_exactly(size)
            await connection.read_exactly(2)
        await connection.read_until(b"\r\n")
        return body

    async def _answer(self, connection: _Connection, seen: Seen) -> None:
        if self.on_request is not None:
            self.on_request(seen)
        try:
            await self._perform(connection, self._next(seen), seen)
            seen.played = True
        finally:
            seen.client_left_at = connection.left_at
            seen.over_at = time.monotonic()
            if self.on_over is not None:
                self.on_over(seen)
        if seen.headers.get("connection", "").lower() == "close":
            await connection.end(Mark.FIN)

    def _next(self, seen: Seen) -> Play:
        if self.respond is not None and (play := self.respond(seen)) is not None:
            return play
        if queue := self._queues.get(seen.path):
            return queue.popleft()
        if seen.path in self._sticky:
            return self._sticky[seen.path]
        return healthy(seen.path, seen.method, seen.json, models=self.models, running=self.running, reply=self.reply)

    async def _perform(self, connection: _Connection, play: Play, seen: Seen) -> None:
        if play.raw is not None:
            await self._run(connection, play.raw)
            return
        await self._run(connection, play.before)
        await self._head(connection, play)
        chunked = play.framing == "chunked"
        await self._run(connection, play.body, chunked=chunked, sent=seen.sent)
        if chunked:
            await connection.write(b"0\r\n\r\n")
        elif play.framing == "close" or play.length is not None:
            await connection.end(Mark.FIN)

    @staticmethod
    async def _head(connection: _Connection, play: Play) -> None:
        names = {name.lower() for name in play.headers}
        headers = dict(play.headers)
        if "content-type" not in names:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if play.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif play.framing == "length":
            real = sum(len(step) for step in steps_of(play.body) if isinstance(step, bytes))
            headers["Content-Length"] = str(real if play.length is None else play.length)
        try:
            reason = HTTPStatus(play.status).phrase
        except ValueError:
            reason = "Status"
        # A header with an empty value in the play means: do not send it.
        text = f"{play.version} {play.status} {reason}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value) + "\r\n"
        raw = text.encode("latin-1")
        if play.head_pause_s is None:
            await connection.write(raw)
            return
        for step in drip(raw, play.head_pause_s):
            await (connection.write(step) if isinstance(step, bytes) else connection.pause(float(step)))  # type: ignore[arg-type]

    @staticmethod
    async def _run(
        connection: _Connection, steps: Any, *, chunked: bool = False, sent: bytearray | None = None
    ) -> None:
        for step in steps_of(steps):
            if isinstance(step, Mark):
                await connection.end(step)
            elif isinstance(step, bytes):
                if step:
                    await connection.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
                    if sent is not None and len(sent) < KEPT:
                        sent += step
            else:
                await connection.pause(float(step))


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Listen at a port where connecting neither works nor fails: its queue of waiting connections is full (Linux)."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


async def until(condition: Callable[[], object], limit_s: float = PATIENCE_S) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not become true within ``limit_s`` seconds.
    """
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.002)


def free_port(host: str = "127.0.0.1") -> int:
    """A port at which nobody listens."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


__all__ = [
    "CERTIFICATE",
    "FaultServer",
    "Mark",
    "Play",
    "Seen",
    "Step",
    "banner",
    "black_hole",
    "chat_answer",
    "chat_chunk",
    "done_chunk",
    "drip",
    "embeddings",
    "error",
    "free_port",
    "generate_answer",
    "gzip_bomb",
    "hang_up",
    "huge_header",
    "json_answer",
    "line",
    "loaded",
    "model_entry",
    "no_answer",
    "page",
    "plain",
    "progress",
    "ps",
    "redirect",
    "reset",
    "show",
    "stream",
    "tags",
    "until",
    "version",
]
