"""Requests in Google's Gemini format: the body of ``models/{model}:streamGenerateContent``.

Stateless: the whole conversation goes with every request and nothing is kept there. Shapes: ``types.py`` and
``models.py`` of googleapis/python-genai 3.4 (GenerateContentConfig, Content, Part) and ai.google.dev/api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import Role
from llmdesk.providers.body import chats_only, encoded_image, printed
from llmdesk.providers.left_out import WISHES, left_out
from llmdesk.providers.ndjson import FrameBroken, document
from llmdesk.providers.schema_fit import Dialect, fitted, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ChatRequest, Json, Message, Reasoning, ToolCall

_OURS = frozenset({"contents"})
"""Not to be replaced through ``extra``: the request itself."""

_TOP = frozenset(
    {"safetySettings", "toolConfig", "cachedContent", "labels", "tools", "systemInstruction", "serviceTier"}
)
"""Fields of the body; any other name in ``params.extra`` belongs into ``generationConfig``."""

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
"""ai.google.dev/gemini-api/docs/image-understanding, "Supported image formats"."""

_SCHEMA = Dialect(keeps=frozenset({"format", "minItems", "maxItems", "minimum", "maximum"}))
"""``types.py``, GenerateContentConfig.response_json_schema, lists the keywords."""

_BUDGETS: Mapping[Reasoning, int] = {"off": 0, "low": 1_024, "medium": 8_192, "high": 24_576}
"""Tokens of thinking for the 2.5 family, whose Flash takes 0 to 24,576 (ai.google.dev/gemini-api/docs/thinking)."""

_PRO_LEAST = 128
"""2.5 Pro cannot stop thinking; its smallest budget, tokens (same page)."""

_LEVELS: Mapping[Reasoning, str] = {"off": "LOW", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
"""From generation 3 on there are levels and no way to stop; MINIMAL is an error for some (Gemini 3.7 and 3.8 Flash)."""

_FOREIGN = "skip_thought_signature_validator"
"""Stands for the signature of a call whose own is not known: generation 3 refuses calls without one
(ai.google.dev/gemini-api/docs/thought-signatures)."""

_NAMED = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST = (99, 0)
_OTHER_TRADES = re.compile(r"image|tts|audio|live|embedding")
"""Models that do not think, and refuse to be told how."""


def generation(model: str) -> tuple[int, int] | None:
    """Read the generation of a Gemini model; ``…-latest`` names are the newest, ``None`` = no Gemini model."""
    name = model.lower().rpartition("/")[2]
    if (found := _NAMED.match(name)) is not None:
        return int(found[1][:2]), int((found[2] or "0")[:2])
    return _NEWEST if name.startswith("gemini-") else None


def body_of(name: str, request: ChatRequest) -> bytes:
    """Print a request as a JSON body.

    ``params.extra`` names fields of ``generationConfig`` or of the body (``_TOP``); ``request.extra`` goes into the
    body as it is, its ``generationConfig`` merged over the rest. ``None`` takes a field out.

    Args:
        name: the provider, for messages.
        request: what to ask.

    Raises:
        RequestRejected: it is no chat, there is nothing to ask, or a value has no form on this wire.
    """
    chats_only(name, request)
    try:
        look, words = _output(request)
    except (TypeError, ValueError, RecursionError):
        raise RequestRejected(f"{name}: the schema is no JSON value. Check it.") from None
    systems = [message.content for message in request.messages if message.role is Role.SYSTEM]
    system = "\n\n".join(text for text in (*systems, words) if text.strip())
    contents = _Turns(name, signed=(generation(request.model) or (0, 0)) >= (3, 0)).take(request.messages)
    if not contents:
        raise RequestRejected(f"{name}: there is nothing to send. Write a prompt.")
    body: dict[str, object] = {"contents": contents}
    if system and "gemma-3" in request.model:
        contents.insert(0, {"role": "user", "parts": [{"text": system}]})  # it has no place for instructions
    elif system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if request.tools:
        body["tools"] = _tools(request.tools)
    extra = request.params.extra
    config = {**_config(request), **look, **{k: v for k, v in extra.items() if k not in _TOP and k not in _OURS}}
    for given in (config.pop("generationConfig", None), request.extra.get("generationConfig")):
        config |= given if isinstance(given, Mapping) else {}
    body |= {key: value for key, value in extra.items() if key in _TOP}
    body |= {key: value for key, value in request.extra.items() if key not in _OURS}
    body["generationConfig"] = {key: value for key, value in config.items() if value is not None} or None
    return printed(name, {key: value for key, value in body.items() if value is not None})


def _config(request: ChatRequest) -> dict[str, object]:
    params = request.params
    return {
        "temperature": params.temperature,
        "topP": params.top_p,
        "topK": params.top_k,
        "seed": params.seed,
        "stopSequences": list(params.stop) if params.stop else None,
        "maxOutputTokens": params.max_output_tokens,
        "thinkingConfig": thinking_of(request.model, params.reasoning),
    }


def not_taken(name: str, request: ChatRequest) -> tuple[str, ...]:
    """Say which wishes have no words here: a model that does not think takes no reasoning."""
    thinks = thinking_of(request.model, request.params.reasoning) is not None
    return left_out(f"{name}/{request.model}", request.params, WISHES if thinks else {*WISHES} - {"reasoning"})


def thinking_of(model: str, reasoning: Reasoning | None) -> dict[str, object] | None:
    """How a model is told to think; ``None`` = it is told nothing.

    Where nobody says how much, its own default holds, but its thoughts are shown: without them it says nothing until
    it has thought, which looks like a dead server.
    """
    since = generation(model)
    if since is None or since < (2, 5) or (reasoning is None and _OTHER_TRADES.search(model) is not None):
        return None
    if reasoning is None:
        return {"includeThoughts": True}
    shown = {"includeThoughts": reasoning != "off"}
    if since >= (3, 0):
        return {**shown, "thinkingLevel": _LEVELS[reasoning]}
    least = _PRO_LEAST if "pro" in model else 0
    return {**shown, "thinkingBudget": max(_BUDGETS[reasoning], least)}


def _output(request: ChatRequest) -> tuple[dict[str, object], str]:
    """How the answer is to look: the fields for it, and the words where there are none.

    Models before 2.5 and models that are no Gemini have no JSON Schema, and none before 3 combines it with tools.
    """
    if request.format is None:
        return {}, ""
    since = generation(request.model)
    schema = request.format if isinstance(request.format, Mapping) else None
    if since is None or (request.tools and since < (3, 0)):
        return {}, in_words(schema)
    as_json: dict[str, object] = {"responseMimeType": "application/json"}
    if schema is None:
        return as_json, ""
    if since < (2, 5) or (found := fitted(schema, _SCHEMA)) is None:
        return as_json, in_words(schema)
    return {**as_json, "responseJsonSchema": found}, ""


def _tools(tools: Sequence[Json]) -> list[object]:
    """Tools in this wire's form: those in that of OpenAI and Ollama are turned into it, others taken as they are."""
    declared: list[object] = []
    others: list[object] = []
    for tool in tools:
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, Mapping):
            others.append(tool)
            continue
        named = {
            "name": function.get("name"),
            "description": function.get("description"),
            "parametersJsonSchema": function.get("parameters"),
        }
        declared.append({key: value for key, value in named.items() if value is not None})
    return [*([{"functionDeclarations": declared}] if declared else []), *others]


class _Turns:
    """Turns messages into contents: system messages stand elsewhere, and neighbours of one role are one content."""

    def __init__(self, name: str, *, signed: bool) -> None:
        self._name = name
        self._signed = signed
        self._turns: list[dict[str, object]] = []

    def take(self, messages: Sequence[Message]) -> list[dict[str, object]]:
        called: dict[str, str] = {}
        for message in messages:
            called |= {call.id: call.name for call in message.tool_calls if call.id}
            match message.role:
                case Role.SYSTEM:
                    pass
                case Role.USER:
                    self._add("user", [*self._images(message), *_text(message.content)])
                case Role.ASSISTANT:
                    self._add("model", [*_text(message.content), *self._calls(message)])
                case Role.TOOL:
                    name = message.tool_name or called.get(message.tool_call_id, message.tool_call_id)
                    answer = {"name": name, "response": _response(message.content)}
                    number = {"id": message.tool_call_id} if message.tool_call_id else {}
                    self._add("user", [{"functionResponse": {**number, **answer}}])
        return self._turns

    def _add(self, role: str, parts: list[dict[str, object]]) -> None:
        if not parts:
            return  # an empty content is an error
        if self._turns and self._turns[-1]["role"] == role:
            last = self._turns[-1]["parts"]
            assert isinstance(last, list)
            last += parts
        else:
            self._turns.append({"role": role, "parts": parts})

    def _images(self, message: Message) -> list[dict[str, object]]:
        parts: list[dict[str, object]] = []
        for image in message.images:
            kind, data = encoded_image(self._name, image, _IMAGES, "neither PNG, JPEG, WebP nor HEIC")
            parts.append({"inlineData": {"mimeType": kind, "data": data}})
        return parts

    def _calls(self, message: Message) -> list[dict[str, object]]:
        parts: list[dict[str, object]] = []
        for call in message.tool_calls:
            number = {"id": call.id} if call.id else {}
            part: dict[str, object] = {"functionCall": {**number, "name": call.name, "args": dict(call.arguments)}}
            signature = signature_of(call)
            if signature is None and self._signed and not parts:  # of calls at once only the first has one
                signature = _FOREIGN
            parts.append(part if signature is None else {**part, "thoughtSignature": signature})
        return parts


def signature_of(call: ToolCall) -> str | None:
    """The signature that came with a call, where the object it came in was kept."""
    for candidate in _list((call.wire or {}).get("candidates")):
        content = candidate.get("content")
        for part in _list(content.get("parts") if isinstance(content, Mapping) else None):
            made, signature = part.get("functionCall"), part.get("thoughtSignature")
            if isinstance(made, Mapping) and made.get("name") == call.name and isinstance(signature, str):
                return signature
    return None


def _list(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _response(content: str) -> dict[str, object]:
    """A tool's result, which this wire wants as an object."""
    try:
        found = document(content.encode("utf-8", "replace"))
    except FrameBroken:
        found = None
    return found if isinstance(found, dict) else {"result": content}


def _text(text: str) -> list[dict[str, object]]:
    return [{"text": text}] if text.strip() else []
