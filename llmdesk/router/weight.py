"""How many tokens a request and its answer have by our own estimate: everything that is sent, everything that came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.lanes import CHARS_PER_TOKEN, estimate_tokens
from llmdesk.core.types import Message, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.core.types import ChatRequest
    from llmdesk.router.route import Sizes, Walk


def prompt_tokens(request: ChatRequest, sizes: Sizes) -> int:
    """The tokens of everything that is sent: messages with images and calls, schema, tools, raw wire fields."""
    if request.endpoint == "embed":
        return estimate_tokens(_as_messages(texts_of(request)))
    calls = [call.arguments for message in request.messages for call in message.tool_calls]
    beside = [*calls, *(part for part in (request.format, request.tools, request.params.extra, request.extra) if part)]
    thoughts = [message.thinking for message in request.messages if message.thinking]
    return sizes.tokens(request.messages) + _text_tokens(thoughts) + _json_tokens(beside)


def texts_of(request: ChatRequest) -> list[str]:
    """What is to be turned into vectors."""
    given = request.extra.get("input", request.params.extra.get("input"))
    many = given if isinstance(given, list | tuple) else [given]
    return [each if isinstance(each, str) else json.dumps(each, default=str) for each in many]


def said_tokens(walk: Walk) -> int:
    """The tokens of what came so far: text, reasoning and calls; 0 = nothing came."""
    text = walk.text.whole() + walk.reasoning.whole()
    calls = [(call.name, call.arguments) for call in walk.tool_calls]
    if not (text or calls):
        return 0
    return estimate_tokens(_as_messages([text])) + _json_tokens(calls)


def _as_messages(texts: Iterable[str]) -> list[Message]:
    return [Message(role=Role.ASSISTANT, content=text) for text in texts]


def _text_tokens(texts: list[str]) -> int:
    return estimate_tokens(_as_messages(texts)) if texts else 0


def _json_tokens(parts: Iterable[object]) -> int:
    return round(sum(len(json.dumps(part, default=str)) for part in parts) / CHARS_PER_TOKEN)
