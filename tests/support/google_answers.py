"""Answers of a server that speaks Gemini's format, as plays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.plays import Play, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.support.plays import Mark, Step

SSE = {"Content-Type": "text/event-stream"}
MODEL = "gemini-3.8-flash"
PATH = f"/v1beta/models/{MODEL}:streamGenerateContent"
USAGE = {"promptTokenCount": 11, "candidatesTokenCount": 6, "totalTokenCount": 17}


def response(*parts: Mapping[str, object], reason: str | None = None, **fields: object) -> dict[str, object]:
    """One response of a stream, with these parts."""
    candidate: dict[str, object] = {"index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r1", **fields}


def texts(*pieces: str) -> list[dict[str, object]]:
    """Responses with a piece of text each, none of which is the last."""
    return [response({"text": text}) for text in pieces]


def last(reason: str | None = "STOP", *parts: Mapping[str, object], **candidate: object) -> dict[str, object]:
    """The last response: why it ends, and what it cost."""
    made = response(*(parts or ({"text": ""},)), reason=reason, usageMetadata=USAGE)
    if candidate:
        made["candidates"][0] |= candidate  # type: ignore[index]
    return made


def event(value: object) -> bytes:
    """One event of a stream, as the service frames it."""
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


def played(responses: Iterable[object], end: Mark | None = None) -> Play:
    """A stream of these responses, each a segment of its own."""
    body: list[Step] = [*(event(each) for each in responses), *([end] if end is not None else [])]
    return Play(headers=SSE, body=tuple(body))


def answer(*pieces: str, reason: str | None = "STOP", **candidate: object) -> Play:
    """A whole answer of text."""
    return played([*texts(*pieces), last(reason, **candidate)])


def status(code: int, state: str, message: str, *details: Mapping[str, object]) -> dict[str, object]:
    """An error object."""
    told = {"details": list(details)} if details else {}
    return {"error": {"code": code, "message": message, "status": state, **told}}


def refusal(code: int, state: str, message: str, *details: Mapping[str, object], **headers: str) -> Play:
    """An error as it comes outside of a stream."""
    return Play(
        status=code,
        headers={name.replace("_", "-").title(): value for name, value in headers.items()},
        body=(json.dumps(status(code, state, message, *details)).encode(),),
        framing="length",
    )


def reason(name: str, domain: str = "googleapis.com") -> dict[str, object]:
    """The detail that names a reason."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": domain}


def quota(*ids: str) -> dict[str, object]:
    """The detail that names quotas."""
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name} for name in ids]}


def retry(delay: str) -> dict[str, object]:
    """The detail that says how long to wait."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def models(*names: str) -> Play:
    """A page of models, the last."""
    methods = ["generateContent", "countTokens"]
    return json_answer({"models": [
        {"name": f"models/{name}", "inputTokenLimit": 1_048_576, "supportedGenerationMethods": methods}
        for name in names
    ]})  # fmt: skip
