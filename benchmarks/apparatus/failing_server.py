"""A server on loopback that answers, refuses, or breaks off as it is told, on Ollama's wire and on OpenAI's.

It has two models. Each has a `Plan`, which says how the next requests for it go, and every request for an answer is
written down. It runs in a thread of its own: what is tried with it is not timed.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from benchmarks.apparatus.token_server import DETAILS, MODEL
from llmdesk.demo.server import ConnectionCut, HttpServer, Reply, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from llmdesk.demo.server import Request

SPARE = "spare:1b"
"""The other model."""

PACE_S = 0.1
"""From one word of an answer to the next, seconds."""

BROKEN_AFTER = 12
"""So many words come of an answer that breaks off."""

_CHATS = ("/api/chat", "/v1/chat/completions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How answers of a model go.

    Args:
        begin: the first word.
        end: the last word of a whole answer.
        words: so many there are; ``None`` = it never ends.
        breaks: after some words the connection is ``cut``, or the answer ends in good order but ``unmarked``, without
            the mark that says that it is whole.
        status: every request is refused with it; 200 = none is.
    """

    begin: str = "BEGIN"
    end: str = "END"
    words: int | None = 20
    breaks: Literal["", "cut", "unmarked"] = ""
    status: int = 200


@dataclass(slots=True)
class Asked:
    """One request for an answer; ``sent`` counts the words of it, ``over`` is set when nothing more will come."""

    model: str
    body: str
    at: float = field(default_factory=time.monotonic)
    sent: int = 0
    over: bool = False


class FailingServer:
    """Entered, it serves at ``url``; what it was asked stands in ``asked``."""

    def __init__(self) -> None:
        self.plans = {MODEL: Plan(), SPARE: Plan()}
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = HttpServer(self._answer)
        asyncio.run_coroutine_threadsafe(self._server.__aenter__(), self._loop).result()
        self.url = self._server.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def plan(self, plan: Plan, *, spare: Plan | None = None) -> None:
        """Say how the next requests go; the other model goes the same way unless it has a plan of its own."""
        self.plans = {MODEL: plan, SPARE: spare or plan}

    def asked_for(self, word: str) -> list[Asked]:
        """The requests so far that hold a word."""
        return [each for each in list(self.asked) if word in each.body]

    async def _answer(self, request: Request) -> Reply | Stream:
        path = re.sub("/+", "/", request.path)  # elia asks for //api/chat
        if path in _CHATS:
            return self._chat(request, path)
        return Reply(body=json.dumps(_FACTS[path]).encode()) if path in _FACTS else Reply(status=404)

    def _chat(self, request: Request, path: str) -> Reply | Stream:
        body = json.loads(request.body)
        asked = Asked(model=str(body.get("model")), body=request.body.decode())
        self.asked.append(asked)
        plan = self.plans.get(asked.model)
        wire = _Ollama(asked.model) if path == "/api/chat" else _OpenAI(asked.model)
        if plan is None or plan.status != 200:
            asked.over = True
            status = 404 if plan is None else plan.status
            return Reply(status=status, body=wire.refusal(_REFUSALS.get(status, "not here")))
        if not body.get("stream", path == "/api/chat"):
            asked.over = True
            return Reply(body=wire.whole(f"{plan.begin} {plan.end}"))
        return Stream(_words(plan, wire, asked), wire.kind)


async def _words(plan: Plan, wire: _Ollama | _OpenAI, asked: Asked) -> AsyncGenerator[bytes, None]:
    """Send an answer word by word, as far as it goes."""
    try:
        while plan.words is None or asked.sent < plan.words - 1:
            yield wire.piece(f"word{asked.sent} " if asked.sent else f"{plan.begin} ")
            asked.sent += 1
            await asyncio.sleep(PACE_S)
            if plan.breaks and asked.sent == BROKEN_AFTER:
                if plan.breaks == "cut":
                    raise ConnectionCut
                return
        yield wire.piece(plan.end)
        yield wire.last()
    finally:
        asked.over = True


class _Ollama:
    """Lines of JSON."""

    kind = "application/x-ndjson"

    def __init__(self, model: str) -> None:
        self._model = model

    def piece(self, text: str, **more: object) -> bytes:
        said = {"model": self._model, "created_at": "2026-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": text}, "done": False}  # fmt: skip
        return json.dumps(said | more).encode() + b"\n"

    def last(self) -> bytes:
        return self.whole("")

    def refusal(self, why: str) -> bytes:
        return json.dumps({"error": why}).encode()

    def whole(self, text: str) -> bytes:
        took = {"total_duration": 2_100_000_000, "load_duration": 1_000_000, "prompt_eval_duration": 10_000_000,
                "eval_duration": 2_000_000_000}  # fmt: skip
        return self.piece(text, done=True, done_reason="stop", prompt_eval_count=20, eval_count=20, **took)


class _OpenAI:
    """Events."""

    kind = "text/event-stream"

    def __init__(self, model: str) -> None:
        self._head = {"id": "chatcmpl-1", "created": 1_767_225_600, "model": model}

    def piece(self, text: str, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": reason}
        said = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return b"data: " + json.dumps(said).encode() + b"\n\n"

    def last(self) -> bytes:
        return self.piece("", "stop") + b"data: [DONE]\n\n"

    def refusal(self, why: str) -> bytes:
        return json.dumps({"error": {"message": why, "type": "api_error", "code": None}}).encode()

    def whole(self, text: str) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return json.dumps({**self._head, "object": "chat.completion", "choices": [choice]}).encode()


_REFUSALS = {429: "too many requests", 500: "internal server error"}

_SIZES = {MODEL: 4_700_000_000, SPARE: 1_300_000_000}

_CARDS = [
    {"name": name, "model": name, "size": size, "digest": str(size)[0] * 64, "details": DETAILS,
     "modified_at": "2026-01-01T00:00:00Z"}
    for name, size in _SIZES.items()
]  # fmt: skip

_FACTS: dict[str, object] = {
    "/api/tags": {"models": _CARDS},
    "/api/version": {"version": "0.13.0"},
    "/api/ps": {"models": []},
    "/api/show": {"details": DETAILS, "capabilities": ["completion"], "license": "", "modelfile": "FROM bench",
                  "parameters": "", "template": "{{ .Prompt }}", "modified_at": "2026-01-01T00:00:00Z",
                  "model_info": {"general.architecture": "llama", "llama.context_length": 32_768}},
    "/v1/models": {"object": "list", "data": [
        {"id": name, "object": "model", "created": 1, "owned_by": "library"} for name in (MODEL, SPARE)]},
}  # fmt: skip
"""What is asked beside answers."""
