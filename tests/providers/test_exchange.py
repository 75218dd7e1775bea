"""An answer is followed to its end: the reader reads, and is asked for the end once."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from llmdesk.core.types import Completed, FinishReason, TextDelta, Usage
from llmdesk.providers.answer_log import AnswerLog
from llmdesk.providers.base import Endpoint
from llmdesk.providers.exchange import follow, object_of
from llmdesk.providers.http import Origin
from tests.support.fault_server import FaultServer, Play

if TYPE_CHECKING:
    from llmdesk.core.types import ProviderEvent
    from llmdesk.providers.sse import ServerEvent

DONE = Completed(finish_reason=FinishReason.STOP, usage=Usage(output_tokens=1))
STREAM = Play(
    headers={"Content-Type": "text/event-stream"}, body=(b'data: {"text": "Hello"}\n\n', b'data: {"end": true}\n\n')
)


class EndingReader:
    """Makes the end when it is asked for it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.completed = self.ended = self.had_content = False
        self.ends = 0
        log = AnswerLog(endpoint)
        self.cut, self.used = log.cut, log.used

    def read(self, event: ServerEvent) -> list[ProviderEvent]:
        told = object_of(event)
        if isinstance(text := told.get("text"), str):
            return [TextDelta(text)]
        self.completed = self.ended = True
        return []

    def read_whole(self, value: object) -> list[ProviderEvent]:
        raise AssertionError("no document was sent")

    def end(self) -> list[ProviderEvent]:
        self.ends += 1
        if not self.ended:
            raise self.cut()
        return [DONE]

    def served(self) -> str:
        return ""


class HastyReader(EndingReader):
    """Makes the end of the event that tells it, and holds every end that it is asked for to be a cut."""

    def read(self, event: ServerEvent) -> list[ProviderEvent]:
        return super().read(event) or [DONE]

    def end(self) -> list[ProviderEvent]:
        raise self.cut()


async def followed(make: type[EndingReader]) -> tuple[EndingReader, list[ProviderEvent]]:
    async with FaultServer() as server:
        server.always("/ask", STREAM)
        endpoint = Endpoint(name="there", base_url=server.url)
        reader, origin = make(endpoint), Origin(endpoint)
        try:
            async with (
                origin.open_stream("POST", "ask", body=b"{}") as reply,
                aclosing(follow(reply, reader)) as events,
            ):
                return reader, [event async for event in events]
        finally:
            await origin.aclose()


async def test_a_reader_that_is_complete_is_asked_for_the_end_once() -> None:
    reader, events = await followed(EndingReader)
    assert events == [TextDelta("Hello"), DONE]
    assert reader.ends == 1


async def test_a_reader_that_has_made_the_end_is_not_asked_for_it_again() -> None:
    _, events = await followed(HastyReader)
    assert events == [TextDelta("Hello"), DONE]
