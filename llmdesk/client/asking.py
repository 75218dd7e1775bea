"""What a program says in the terms of the ``ollama`` package, turned into what the desk is asked.

A text that names a file is never read: what looks like a path may have come from a model.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Message, Params, Role, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import ollama

    from llmdesk.core.types import Json

OPTION_PARAMS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "num_predict": "max_output_tokens",
    "num_ctx": "context_tokens",
}
"""Ollama's options that every part of llmdesk understands; the others go to the wire as they are."""

_COUNTS = frozenset({"num_predict", "num_ctx"})


class Fields(Protocol):
    """A mapping, or one of the ``ollama`` package's objects: both are read with ``get``."""

    def get(self, key: str, /) -> object:
        """The value of a field, ``None`` if it has none."""
        ...


def messages_of(given: Iterable[Mapping[str, object] | ollama.Message] | None) -> tuple[Message, ...]:
    """Read the messages of a chat.

    Raises:
        UsageError: there is none, or one of them cannot be sent.
    """
    messages = tuple(_message(message) for message in given or ())
    if not messages:
        raise UsageError("messages is empty. A chat needs at least one message with a role and content.")
    return messages


def images_of(given: object) -> tuple[bytes, ...]:
    """Read images: the bytes of a file, or those bytes in base64.

    Raises:
        UsageError: one is a path or something else that is no image.
    """
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise UsageError("images is a list of bytes or base64 texts.")
    return tuple(_image(getattr(item, "value", item)) for item in given)


def tools_of(given: Sequence[Mapping[str, object] | ollama.Tool | Callable[..., object]] | None) -> tuple[Json, ...]:
    """Read tools: mappings go to the wire as they are, functions and ``Tool`` objects as the package describes them."""
    return tuple(_tool(tool) for tool in given or ())


def params_of(
    options: Mapping[str, object] | ollama.Options | None, keep_alive: float | str | None
) -> tuple[Params, dict[str, object]]:
    """Split Ollama's options into what llmdesk understands and what it only passes on.

    A value of the wrong type is passed on too: the server's answer to it is the better message.
    """
    if options is None:
        left: dict[str, object] = {}
    else:
        left = dict(options) if isinstance(options, Mapping) else options.model_dump(exclude_none=True)
    known: dict[str, object] = {}
    for option, name in OPTION_PARAMS.items():
        value = left.get(option)
        least = 1 if option in _COUNTS else float("-inf")
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= least:
            known[name] = left.pop(option)
    stop = left.get("stop")
    if isinstance(stop, str | list | tuple):
        known["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
        del left["stop"]
    return Params(**known, keep_alive=keep_alive), left  # type: ignore[arg-type]  # the names come from the table


def wire_fields(options: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    """Everything that goes to the wire as it is; ``None`` means not set, as in the package."""
    fields = {name: value for name, value in more.items() if value is not None}
    return {**fields, "options": dict(options)} if options else fields


def _message(given: Fields) -> Message:
    if not hasattr(given, "get"):
        raise UsageError("A message is a mapping with role and content, or an ollama.Message.")
    role, content = given.get("role"), given.get("content")
    if not (isinstance(role, str) and role.lower() in set(Role)):
        raise UsageError(f"A message has the role {one_line(repr(role), 40)}; there are {', '.join(Role)}.")
    if not isinstance(content, str | None):
        raise UsageError(f"The content of a message is text, not {type(content).__name__}.")
    calls = given.get("tool_calls") or ()
    return Message(
        role=Role(role.lower()),
        content=content or "",
        images=images_of(given.get("images")),
        thinking=_text(given.get("thinking")),
        tool_calls=tuple(_call(call) for call in calls) if isinstance(calls, list | tuple) else (),
        tool_name=_text(given.get("tool_name")),
        tool_call_id=_text(given.get("tool_call_id")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _call(given: Fields) -> ToolCall:
    function = given.get("function")
    name = function.get("name") if hasattr(function, "get") else None
    arguments = function.get("arguments") if hasattr(function, "get") else None
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            name = None
    if not isinstance(name, str) or not isinstance(arguments, Mapping | None):
        raise UsageError("A tool call has a function with a name and arguments, which are an object.")
    return ToolCall(name=name, arguments=dict(arguments or {}), id=_text(given.get("id")))


def _image(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise UsageError("An image is given as bytes or base64 text. A file is never read from its path: read it first.")


def _tool(tool: Mapping[str, object] | ollama.Tool | Callable[..., object]) -> Json:
    if isinstance(tool, Mapping):
        return dict(tool)
    if callable(tool):
        from ollama._utils import convert_function_to_tool  # the package has no public name for it

        tool = convert_function_to_tool(tool)
    described: dict[str, object] = tool.model_dump(exclude_none=True, by_alias=True)
    return described
