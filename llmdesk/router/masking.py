"""An answer on its way in: a server that repeats the key it was called with does not get it stored, shown or sent on.

The next prompt of a conversation may go to another provider, with this answer in its history (policy S2, S6).
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from llmdesk.core.errors import ProviderError
from llmdesk.core.masking import StreamMask
from llmdesk.core.text import redact
from llmdesk.core.types import Completed, ReasoningDelta, TextDelta, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from llmdesk.core.types import Json, ProviderEvent

T = TypeVar("T")


async def masked(events: AsyncGenerator[ProviderEvent, None]) -> AsyncGenerator[ProviderEvent, None]:
    """The events of an answer without known keys.

    What was held back comes before whatever ends the answer, a failure too. Which keys are known is asked when the
    first event is there: what a header packs is unpacked only when it is sent.
    """
    mask: _Mask | None = None
    async with aclosing(events) as coming:
        try:
            async for event in coming:
                if mask is None:
                    mask = _Mask(redact.strong)
                for each in mask.of(event):
                    yield each
        except ProviderError:
            for each in mask.rest() if mask is not None else ():
                yield each
            raise
        for each in mask.rest() if mask is not None else ():
            yield each


def without_keys(value: T) -> T:
    """A JSON value whose strings hold no known key."""
    masked: object = value
    if isinstance(value, str):
        masked = redact.known(value)
    elif isinstance(value, list):
        masked = [without_keys(each) for each in value]
    elif isinstance(value, dict):
        masked = {redact.known(str(name)): without_keys(each) for name, each in value.items()}
    return masked  # type: ignore[return-value]


class _Mask:
    """Masks one answer: its text and its reasoning, each by itself, its calls, and chunks as they came."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._idle = not secrets
        self._text = StreamMask(secrets)
        self._reasoning = StreamMask(secrets)
        self._chunks = _Chunks(secrets)

    def of(self, event: ProviderEvent) -> Sequence[ProviderEvent]:
        """What can be passed on now that ``event`` has come."""
        if self._idle:
            return (event,)
        match event:
            case TextDelta():
                spoken = TextDelta(self._text.feed(event.text), self._chunks.all(event.wires))
                return (spoken,) if spoken.text or spoken.wires else ()
            case ReasoningDelta():
                thought = ReasoningDelta(self._reasoning.feed(event.text), self._chunks.all(event.wires))
                return (thought,) if thought.text or thought.wires else ()
            case ToolCall():
                wire = self._chunks.of(event.wire)
                name, arguments = redact.known(event.name), without_keys(event.arguments)
                return (*self.rest(), replace(event, name=name, arguments=arguments, wire=wire))
            case Completed():
                return (*self.rest(), replace(event, wire=self._chunks.of(event.wire, last=True)))
            case _:
                return (*self.rest(), event)

    def rest(self) -> Sequence[ProviderEvent]:
        """What was held back and became no key."""
        reasoning, text = self._reasoning.finish(), self._text.finish()
        return (*((ReasoningDelta(reasoning),) if reasoning else ()), *((TextDelta(text),) if text else ()))


class _Chunks:
    """Masks the chunks of Ollama's wire themselves, which whoever asked for them gets beside what was read out of them.

    A chunk may hold more than the event that it comes with; what is held back of its texts stands in a later one.
    """

    def __init__(self, secrets: frozenset[str]) -> None:
        self._masks = {name: StreamMask(secrets) for name in _SPOKEN}

    def all(self, chunks: Sequence[Json]) -> tuple[Json, ...]:
        """The chunks of one event without known keys."""
        return tuple(masked for chunk in chunks if (masked := self.of(chunk)) is not None)

    def of(self, chunk: Json | None, *, last: bool = False) -> Json | None:
        """The chunk without known keys; the last one has what was held back before it too."""
        if chunk is None:
            return None
        masked = {name: value if name in _SPOKEN else without_keys(value) for name, value in chunk.items()}
        if isinstance(said := chunk.get("message"), dict):
            masked["message"] = self._spoken(
                {name: value if name in _SPOKEN else without_keys(value) for name, value in said.items()}, last=last
            )
        return self._spoken(masked, last=last and "message" not in masked)

    def _spoken(self, fields: dict[str, object], *, last: bool) -> Json:
        for name, mask in self._masks.items():
            text = fields.get(name)
            passed = mask.feed(text) if isinstance(text, str) else ""
            passed += mask.finish() if last else ""
            if passed or isinstance(text, str):
                fields[name] = passed
        return fields


_SPOKEN = ("content", "thinking", "response")
"""Texts of a chunk that go on in the next one: those of a message, and of a completion."""
