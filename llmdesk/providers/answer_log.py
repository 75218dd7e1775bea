"""What has come of one answer so far: enough to say that it is too large, empty, or cut, and what it has used.

Every wire that streams counts the same way: bytes of text, not of JSON around it, and something for each event, so
that a million of nothing is no small answer either.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ProviderError
from llmdesk.core.text import has_visible, one_line
from llmdesk.core.types import FinishReason, ReasoningDelta, TextDelta
from llmdesk.providers.reply import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmdesk.core.types import Json, ProviderEvent, ToolCall, Usage
    from llmdesk.providers.base import Endpoint

_EVENT_BYTES = 16
_CALL_BYTES = 512
"""What an event costs beside its text, bytes."""

_MOST = 1 << 53
"""A count beyond this is damage, and more than a column holds."""


class AnswerLog:
    """The account of one answer.

    Args:
        endpoint: who answers; its answer cap counts.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.called = False
        self._endpoint = endpoint
        self._cap = endpoint.caps.answer
        self._characters = 0
        self._visible = False
        self._reasoned = False
        self._bytes = 0
        self._told: Usage | None = None
        self._more = False
        """Something came that is not in what was told."""

    def take(self, text: str = "", reasoning: str = "", calls: Sequence[ToolCall] = ()) -> list[ProviderEvent]:
        """Count what came, and make the events of it.

        Raises:
            AnswerCut: that is more than an answer may be.
        """
        events: list[ProviderEvent] = []
        if reasoning:
            self._reasoned = True
            self._bytes += _EVENT_BYTES + _bytes_of(reasoning)
            events.append(ReasoningDelta(reasoning))
        if text:
            self._characters += len(text)
            self._visible = self._visible or has_visible(text)
            self._bytes += _EVENT_BYTES + _bytes_of(text)
            events.append(TextDelta(text))
        for call in calls:
            self.called = True
            self._bytes += _CALL_BYTES + _bytes_of(call.name) + _bytes_of(call.id)
            self._bytes += len(json.dumps(dict(call.arguments)))
            events.append(call)
        if events:
            self._more = True
        if self._bytes > self._cap:
            self.weigh(0)
        return events

    def weigh(self, more: int) -> None:
        """Count bytes of an answer that are no event of ours.

        Raises:
            AnswerCut: that is more than an answer may be.
        """
        self._bytes += more
        if more:
            self.came()
        if self._bytes > self._cap:
            raise self.cut(f"it is larger than {size(self._cap)}")

    def came(self) -> None:
        """Note that more of the answer has come, be it an event yet or not."""
        self._more = True

    def tell(self, usage: Usage) -> None:
        """Take what the provider says was used; all that has come so far is in it."""
        self._told, self._more = usage, False

    def used(self) -> Usage | None:
        """What the provider has said was used, marked as too little where more came after; ``None`` = nothing said."""
        if self._told is None or (self._told.input_tokens is None and self._told.output_tokens is None):
            return None
        return replace(self._told, estimated=True) if self._more else self._told

    def cut(self, cause: str = "") -> AnswerCut:
        """Say that the answer ended before it was complete."""
        name = self._endpoint.name
        because = f" ({cause})" if cause else ""
        if not self._characters:
            return AnswerCut(one_line(f"{name}: the answer ended before it began{because}."))
        count = f"{self._characters:,}".replace(",", " ")
        unit = "character" if self._characters == 1 else "characters"
        return AnswerCut(one_line(f"{name}: answer cut off after {count} {unit}{because}."))

    def finish(self, *, by_length: bool = False) -> FinishReason:
        """Name the reason of a normal end.

        Args:
            by_length: the wire said that the limit on the answer was reached (policy R8).

        Raises:
            AnswerCut: nothing came that a reader sees, no call and no reasoning (policy R10).
        """
        if by_length:
            return FinishReason.LENGTH
        if self.called:
            return FinishReason.TOOL_CALLS
        if not self._visible and not self._reasoned:
            raise AnswerCut(f"{self._endpoint.name}: the answer is empty.")
        return FinishReason.STOP


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def carrying(events: list[ProviderEvent], wire: Json) -> list[ProviderEvent]:
    """Let the last of the events carry the object of the wire that they were made of."""
    if events:
        last = events[-1]
        if isinstance(last, TextDelta | ReasoningDelta):
            events[-1] = type(last)(last.text, (wire,))
        else:
            events[-1] = replace(last, wire=wire)
    return events


@contextmanager
def telling(used: Callable[[], Usage | None], served: Callable[[], str] = str) -> Iterator[None]:
    """Let a failure say what the provider had reported before: that much is billed, whatever came of it.

    Args:
        used: the tokens it told of.
        served: the model that it said answers, by whose price they are billed (policy P13).
    """
    try:
        yield
    except ProviderError as error:
        if error.usage is None:
            error.usage = used()
        error.served_model = error.served_model or served()
        raise


def count(value: object) -> int | None:
    """A number of tokens as a server tells it; ``None`` = it does not, or it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else None
