"""A request as text, so that the outbox can ask it again exactly as it was asked."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from typing import Any, cast

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Message, ModelRef, Params, Role, ToolCall
from llmdesk.core.views import Ask

_PLAIN = ("lane", "agent", "job", "system", "schema", "schema_name", "format", "extra", "endpoint", "timeout_s",
          "failover", "summarises")  # fmt: skip


def dump(ask: Ask) -> str:
    """Write everything of ``ask`` that its row does not hold in columns of its own (prompt, attachments).

    Raises:
        UsageError: something in it is no JSON value.
    """
    payload: dict[str, Any] = {name: getattr(ask, name) for name in _PLAIN}
    payload["params"] = {f.name: getattr(ask.params, f.name) for f in fields(Params)}
    payload["model"] = str(ask.model) if ask.model else None
    payload["targets"] = [str(ref) for ref in ask.targets] if ask.targets is not None else None
    payload["tools"] = list(ask.tools)
    payload["messages"] = [_message_out(m) for m in ask.messages] if ask.messages is not None else None
    try:
        return json.dumps({k: v for k, v in payload.items() if v is not None}, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(one_line(f"The request holds a value that is no JSON: {error}.")) from None


def load(text: str) -> Ask:
    """Read back what ``dump`` wrote; unknown keys of a newer version are passed over.

    Raises:
        UsageError: this version cannot read it.
    """
    try:
        return _load(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = one_line(str(error), 60)
        raise UsageError(f"The request was written by another version of llmdesk and cannot be read ({why}).") from None


def _load(payload: dict[str, Any]) -> Ask:
    known = {name: payload[name] for name in _PLAIN if name in payload}
    params = {f.name: payload.get("params", {}).get(f.name) for f in fields(Params)}
    params["stop"] = tuple(params["stop"]) if params["stop"] is not None else None
    params["extra"] = params.get("extra") or {}
    return Ask(
        **known,
        params=Params(**params),
        model=ModelRef.parse(payload["model"]) if payload.get("model") else None,
        targets=tuple(ModelRef.parse(ref) for ref in payload["targets"]) if "targets" in payload else None,
        tools=tuple(payload.get("tools", ())),
        messages=tuple(_message_in(m) for m in payload["messages"]) if "messages" in payload else None,
    )


def _message_out(message: Message) -> dict[str, Any]:
    out: dict[str, Any] = {"role": message.role.value, "content": message.content}
    for name in ("thinking", "tool_name", "tool_call_id"):
        if value := getattr(message, name):
            out[name] = value
    if message.images:
        out["images"] = [base64.b64encode(image).decode() for image in message.images]
    if message.tool_calls:
        out["tool_calls"] = [{"name": c.name, "arguments": c.arguments, "id": c.id} for c in message.tool_calls]
    return out


def _message_in(out: dict[str, Any]) -> Message:
    return Message(
        role=Role(out["role"]),
        content=out["content"],
        thinking=out.get("thinking", ""),
        tool_name=out.get("tool_name", ""),
        tool_call_id=out.get("tool_call_id", ""),
        images=tuple(base64.b64decode(image) for image in out.get("images", ())),
        tool_calls=tuple(ToolCall(**call) for call in out.get("tool_calls", ())),
    )


def _plain(value: object) -> object:
    if hasattr(value, "items"):
        return dict(cast("Any", value))
    raise TypeError(f"{type(value).__name__} cannot be written down")
