"""Answers of a server that speaks Anthropic's format, as plays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.plays import Play, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.support.plays import Mark, Step

SSE = {"Content-Type": "text/event-stream; charset=utf-8"}
MODEL = "claude-sonnet-5-5"
PATH = "/v1/messages"


def event(kind: str, **fields: object) -> bytes:
    """One event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def begun(**usage: object) -> bytes:
    """The first event: a message without content, and what was read."""
    message = {
        "id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": None,
        "usage": {"input_tokens": 11, "output_tokens": 1, **usage},
    }  # fmt: skip
    return event("message_start", message=message)


def block(index: int, begins: Mapping[str, object], *deltas: Mapping[str, object]) -> list[bytes]:
    """One content block, whole."""
    return [
        event("content_block_start", index=index, content_block=begins),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def text_block(*pieces: str, index: int = 0) -> list[bytes]:
    """A block of text, in pieces."""
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": text} for text in pieces))


def thinking_block(*pieces: str, index: int = 0) -> list[bytes]:
    """A block of thinking with its signature."""
    deltas = [{"type": "thinking_delta", "thinking": text} for text in pieces]
    return block(index, {"type": "thinking", "thinking": ""}, *deltas, {"type": "signature_delta", "signature": "c2ln"})


def call_block(name: str, *pieces: str, index: int = 0, number: str = "toolu_01") -> list[bytes]:
    """A call of a tool, its arguments in pieces of JSON."""
    deltas = [{"type": "input_json_delta", "partial_json": text} for text in pieces]
    return block(index, {"type": "tool_use", "id": number, "name": name, "input": {}}, *deltas)


def stopped(reason: str | None = "end_turn", output_tokens: int = 6, **more: object) -> bytes:
    """Why it ends, and what was written in all."""
    usage = {"output_tokens": output_tokens}
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None, **more}, usage=usage)


END = event("message_stop")
PING = event("ping")


def failed(kind: str, message: str = "Overloaded", **error: object) -> bytes:
    """An error in the stream."""
    return event("error", error={"type": kind, "message": message, **error})


def played(events: Iterable[bytes], end: Mark | None = None, **headers: str) -> Play:
    """A stream of these events, each a segment of its own."""
    body: list[Step] = [*events, *([end] if end is not None else [])]
    return Play(headers={**SSE, **headers}, body=tuple(body))


def answer(*pieces: str, reason: str | None = "end_turn", **more: object) -> Play:
    """A whole answer of text."""
    return played([begun(), PING, *text_block(*pieces), stopped(reason, **more), END])


def refusal(status: int, kind: str, message: str, *, details: object = None, **headers: str) -> Play:
    """An error as it comes outside of a stream."""
    error = {"type": kind, "message": message, **({"details": details} if details is not None else {})}
    body = {"type": "error", "error": error, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
    return Play(
        status=status,
        headers={name.replace("_", "-").title(): value for name, value in headers.items()},
        body=(json.dumps(body).encode(),),
        framing="length",
    )


def models(*names: str) -> Play:
    """A page of models, the last."""
    entries = [{"type": "model", "id": name, "display_name": name, "max_input_tokens": 1_000_000} for name in names]
    return json_answer({"data": entries, "has_more": False, "first_id": names[0], "last_id": names[-1]})
