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
from llmdesk.core.types import ReasoningDelta, TextDelta, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from llmdesk.core.types import ProviderEvent

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
    """Masks one answer: its text and its reasoning, each by itself, and its calls."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._idle = not secrets
        self._text = StreamMask(secrets)
        self._reasoning = StreamMask(secrets)

    def of(self, event: ProviderEvent) -> Sequence[ProviderEvent]:
        """What can be passed on now that ``event`` has come."""
        if self._idle:
            return (event,)
        match event:
            case TextDelta():
                text = self._text.feed(event.text)
                return (TextDelta(text),) if text else ()
            case ReasoningDelta():
                text = self._reasoning.feed(event.text)
                return (ReasoningDelta(text),) if text else ()
            case ToolCall():
                call = replace(event, name=redact.known(event.name), arguments=without_keys(event.arguments))
                return (*self.rest(), call)
            case _:
                return (*self.rest(), event)

    def rest(self) -> Sequence[ProviderEvent]:
        """What was held back and became no key."""
        reasoning, text = self._reasoning.finish(), self._text.finish()
        return (*((ReasoningDelta(reasoning),) if reasoning else ()), *((TextDelta(text),) if text else ()))
