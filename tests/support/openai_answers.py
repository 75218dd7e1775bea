"""What an OpenAI-compatible server says: event streams, whole replies, model lists, errors.

The shapes follow openai-python: ``types/chat/chat_completion_chunk.py``, ``chat_completion.py`` and
``types/completion_usage.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.plays import Play, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.support.plays import Mark, Step

SSE = {"Content-Type": "text/event-stream; charset=utf-8"}
MODEL = "gpt-test"
DONE = b"data: [DONE]\n\n"


def event(value: object) -> bytes:
    """Print one object as an event."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def chunk(
    content: str | None = None, *, finish: str | None = None, model: str = MODEL, **more: object
) -> dict[str, object]:
    """One chunk; ``delta`` adds to its delta, everything else stands beside the choices."""
    delta: dict[str, object] = {} if content is None else {"content": content}
    extra = more.pop("delta", {})
    assert isinstance(extra, dict)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": {**delta, **extra}, "logprobs": None, "finish_reason": finish}],
        **more,
    }


def tokens(
    prompt: int = 12, completion: int = 5, *, cached: int | None = None, thought: int | None = None
) -> dict[str, object]:
    """The usage object."""
    usage: dict[str, object] = {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
    }  # fmt: skip
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached, "audio_tokens": 0}
    if thought is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage


def usage_chunk(usage: Mapping[str, object] | None = None, *, model: str = MODEL) -> dict[str, object]:
    """The chunk after the end: no choices, only usage."""
    return {**chunk(model=model), "choices": [], "usage": dict(usage) if usage is not None else tokens()}


def pieces_of(text: str, size: int = 6) -> list[str]:
    """Cut a text into token-like pieces."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def chunks_of(
    text: str, *, finish: str | None = "stop", usage: Mapping[str, object] | None = None, model: str = MODEL
) -> list[dict[str, object]]:
    """The chunks of a whole answer, as OpenAI sends them."""
    chunks = [chunk("", delta={"role": "assistant", "refusal": None}, model=model)]
    chunks += [chunk(piece, model=model) for piece in pieces_of(text)]
    if finish is not None:
        chunks.append(chunk(finish=finish, model=model))
        chunks.append(usage_chunk(usage, model=model))
    return chunks


def events(
    values: Iterable[object], *, done: bool = True, pause_s: float = 0.0, end: Mark | None = None,
    tail: Sequence[Step] = (),
) -> Play:  # fmt: skip
    """Stream objects; ``done`` adds the last line, ``end`` another way to end, ``tail`` raw steps before it."""
    steps: list[Step] = []
    for value in values:
        steps += [event(value), pause_s] if pause_s else [event(value)]
    steps += tail
    if end is not None:
        steps.append(end)
    elif done:
        steps.append(DONE)
    return Play(headers=SSE, body=tuple(steps))


def answer(text: str, *, finish: str | None = "stop", usage: Mapping[str, object] | None = None) -> Play:
    """Stream a whole answer."""
    return events(chunks_of(text, finish=finish, usage=usage))


def whole(text: str, *, finish: str | None = "stop", **message: object) -> dict[str, object]:
    """A reply that does not stream."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
        "usage": tokens(),
    }


def refused(
    status: int, message: str, *, code: object = None, kind: str | None = None, param: str | None = None,
    headers: Mapping[str, str] | None = None, **more: object,
) -> Play:  # fmt: skip
    """A refusal as OpenAI words it; ``more`` stands inside the error."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}
    return said(status, body, headers=headers)


def said(status: int, body: object, *, headers: Mapping[str, str] | None = None) -> Play:
    """A refusal in any JSON."""
    raw = json.dumps(body).encode()
    return Play(
        status=status, headers={"Content-Type": "application/json", **(headers or {})}, body=(raw,), framing="length"
    )


def models(*entries: object) -> Play:
    """The list of models."""
    return json_answer({"object": "list", "data": list(entries)})
