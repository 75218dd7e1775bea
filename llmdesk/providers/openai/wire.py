"""The OpenAI chat wire, outward: requests into bodies of ``POST chat/completions``.

Shapes: openai-python, ``types/chat/completion_create_params.py`` and the ``…_message_param.py`` beside it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import Role
from llmdesk.providers.body import chats_only, encoded_image, plain, printed
from llmdesk.providers.left_out import WISHES, left_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ChatRequest, Json, Message
    from llmdesk.providers.openai.dialects import Dialect

_OURS = frozenset({"model", "messages", "stream"})
"""Not to be replaced through ``extra``: they are the request itself."""

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""developers.openai.com/api/docs/guides/images-vision, "Image input requirements"."""


def body_of(name: str, request: ChatRequest, dialect: Dialect) -> bytes:
    """Print a request as a JSON body.

    Whatever stands in ``params.extra`` and ``request.extra`` goes into the body as it is, over what was made of the
    rest (``stream_options`` is merged); ``None`` takes a field out, for endpoints that do not know it.

    Args:
        name: the provider, for messages.
        request: what to ask.
        dialect: how this endpoint wants it.

    Raises:
        RequestRejected: it is no chat, there is nothing to ask, or a value has no form on this wire.
    """
    chats_only(name, request)
    if not request.messages:
        raise RequestRejected(f"{name}: there is nothing to send. Write a prompt.")
    body: dict[str, object] = {
        "model": request.model,
        "messages": _messages(name, request.messages, dialect),
        "stream": True,
    }
    if dialect.stream_usage:
        body["stream_options"] = {"include_usage": True}
    body |= _manner(request, dialect)
    for extra in (request.params.extra, request.extra):
        _merge(body, extra)
    return printed(name, body)


def _manner(request: ChatRequest, dialect: Dialect) -> dict[str, object]:
    """How it is to be answered; a window and a time to stay in memory are no matter of this wire."""
    params = request.params
    named: dict[str, object] = {
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": params.top_k if dialect.top_k else None,
        dialect.seed: params.seed,
        "stop": list(params.stop or ()) or None,  # an empty list is an error
        dialect.output_limit: params.max_output_tokens,
        "tools": list(request.tools) or None,
    }
    if params.reasoning is not None:
        named |= dialect.reasoning(request.model, params.reasoning)
    if isinstance(request.format, Mapping):
        named["response_format"] = dialect.schema(request.model, request.format)
    elif request.format is not None:
        named["response_format"] = dialect.any_json
    return {key: value for key, value in named.items() if value is not None}


def not_taken(name: str, request: ChatRequest, dialect: Dialect) -> tuple[str, ...]:
    """Say which wishes have no words in this dialect."""
    params, taken = request.params, set(WISHES)
    if not dialect.top_k:
        taken.discard("top_k")
    if params.reasoning is not None and not dialect.reasoning(request.model, params.reasoning):
        taken.discard("reasoning")
    return left_out(f"{name}/{request.model}", params, taken)


def _merge(body: dict[str, object], extra: Json) -> None:
    for key, value in extra.items():
        if key in _OURS:
            continue
        if value is None:
            body.pop(key, None)
        elif key == "stream_options" and isinstance(value, Mapping):
            body[key] = {"include_usage": True, **value}
        else:
            body[key] = value


# --- messages -------------------------------------------------------------------------------------------------------


def _messages(name: str, messages: Sequence[Message], dialect: Dialect) -> list[dict[str, object]]:
    """Print the conversation.

    Calls that come from a wire without ids get some: nine letters and digits, which is what the strictest endpoint
    wants (mistralai/mistral-common: ``InvalidFunctionCallException``), and the results after them the same, in order.
    """
    waiting: deque[str] = deque()
    wire: list[dict[str, object]] = []
    given = 0
    for message in messages:
        if message.role is Role.ASSISTANT and not message.content and not message.tool_calls:
            continue  # a turn without words; some endpoints refuse an empty one
        if message.role is Role.TOOL:
            answered = message.tool_call_id or (waiting.popleft() if waiting else "call00000")
            wire.append({"role": "tool", "tool_call_id": answered, "content": message.content})
            continue
        one: dict[str, object] = {"role": message.role.value, "content": _content(name, message)}
        if message.tool_calls:
            calls = []
            for call in message.tool_calls:
                number = call.id or f"call{given:05}"
                given += not call.id
                if not call.id:
                    waiting.append(number)
                function = {"name": call.name, "arguments": _arguments(name, call.arguments)}
                calls.append({"id": number, "type": "function", "function": function})
            one["tool_calls"] = calls
            one["content"] = one["content"] or None
            if dialect.thinking_back and message.thinking:
                one[dialect.thinking_back] = message.thinking
        wire.append(one)
    return wire


def _arguments(name: str, arguments: Json) -> str:
    try:
        return json.dumps(dict(arguments), ensure_ascii=False, default=plain)
    except (TypeError, ValueError, RecursionError):
        raise RequestRejected(f"{name}: the arguments of a tool call are no JSON value.") from None


def _content(name: str, message: Message) -> str | list[dict[str, object]]:
    if not message.images:
        return message.content
    parts: list[dict[str, object]] = [{"type": "text", "text": message.content}] if message.content else []
    for image in message.images:
        kind, data = encoded_image(name, image, _IMAGES, "neither PNG, JPEG, GIF nor WebP")
        parts.append({"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}})
    return parts
