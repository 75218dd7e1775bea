"""What an adapter tells while a model answers."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.types.messages import ToolCall
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types.names import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt. ``estimated`` is true when the provider reported none and these are our guess.

    ``input_tokens`` and ``output_tokens`` are totals. Of the input ``cached_input_tokens`` were read from a cache,
    ``cache_write_tokens`` written to one, ``image_tokens`` made of images; of the output ``reasoning_tokens`` were
    spent on reasoning; ``None`` where the provider does not tell.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    estimated: bool = False
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None
    image_tokens: int | None = None


class FinishReason(StrEnum):
    """Why a complete answer ended; an unknown wire value is a server error, never ``stop`` (policy R12)."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Answer text, exactly as received (not sanitised: the faces do that); what came together is one piece.

    ``wires`` are the objects it came in, where they are wanted.
    """

    text: str
    wires: tuple[Json, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Reasoning text, exactly as received; ``wires`` as in ``TextDelta``."""

    text: str
    wires: tuple[Json, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The wire said that the answer is complete; always the last event, exactly once.

    ``notes`` are lines the user should see with the answer: what had to be changed or left out to ask at all.
    """

    finish_reason: FinishReason
    usage: Usage
    served_model: str = ""
    notes: tuple[str, ...] = ()
    wire: Json | None = field(default=None, repr=False, compare=False)


ProviderEvent = TextDelta | ReasoningDelta | ToolCall | Completed
