"""Requests in Anthropic's own format: the body of ``POST /v1/messages``.

Shapes: ``types/message_create_params.py`` and its neighbours in anthropics/anthropic-sdk-python 2.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import Role
from llmdesk.providers.anthropic.thinking import ANSWER_TOKENS, generation, thinking_of
from llmdesk.providers.body import chats_only, encoded_image, printed
from llmdesk.providers.left_out import WISHES, left_out
from llmdesk.providers.schema_fit import Dialect, fitted, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ChatRequest, Json, Message, Params
    from llmdesk.providers.anthropic.thinking import Thinking

API_VERSION = "2026-10-21"
"""The version of the API this was written for (platform.claude.com/docs/en/api/versioning)."""

_SAMPLING_UNTIL = "2026-10-21"
"""From this version on ``temperature``, ``top_p`` and ``top_k`` are answered with 400, even at their default values
(platform.claude.com/docs/en/api/migration-2026-10-21)."""

_OURS = frozenset({"model", "messages", "stream"})
"""Not to be replaced through ``extra``: they are the request itself."""

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""``types/base64_image_source_param.py``."""

_SCHEMA = Dialect(
    keeps=frozenset({"format", "minItems"}),
    values={
        "format": frozenset({
            "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
        }),
        "minItems": frozenset({0, 1}),
    },
    closed=True,
    const=True,
    all_of=True,
)  # fmt: skip
"""``lib/_parse/_transform.py``; platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema
limitations": no recursion, no limits on numbers and lengths, every object closed."""

_SCHEMA_SINCE = (4, 5)
"""The first generation whose answers can be held to a schema (Opus has it since 4.1)."""


def body_of(name: str, request: ChatRequest, *, version: str = API_VERSION, said: Sequence[Json] = ()) -> bytes:
    """Print a request as a JSON body: see ``fields_of`` and ``printed``."""
    return printed(name, fields_of(name, request, version=version, said=said))


def fields_of(
    name: str, request: ChatRequest, *, version: str = API_VERSION, said: Sequence[Json] = ()
) -> dict[str, object]:
    """The fields of a body.

    Sampling parameters are left out where the API version, the model or its thinking forbids them (``not_taken``
    says so): a lane may be written for several providers. So is ``seed``, which this wire does not have. Whatever
    stands in ``params.extra`` and ``request.extra`` goes into the body as it is, over what was made of the rest
    (``output_config`` is merged); ``None`` takes a field out.

    Args:
        name: the provider, for messages.
        request: what to ask.
        version: of the API, as the header says.
        said: the content blocks of a turn that was paused; the model goes on from there (policy A7).

    Raises:
        RequestRejected: it is no chat, there is nothing to ask, or a message has no form on this wire.
    """
    chats_only(name, request)
    params = request.params
    spoken = [message.role for message in request.messages if message.role is not Role.SYSTEM]
    thinking = thinking_of(
        request.model, params.reasoning, params.max_output_tokens, after_call=spoken[-1:] == [Role.TOOL]
    )
    try:
        config, words = _output(request, thinking)
    except (TypeError, ValueError, RecursionError):
        raise RequestRejected(f"{name}: the schema is no JSON value. Check it.") from None
    messages = _Turns(name).take(request.messages)
    if said:
        messages.append({"role": "assistant", "content": list(said)})
    body: dict[str, object] = {
        "model": request.model,
        "max_tokens": params.max_output_tokens or ANSWER_TOKENS + thinking.room_tokens,
        "messages": messages,
        "stream": True,
        **thinking.fields,
        **_sampling(params, request.model, sampling=thinking.sampling and version < _SAMPLING_UNTIL),
    }
    systems = [message.content for message in request.messages if message.role is Role.SYSTEM]
    if system := "\n\n".join(text for text in (*systems, words) if text.strip()):
        body["system"] = system
    if stops := [stop for stop in params.stop or () if stop.strip()]:  # one without a visible character is an error
        body["stop_sequences"] = stops
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    extra = {**params.extra, **request.extra}
    for given in (params.extra.get("output_config"), request.extra.get("output_config")):
        config |= given if isinstance(given, Mapping) else {}
    body |= {key: value for key, value in extra.items() if key not in _OURS}
    body["output_config"] = config or None
    return {key: value for key, value in body.items() if value is not None}


def not_taken(name: str, request: ChatRequest, fields: Mapping[str, object]) -> tuple[str, ...]:
    """Say which wishes of ``request`` the ``fields`` of its body leave out."""
    taken = {wish for wish in WISHES if wish in fields} | {"stop", "max_output_tokens", "reasoning"}
    return left_out(f"{name}/{request.model}", request.params, taken)


def _sampling(params: Params, model: str, *, sampling: bool) -> dict[str, object]:
    if not sampling:
        return {}
    found: dict[str, object] = {"temperature": params.temperature, "top_p": params.top_p, "top_k": params.top_k}
    if params.temperature is not None and (generation(model) or (0, 0)) >= (4, 1):
        del found["top_p"]  # both at once are an error since Opus 4.1
    return found


def _output(request: ChatRequest, thinking: Thinking) -> tuple[dict[str, object], str]:
    """How the answer is to look: the field for it, and the words where there is no field."""
    config: dict[str, object] = {"effort": thinking.effort} if thinking.effort else {}
    if request.format is None:
        return config, ""
    if not isinstance(request.format, Mapping):
        return config, in_words(None)
    since = generation(request.model)
    native = since is None or since >= _SCHEMA_SINCE or (since == (4, 1) and "opus" in request.model)
    schema = fitted(request.format, _SCHEMA) if native else None
    if schema is None:
        return config, in_words(request.format)
    return {**config, "format": {"type": "json_schema", "schema": schema}}, ""


def _tool(tool: Json) -> Json:
    """A tool in this wire's form: one in that of OpenAI and Ollama is turned into it, any other taken as it is."""
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, Mapping):
        return tool
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    named = {"name": function.get("name"), "description": function.get("description"), "input_schema": schema}
    return {key: value for key, value in named.items() if value is not None}


class _Turns:
    """Turns messages into turns: system messages stand elsewhere, and neighbours of one role are one turn.

    Results name their call by an id, so that calls from wires without ids are given one.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._turns: list[dict[str, object]] = []
        self._open: list[tuple[str, str]] = []
        self._count = 0

    def take(self, messages: Sequence[Message]) -> list[dict[str, object]]:
        for message in messages:
            match message.role:
                case Role.SYSTEM:
                    pass
                case Role.USER:
                    self._add("user", self._seen(message))
                case Role.ASSISTANT:
                    self._add("assistant", [*_text(message.content), *self._calls(message)])
                case Role.TOOL:
                    self._add("user", [self._result(message)])
        if not self._turns:
            raise RequestRejected(f"{self._name}: there is nothing to send. Write a prompt.")
        return self._turns

    def _add(self, role: str, blocks: list[dict[str, object]]) -> None:
        if not blocks:
            return  # an empty turn is an error
        if self._turns and self._turns[-1]["role"] == role:
            last = self._turns[-1]["content"]
            assert isinstance(last, list)
            last += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def _seen(self, message: Message) -> list[dict[str, object]]:
        images: list[dict[str, object]] = []
        for image in message.images:
            kind, data = encoded_image(self._name, image, _IMAGES, "neither PNG, JPEG, GIF nor WebP")
            source = {"type": "base64", "media_type": kind, "data": data}
            images.append({"type": "image", "source": source})
        return [*images, *_text(message.content)]

    def _calls(self, message: Message) -> list[dict[str, object]]:
        blocks: list[dict[str, object]] = []
        for call in message.tool_calls:
            self._count += 1
            number = call.id or f"toolu_{self._count}"
            self._open.append((number, call.name))
            blocks.append({"type": "tool_use", "id": number, "name": call.name, "input": dict(call.arguments)})
        return blocks

    def _result(self, message: Message) -> dict[str, object]:
        fits = (
            at
            for at, (number, name) in enumerate(self._open)
            if (number == message.tool_call_id if message.tool_call_id else message.tool_name in ("", name))
        )
        at = next(fits, None)
        number = message.tool_call_id if at is None else self._open.pop(at)[0]
        return {"type": "tool_result", "tool_use_id": number, "content": message.content}


def _text(text: str) -> list[dict[str, object]]:
    """Text blocks without anything to read are an error."""
    return [{"type": "text", "text": text}] if text.strip() else []
