"""The Ollama wire: requests into bodies, stream objects into events.

Shapes: ``api/types.go`` of ollama/ollama (v0.33): ChatRequest, GenerateRequest, EmbedRequest and their responses.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, RequestRejected, ServerFailed
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import (
    Completed,
    FinishReason,
    Role,
    ToolCall,
    Usage,
)
from llmdesk.providers.answer_log import AnswerLog, carrying, count
from llmdesk.providers.body import printed
from llmdesk.providers.ollama.errors import failure, unwrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import (
        ChatRequest,
        Message,
        Params,
        ProviderEvent,
    )
    from llmdesk.core.types import (
        Endpoint as Route,
    )
    from llmdesk.providers.base import Endpoint

PATHS: Mapping[Route, str] = {"chat": "/api/chat", "generate": "/api/generate", "embed": "/api/embed"}

BODY_FIELDS = frozenset({
    "context", "dimensions", "format", "input", "keep_alive", "logprobs", "raw", "shift", "suffix", "template",
    "think", "tools", "top_logprobs", "truncate",
})  # fmt: skip
"""What stands beside ``options`` in a body; any other name in ``params.extra`` is an option (``min_p`` …)."""

_OURS = frozenset({"model", "messages", "prompt", "stream", "options"})
"""Not to be replaced through ``extra``: ``options`` is merged, the others are the request itself."""


# --- requests into bodies -------------------------------------------------------------------------------------------


def body_of(name: str, request: ChatRequest, *, can_think: bool | None = None, runs_here: bool = True) -> bytes:
    """Print a request as the JSON body of its route.

    ``params.extra`` names options, or fields of the body (``BODY_FIELDS``); ``request.extra`` goes into the body as it
    is, its ``options`` merged over the others.

    Args:
        name: the provider, for messages.
        request: what to ask.
        can_think: whether the model is known to reason; asking one that cannot for it is refused by the server, so
            the wish is dropped then. ``None`` = unknown.
        runs_here: the model runs where the server runs. Hosted ones have their full window always, so that no
            ``num_ctx`` is sent to them, whoever asked for it (policy R15b).

    Raises:
        RequestRejected: there is nothing to ask (an empty list would only load the model), or a value is no JSON.
    """
    params = request.params
    extra = {**{k: v for k, v in params.extra.items() if k in BODY_FIELDS}, **request.extra}
    body = {"model": request.model, **_subject(name, request, extra)}
    if request.endpoint != "embed":
        body |= _manner(request, can_think=can_think)
    if params.keep_alive is not None:
        body["keep_alive"] = params.keep_alive
    body |= {key: value for key, value in extra.items() if key not in _OURS}
    options = _options(params, request.extra.get("options"))
    if not runs_here:
        options.pop("num_ctx", None)
    if options:
        body["options"] = options
    return printed(name, body)


def _subject(name: str, request: ChatRequest, extra: Mapping[str, object]) -> dict[str, object]:
    """What is asked; without it the server would only load the model (policy O16)."""
    match request.endpoint:
        case "chat":
            if not request.messages:
                raise RequestRejected(f"{name}: there is nothing to send. Write a prompt.")
            return {"messages": [_message(message) for message in request.messages]}
        case "generate":
            return _prompt(name, request)
        case "embed":
            if "input" not in extra:
                raise RequestRejected(f"{name}: there is no text to embed.")
            return {}


def _manner(request: ChatRequest, *, can_think: bool | None) -> dict[str, object]:
    """How it is to be answered."""
    body: dict[str, object] = {"stream": True}
    think = think_value(request.model, request.params.reasoning)
    if think is not None and not (think and can_think is False):
        body["think"] = think
    if request.format is not None:
        body["format"] = request.format
    if request.tools:
        body["tools"] = list(request.tools)
    return body


def think_value(model: str, reasoning: str | None) -> bool | str | None:
    """What to send as ``think``; ``None`` = nothing, so the model's own default holds.

    gpt-oss knows levels only and ignores ``false``, so its lowest level stands for *off*; every other model knows on
    and off (docs/capabilities/thinking.mdx of ollama/ollama).
    """
    if reasoning is None:
        return None
    if "gpt-oss" in model.lower():
        return "low" if reasoning == "off" else reasoning
    return reasoning != "off"


def _options(params: Params, more: object) -> dict[str, object]:
    named: dict[str, object] = {
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": params.top_k,
        "seed": params.seed,
        "stop": list(params.stop) if params.stop is not None else None,
        "num_predict": params.max_output_tokens,
        "num_ctx": params.context_tokens,
    }
    options = {key: value for key, value in named.items() if value is not None}
    given = params.extra.get("options")
    options |= {k: v for k, v in params.extra.items() if k not in BODY_FIELDS and k not in _OURS}
    for mapping in (given, more):
        if isinstance(mapping, Mapping):
            options |= mapping
    return options


def _images(message: Message) -> list[str]:
    return [base64.b64encode(image).decode() for image in message.images]


def _message(message: Message) -> dict[str, object]:
    wire: dict[str, object] = {"role": message.role.value, "content": message.content}
    if message.thinking:
        wire["thinking"] = message.thinking
    if message.images:
        wire["images"] = _images(message)
    if message.tool_calls:
        wire["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_name:
        wire["tool_name"] = message.tool_name
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _call(call: ToolCall) -> dict[str, object]:
    wire: dict[str, object] = {"id": call.id} if call.id else {}
    return {**wire, "function": {"name": call.name, "arguments": dict(call.arguments)}}


def _prompt(name: str, request: ChatRequest) -> dict[str, object]:
    last = next((m for m in reversed(request.messages) if m.role is Role.USER), None)
    if last is None or not last.content:
        raise RequestRejected(f"{name}: there is nothing to send. Write a prompt.")
    wire: dict[str, object] = {"prompt": last.content}
    if system := "\n\n".join(m.content for m in request.messages if m.role is Role.SYSTEM):
        wire["system"] = system
    if last.images:
        wire["images"] = _images(last)
    return wire


# --- stream objects into events --------------------------------------------------------------------------------------


class AnswerReader:
    """Follows one stream of ``/api/chat`` or ``/api/generate`` to its end.

    Args:
        endpoint: who answers.
        model: what was asked, for messages.
        route: ``chat`` or ``generate``.
    """

    def __init__(self, endpoint: Endpoint, model: str, route: Route, *, keep_wire: bool = False) -> None:
        self.completed = False
        self._endpoint = endpoint
        self._model = model
        self._route = route
        self._keep_wire = keep_wire
        self._log = AnswerLog(endpoint)
        self.cut = self._log.cut
        self.used = self._log.used
        self._last: dict[str, object] = {}

    def read(self, chunk: dict[str, object]) -> list[ProviderEvent]:
        """Turn one object into events; where it is wanted, the last of them carries the object itself.

        Raises:
            ProviderError: it is an error, or not what belongs here.
        """
        if chunk.get("error") is not None:
            raise failure(self._endpoint, unwrap(None, chunk), model=self._model)
        self._last = chunk
        done = chunk.get("done") is True
        text, thinking, calls = self._parts(chunk, done=done)
        events = self._log.take(text, thinking, calls)
        if done:
            self._log.tell(usage_of(chunk))
            events.append(self._completed(chunk))
            self.completed = True
        return carrying(events, chunk) if self._keep_wire else events

    def served(self) -> str:
        """The model that has been said to answer."""
        return _served(self._last)

    def _parts(self, chunk: dict[str, object], *, done: bool) -> tuple[str, str, Sequence[ToolCall]]:
        if self._route == "chat":
            message = chunk.get("message")
            if message is None and done:
                message = {}
            if not isinstance(message, dict):
                raise self.cut("a line without a message")
            text = message.get("content")
        else:
            message = chunk
            text = chunk.get("response", "" if done else None)
            if text is None and "thinking" not in chunk:
                raise self.cut("a line without a response")
        thinking = message.get("thinking")
        text = "" if text is None else text
        thinking = "" if thinking is None else thinking
        if not isinstance(text, str) or not isinstance(thinking, str):
            raise self.cut("a line with text that is none")
        calls = message.get("tool_calls")
        return text, thinking, () if calls is None else self._calls(calls)

    def _calls(self, given: object) -> list[ToolCall]:
        if not isinstance(given, list):
            raise self.cut("malformed tool calls")
        return [self._tool_call(call) for call in given]

    def _tool_call(self, call: object) -> ToolCall:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict):
            raise self.cut("a malformed tool call")
        name, arguments, number = function.get("name"), function.get("arguments", {}), call.get("id")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise self.cut("a malformed tool call")
        return ToolCall(name=name, arguments=arguments or {}, id=number if isinstance(number, str) else "")

    def _completed(self, chunk: dict[str, object]) -> Completed:
        reason = chunk.get("done_reason")
        if reason in ("load", "unload"):
            raise AnswerCut(f"{self._endpoint.name}: the server {reason}ed the model and gave no answer.")
        if reason not in (None, "", "stop", "length"):
            said = redact(one_line(str(reason), 60))
            raise ServerFailed(f"{self._endpoint.name}: the answer ended for an unknown reason: {said}", details=said)
        finish = self._log.finish(by_length=reason == "length")
        return Completed(finish_reason=finish, usage=usage_of(chunk), served_model=_served(chunk))


def usage_of(chunk: Mapping[str, object]) -> Usage:
    """Read the token counts; the server leaves out what is zero or unknown, so a missing one is ``None``."""
    return Usage(input_tokens=count(chunk.get("prompt_eval_count")), output_tokens=count(chunk.get("eval_count")))


def embedded(endpoint: Endpoint, model: str, answer: dict[str, object]) -> Completed:
    """Turn the answer of ``/api/embed`` into its one event.

    Raises:
        ProviderError: it is an error, or has no vectors.
    """
    if answer.get("error") is not None:
        raise failure(endpoint, unwrap(None, answer), model=model)
    if not isinstance(answer.get("embeddings"), list):
        raise AnswerCut(f"{endpoint.name}: the answer has no embeddings.")
    return Completed(finish_reason=FinishReason.STOP, usage=usage_of(answer), served_model=_served(answer), wire=answer)


def _served(answer: Mapping[str, object]) -> str:
    """The model that a server says has answered: kept and shown, so one clean line of it."""
    name = answer.get("model")
    return one_line(redact(name[:2_000])) if isinstance(name, str) else ""
