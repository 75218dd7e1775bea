"""What every wire over HTTP does alike: let only data through, read one object, follow a stream to its end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import AnswerCut, ProviderError, WebPageAnswered
from llmdesk.core.json_cost import LEAVES
from llmdesk.core.types import Completed
from llmdesk.providers.answer_log import telling
from llmdesk.providers.ndjson import FrameBroken, document, objects
from llmdesk.providers.sse import EventSplitter
from llmdesk.providers.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator

    from llmdesk.core.types import ProviderEvent, Usage
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.reply import Reply
    from llmdesk.providers.sse import ServerEvent

    Events = Iterator[ServerEvent]

CONTROL_S = 10.0
"""Limit on a call that only asks about models or the account, seconds."""

DRAIN_S = 0.1
"""How long the proper end of a complete answer is waited for, seconds, to keep the connection."""

TAIL_S = 2.0
"""How long a server that has said how the answer ended is waited for to tell what it cost, seconds."""

_MANY = 64 * 1024
"""Bytes of JSON that take longer to decode than a frame of the screen lasts are decoded in a thread."""

_JSON = frozenset({"application/json", "text/json", "application/problem+json"})
_EVENTS = "text/event-stream"


class Reader(Protocol):
    """Follows the answer of one request on one wire.

    ``Completed`` is made once: by ``read``, of the event that says so, or by ``end``, where more may come after that.
    """

    completed: bool
    """Nothing more need be read."""
    ended: bool
    """The wire has said how the answer ended (policy R1); what may still come is usage."""
    had_content: bool
    """Whether anything carried content since this was set to false."""

    def read(self, event: ServerEvent) -> Iterable[ProviderEvent]:
        """Turn one event of the stream into ours.

        Raises:
            ProviderError: it is an error, or not what belongs here.
            FrameBroken: it is no JSON.
        """
        ...

    def read_whole(self, value: object) -> Iterable[ProviderEvent]:
        """Turn a reply that came as one JSON document into events, the last one ``Completed``.

        Raises:
            ProviderError: it is an error, or not complete.
        """
        ...

    def end(self) -> Iterable[ProviderEvent]:
        """The body is over, or ``completed``: what is still owed. Not asked for where ``read`` has made ``Completed``.

        Raises:
            AnswerCut: the wire never said how the answer ended.
        """
        ...

    def cut(self, cause: str = "") -> AnswerCut:
        """Say that the answer ended before it was complete."""
        ...

    def used(self) -> Usage | None:
        """What the provider has said was used; ``None`` = nothing said."""
        ...

    def served(self) -> str:
        """The model that the provider has said answers; empty = it told none."""
        ...


def web_page(endpoint: Endpoint) -> WebPageAnswered:
    """Say that a web page came where an answer was expected."""
    return WebPageAnswered(
        f"{endpoint.name}: got a web page instead of an answer (login portal or proxy?).", http_status=200
    )


def refuse_page(endpoint: Endpoint, data: bytes) -> None:
    """Refuse a body without a type that begins like a page.

    Raises:
        WebPageAnswered: it does.
    """
    if data.startswith(b"<"):
        raise web_page(endpoint)


async def json_value(reply: Reply, *, cap: int | None = None, leaves: int = LEAVES) -> object:
    """Read a whole body as one JSON document.

    Raises:
        ProviderError: it is a page, broken, damaged, empty or too large.
    """
    endpoint = reply.endpoint
    limit = min(endpoint.caps.line, endpoint.caps.answer) if cap is None else cap
    data = (await reply.read(limit)).strip()
    refuse_page(endpoint, data)
    if not data:
        raise AnswerCut(f"{endpoint.name}: the answer is empty.")
    try:
        return await asyncio.to_thread(document, data, leaves=leaves) if len(data) > _MANY else document(data)
    except FrameBroken as problem:
        raise AnswerCut(f"{endpoint.name}: the answer is damaged ({problem}).") from None


async def json_object(reply: Reply, *, cap: int | None = None, leaves: int = LEAVES) -> dict[str, object]:
    """Read a whole body as one JSON object.

    Raises:
        ProviderError: it is none.
    """
    found = await json_value(reply, cap=cap, leaves=leaves)
    if not isinstance(found, dict):
        raise AnswerCut(f"{reply.endpoint.name}: the answer is damaged (it is no JSON object).")
    return found


async def follow(reply: Reply, reader: Reader) -> AsyncGenerator[ProviderEvent, None]:
    """Yield the events of an accepted reply until ``reader`` is satisfied; the last one is ``Completed``.

    A reply that comes as one JSON document although a stream was asked for is taken as that. Once the wire has said
    how the answer ended, nothing that happens to the connection can take that back: what is missing then is usage.

    Raises:
        ProviderError: whatever broke it, said to have cut the answer where it was, with the usage told so far.
    """
    with telling(reader.used, reader.served):
        if reply.content_type in _JSON:
            for event in reader.read_whole(await json_value(reply, cap=reply.endpoint.caps.answer)):
                yield event
            return
        if reply.content_type not in ("", _EVENTS):
            raise web_page(reply.endpoint)
        last: ProviderEvent | None = None
        async with contextlib.aclosing(_told(reply, reader)) as told:
            async for last in told:
                yield last
        if not isinstance(last, Completed):
            for event in reader.end():
                yield event


async def _told(reply: Reply, reader: Reader) -> AsyncGenerator[ProviderEvent, None]:
    """What the events of the stream tell, until its end or until nothing more is needed."""
    tail_until: float | None = None
    async with contextlib.aclosing(_arrived(reply, reader)) as arrived:
        while (events := await _next(arrived, reader, tail_until)) is not None:
            reader.had_content = False
            made, problem = together(_read(events, reader), reader.cut)
            if reader.had_content:
                reply.content_came()
            if reader.completed:
                await reply.drain(DRAIN_S)
            for each in made:
                yield each
            if isinstance(problem, AnswerCut) and reader.ended:
                return
            if problem is not None:
                raise problem
            if reader.completed:
                return
            if not reader.ended:  # not even if it seemed so before
                tail_until = None
            elif tail_until is None:
                tail_until = asyncio.get_running_loop().time() + TAIL_S


def _read(events: Iterable[ServerEvent], reader: Reader) -> Iterator[ProviderEvent]:
    for event in events:
        if event.data.strip():  # else it only keeps the line open
            yield from reader.read(event)
            if reader.completed:
                return


async def _next(arrived: AsyncGenerator[Events, None], reader: Reader, until: float | None) -> Events | None:
    """What comes before ``until``; ``None`` = nothing does, or nothing that could still change anything."""
    try:
        async with asyncio.timeout_at(until):
            return await anext(arrived, None)
    except (TimeoutError, ProviderError):
        if reader.ended:
            return None
        raise


async def _arrived(reply: Reply, reader: Reader) -> AsyncGenerator[Events, None]:
    """Yield the events that came together, to be split as they are read."""
    splitter = EventSplitter(reply.endpoint.caps.line)
    untyped = not reply.content_type
    try:
        async with contextlib.aclosing(reply.body()) as body:
            async for data in body:
                if untyped:
                    refuse_page(reply.endpoint, data.lstrip())
                    untyped = not data.strip()
                yield splitter.feed(data)
    except AnswerCut as problem:
        raise reader.cut(without_name(problem, reply.endpoint.name)) from None
    yield splitter.finish()


def object_of(event: ServerEvent) -> dict[str, object]:
    """The JSON object an event carries.

    Raises:
        FrameBroken: it carries none, or more than one.
    """
    found = list(objects(event.data))
    if len(found) != 1:
        raise FrameBroken("an event is no JSON object")
    return found[0]


def without_name(problem: ProviderError, name: str) -> str:
    """An error's line as a clause of another one."""
    return str(problem).removeprefix(f"{name}: ").rstrip(".")
