"""What is said to a model, and how it is to answer."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types.names import Json, Reasoning


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call the model wants made. ``arguments`` is a decoded object, ``id`` empty where the wire has none."""

    name: str
    arguments: Json
    id: str = ""
    wire: Json | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation. ``images`` are raw file bytes (PNG, JPEG …), never paths."""

    role: Role
    content: str
    images: tuple[bytes, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """What a lane, an agent or a caller may set; ``None`` = not set, so the provider's own default holds.

    ``max_output_tokens`` and ``context_tokens`` count tokens; ``keep_alive`` is Ollama's (a Go duration or seconds);
    ``extra`` is passed to the wire as it is.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    max_output_tokens: int | None = None
    reasoning: Reasoning | None = None
    context_tokens: int | None = None
    keep_alive: str | float | None = None
    extra: Json = field(default_factory=dict)

    def over(self, base: Params) -> Params:
        """Lay these parameters over ``base``, key by key (``extra`` too)."""
        mine = {name: getattr(self, name) for name in PARAM_NAMES if getattr(self, name) is not None}
        below = {name: getattr(base, name) for name in PARAM_NAMES}
        return Params(**{**below, **mine, "extra": {**base.extra, **self.extra}})


PARAM_NAMES = (
    "temperature", "top_p", "top_k", "seed", "stop", "max_output_tokens", "reasoning", "context_tokens", "keep_alive",
)  # fmt: skip
