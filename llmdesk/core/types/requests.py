"""What an adapter is asked for."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.types.messages import Params
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.exchange import Tap
    from llmdesk.core.types.messages import Message
    from llmdesk.core.types.names import Endpoint, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One call to one model, as an adapter gets it.

    ``format`` is ``"json"``, a JSON Schema, or ``None``. ``tools`` and ``extra`` go to the wire as they are.
    ``endpoint`` other than ``chat`` exists for kind ``ollama`` only; for ``generate`` the last user message is the
    prompt and a system message the system text; for ``embed`` ``extra["input"]`` is the text or list of texts.
    ``keep_wire`` lets events carry the wire objects they were made of. ``tap`` is told what is sent and received.
    """

    model: str
    messages: tuple[Message, ...]
    params: Params = field(default_factory=Params)
    format: str | Json | None = None
    tools: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)
    endpoint: Endpoint = "chat"
    keep_wire: bool = False
    tap: Tap | None = field(default=None, repr=False, compare=False)
