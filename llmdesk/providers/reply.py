"""A reply whose headers are there: its body under every limit of docs/policy.md, R11, and what its head says.

Knows nothing of any wire format. Time comes from the event loop; bytes come in as an iterator whose exceptions are
already ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import zlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmdesk.core.errors import (
    AnswerCut,
    NoAnswer,
    ProviderError,
    RequestRejected,
    SetupBroken,
    WebPageAnswered,
)
from llmdesk.core.text import one_line, redact
from llmdesk.providers.retry_after import hint_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from llmdesk.providers.base import Endpoint

ERROR_BODY_S = 2.0
"""How long the text of an error is waited for, seconds: the status has already said what matters."""

_UNPACK_STEP = 64 * 1024


def seconds(value: float) -> str:
    """Print a duration: ``60 s``, ``0.2 s``."""
    return f"{value:g} s"


def size(value: int) -> str:
    """Print a size: ``8 MiB``, ``512 bytes``."""
    return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value:,} bytes".replace(",", " ")


class Limits:
    """The timers of one call.

    Until the first byte of the body counts ``first_token_s`` from the request, headers included; once the headers are
    there, silence counts as ``idle_s`` if that is over sooner. Then every byte restarts ``idle_s`` and every piece of
    content ``content_s``. ``total_s`` runs from start to end.

    Args:
        endpoint: its name and its time limits.
        clock: monotonic seconds, the clock of ``asyncio.timeout_at``.
        total_s: replaces the endpoint's limit on the whole call.
    """

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float], *, total_s: float | None = None) -> None:
        self._name = endpoint.name
        self._timeouts = endpoint.timeouts
        self._clock = clock
        self._total_s = total_s if total_s is not None else endpoint.timeouts.total_s
        started = clock()
        self._first_at = started + self._timeouts.first_token_s
        self._total_at = math.inf if self._total_s is None else started + self._total_s
        self._headers_at: float | None = None
        self._byte_at: float | None = None
        self._content_at = 0.0

    def headers_came(self) -> None:
        """Note that the head of the reply is there."""
        self._headers_at = self._clock()

    def byte_came(self) -> None:
        """Note that the body goes on."""
        now = self._clock()
        if self._byte_at is None:
            self._content_at = now
        self._byte_at = now

    def content_came(self) -> None:
        """Note that what came carried content."""
        self._content_at = self._clock()

    def deadline(self) -> float:
        """The time of the clock until which something must come."""
        return min(at for at, _ in self._waits())

    def expired(self) -> NoAnswer:
        """Say which limit was reached."""
        at, cause = min(self._waits())
        return NoAnswer(f"{self._name}: {cause}", last=at == self._total_at)

    def _waits(self) -> list[tuple[float, str]]:
        limits = self._timeouts
        waits = [(self._total_at, f"no complete answer within {seconds(self._total_s or 0)}.")]
        if self._byte_at is None:
            waits.append((self._first_at, f"no answer for {seconds(limits.first_token_s)}."))
            if self._headers_at is not None:
                waits.append((self._headers_at + limits.idle_s, f"no answer for {seconds(limits.idle_s)}."))
        else:
            waits.append((self._byte_at + limits.idle_s, f"silent for {seconds(limits.idle_s)} in mid-answer."))
            waits.append((self._content_at + limits.content_s, f"no text for {seconds(limits.content_s)}."))
        return waits


class Unpacker:
    """Unpacks a body that was compressed although ``identity`` was asked for, never past a limit (policy N11).

    Args:
        name: the provider, for messages.
        encoding: the ``Content-Encoding`` header.
        cap: bytes that may come out in all.
    """

    def __init__(self, name: str, encoding: str, cap: int) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise AnswerCut(one_line(f"{name}: the answer is packed as {encoding}, which was not asked for."))
        self._name = name
        self._left = cap
        self._inflate = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, told by its header

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` unpacks to, in small steps."""
        try:
            while data:
                plain = self._inflate.decompress(data, _UNPACK_STEP)
                data = self._inflate.unconsumed_tail
                self._left -= len(plain)
                if self._left < 0:
                    raise AnswerCut(f"{self._name}: the unpacked answer is larger than allowed.")
                if plain:
                    yield plain
        except zlib.error:
            raise AnswerCut(f"{self._name}: the packed answer is damaged.") from None


class Reply:
    """Status, headers and guarded body of one reply.

    Args:
        endpoint: who answers, with its limits.
        status: the HTTP status.
        headers: case-insensitive.
        raw: the body as it comes, exceptions already mapped.
        limits: the timers of this call, begun at the request.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        status: int,
        headers: Mapping[str, str],
        raw: AsyncGenerator[bytes, None],
        limits: Limits,
    ) -> None:
        self.endpoint = endpoint
        self.status = status
        self.headers = headers
        self._raw = raw
        self._limits = limits
        self._reason_cut = False
        limits.headers_came()

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def hint_s(self, now: float) -> float | None:
        """How long the server asks to wait, seconds; ``now`` is UTC epoch seconds."""
        return hint_from(self.headers.get("retry-after"), now)

    def content_came(self) -> None:
        """Restart the content timer: what was read last carried content."""
        self._limits.content_came()

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield the body, unpacked, as it comes.

        Raises:
            NoAnswer: a timer ran out.
            AnswerCut: the connection broke, or the body is packed badly.
        """
        encoding = self.headers.get("content-encoding", "").strip().lower()
        unpacker = None
        if encoding not in ("", "identity"):
            unpacker = Unpacker(self.endpoint.name, encoding, self.endpoint.caps.answer)
        async with contextlib.aclosing(self._raw) as raw:
            while True:
                try:
                    async with asyncio.timeout_at(self._limits.deadline()):
                        data = await anext(raw)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise self._limits.expired() from None
                self._limits.byte_came()
                if unpacker is None:
                    yield data
                else:
                    for plain in unpacker.feed(data):
                        yield plain
                        await asyncio.sleep(0)  # little comes in, much comes out: let others have their turn

    async def read(self, cap: int) -> bytes:
        """Read a whole body of at most ``cap`` bytes.

        Raises:
            NoAnswer: a timer ran out.
            AnswerCut: the connection broke, or there is more.
        """
        whole = bytearray()
        async with contextlib.aclosing(self.body()) as body:
            async for data in body:
                whole += data
                if len(whole) > cap:
                    raise AnswerCut(f"{self.endpoint.name}: the answer is larger than {size(cap)}.")
        return bytes(whole)

    async def error_body(self) -> bytes:
        """Read what there is of an error's text: at most the cap, for a short time, whatever else happens."""
        whole = bytearray()
        cap = self.endpoint.caps.error_body
        try:
            async with asyncio.timeout(ERROR_BODY_S), contextlib.aclosing(self.body()) as body:
                async for data in body:
                    whole += data
                    if len(whole) >= cap:
                        break
        except (ProviderError, TimeoutError):
            self._reason_cut = True
        return bytes(whole[:cap])

    def unless_cut(self, error: ProviderError) -> ProviderError:
        """The error itself, but where its text was cut off no verdict over the prompt (policy N6).

        What is missing may have said that the model is gone, or the key is wrong: others can still answer.
        """
        if not (self._reason_cut and isinstance(error, RequestRejected)):
            return error
        text = f"{self.endpoint.name}: refused ({self.status}), and the reason was cut off."
        return AnswerCut(text, http_status=self.status)

    async def drain(self, limit_s: float) -> None:
        """Read on to the end for a short time, so that the connection can be used again; what comes is dropped."""
        with contextlib.suppress(ProviderError, TimeoutError):
            async with asyncio.timeout(limit_s), contextlib.aclosing(self._raw) as raw:
                async for _ in raw:
                    pass

    def check_direct(self) -> None:
        """Refuse a reply that comes from something between us and the provider.

        Raises:
            SetupBroken: a redirect; it is never followed (policy R6).
            WebPageAnswered: a login portal (policy N9).
        """
        check_direct(self.endpoint, self.status, self.headers.get("location", ""))


def check_direct(endpoint: Endpoint, status: int, location: str) -> None:
    """See ``Reply.check_direct``; for callers that have only status and ``Location``."""
    name = endpoint.name
    if status == 511:
        raise WebPageAnswered(f"{name}: the network asks for a login (511). Sign in, then try again.", http_status=511)
    if not 300 <= status < 400:
        return
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    home = urlsplit(endpoint.base_url.strip()).hostname
    # A portal sends a browser elsewhere with 302 or 303; an API that moved keeps the method with 301, 307, 308.
    if status in (302, 303) and host is not None and host != home:
        text = f"{name}: redirected to {host}, not an answer (login portal or proxy?)."
        raise WebPageAnswered(one_line(redact(text)), http_status=status)
    text = f"{name}: redirected ({status}) to {host or home}, which is not followed. Correct base_url."
    raise SetupBroken(one_line(redact(text)), http_status=status)
