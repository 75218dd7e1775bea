"""One scene for each row of docs/policy.md 3.1 (O), 3.2 (C) and 3.8 (N) that a loopback server can play.

What a scene is, and how it is played: ``tests.support.scenes``.

Not here: O15 (a matter of lists and lanes), N4 (a trap that must stay empty), N15 (suspend), C5's hint and C10 (the
router's and nobody's). Rows with a letter after a dot are variants of one row.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FinishReason
from tests.support.fault_server import (
    Mark,
    Play,
    chat_answer,
    chat_chunk,
    done_chunk,
    drip,
    error,
    line,
    page,
    plain,
    redirect,
    stream,
)
from tests.support.ollama_answers import NDJSON
from tests.support.scenes import Scene, network_scenes, waiting_scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = "ref: 6f1d1c1e-2b7a-4b53-9c59-0f4a3a5b1c77"
ANSWER = "Hello from Ollama."
SIGNIN = "https://ollama.com/connect?name=box&key=c3NoLWVkMjU1MTktc2VjcmV0"
SECRETS = ("c3NoLWVkMjU1MTktc2VjcmV0", "ada@lovelace", "proxy-password")
"""Words in the scenes that no message, detail or file may contain."""


def in_string(**inner: object) -> str:
    """JSON inside a JSON string, as the server passes its runner's errors on."""
    return json.dumps({"error": inner})


TEXT = [chat_chunk("Hello "), chat_chunk("from ")]
RUNNER_STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
    "check ollama server logs for details"
)


def endless_line() -> Iterator[bytes]:
    """A line that never ends."""
    return itertools.chain([b'{"message":{"content":"'], itertools.repeat(b"x" * 65_536))


def endless_error() -> Iterator[bytes]:
    """An error text that never ends."""
    return itertools.chain([b'{"error":"'], itertools.repeat(b"y" * 65_536))


LOCAL: tuple[Scene, ...] = (
    Scene(row="O1", kind=ErrorKind.NET, place="refused", retries=0, says=("connection refused", "ollama serve")),
    Scene(row="O2.a", kind=ErrorKind.GONE, status=404, play=error(404, "model 'gemma3:4b' not found"),
          says=("ollama pull gemma3:4b",)),
    Scene(row="O2.b", kind=ErrorKind.GONE, status=404,
          play=error(404, 'model "gemma3:4b" not found, try pulling it first'), says=("ollama pull gemma3:4b",)),
    Scene(row="O3.a", kind=None, text=ANSWER,
          play=Play(headers=NDJSON, before=(0.3,), body=chat_answer(ANSWER).body), timeouts={"first_token_s": 30}),
    Scene(row="O3.b", kind=ErrorKind.SERVER, status=500, retries=0, says=("load",),
          play=error(500, "timed out waiting for llama-server to start - progress 0.00 - ")),
    Scene(row="O4", kind=ErrorKind.SERVER, status=500, retries=1, smaller_model=True, play=error(500, RUNNER_STOPPED)),
    Scene(row="O5.a", kind=ErrorKind.SERVER,
          play=stream([*TEXT, {"error": "an error was encountered while running the model: unexpected EOF"}])),
    Scene(row="O5.b", kind=ErrorKind.SERVER, retries=1, smaller_model=True,
          play=stream([*TEXT, {"error": RUNNER_STOPPED}])),
    Scene(row="O6.a", kind=ErrorKind.SERVER, status=500,
          play=error(500, "an error was encountered while running the model: unexpected EOF")),
    Scene(row="O6.b", kind=ErrorKind.REQUEST, status=400, play=error(400, "invalid model name")),
    Scene(row="O7.a", kind=ErrorKind.TRUNCATED, play=chat_answer(ANSWER, done=False), says=("18 characters",)),
    Scene(row="O7.b", kind=ErrorKind.TRUNCATED,
          play=stream([*TEXT, {**done_chunk(), "done": False}]), says=("11 characters",)),
    Scene(row="O8.a", kind=ErrorKind.TRUNCATED, play=stream(TEXT, end=Mark.RST)),
    Scene(row="O8.b", kind=ErrorKind.TRUNCATED, play=stream(TEXT, end=Mark.FIN)),
    Scene(row="O9.a", kind=ErrorKind.SERVER, status=500, retries=0, smaller_model=True, says=("7.5 GiB", "5.2 GiB"),
          play=error(500, "model requires more system memory (7.5 GiB) than is available (5.2 GiB)")),
    Scene(row="O9.b", kind=ErrorKind.SERVER, status=500, retries=0, smaller_model=True,
          play=error(500, "llama-server reported out-of-memory during startup: failed to allocate buffer")),
    Scene(row="O9.c", kind=ErrorKind.SERVER, status=500, retries=0, smaller_model=True,
          play=error(500, "cudaMalloc failed: out of memory")),
    Scene(row="O10.a", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("longer than",),
          play=error(400, "the prompt is longer than the context length currently available to the model; "
                          "reduce the prompt or increase the context length")),
    Scene(row="O10.b", kind=None, text=ANSWER, play=chat_answer(ANSWER, input_tokens=2051)),
    Scene(row="O10.c", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("4 096 tokens",),
          play=error(400, in_string(
              code=400, type="exceed_context_size_error", n_prompt_tokens=42007, n_ctx=4096,
              message="request (42007 tokens) exceeds the available context size (4096 tokens), try increasing it"))),
    Scene(row="O11", kind=ErrorKind.SERVER, status=503,
          play=error(503, "server busy, please try again.  maximum pending requests exceeded")),
    Scene(row="O12", kind=ErrorKind.AUTH, status=401, says=("ollama signin",),
          play=error(401, body=json.dumps({"error": "unauthorized", "signin_url": SIGNIN}).encode())),
    Scene(row="O13", kind=ErrorKind.AUTH, status=403, scope="model", says=("OLLAMA_NO_CLOUD",),
          play=error(403, "ollama cloud is disabled: remote model is unavailable")),
    Scene(row="O14.a", kind=ErrorKind.GONE, status=400, target_specific=True, says=("does not support chat",),
          play=error(400, '"nomic-embed-text" does not support chat')),
    Scene(row="O14.b", kind=ErrorKind.GONE, status=400, target_specific=True, says=("does not support tools",),
          play=error(400, "registry.ollama.ai/library/gemma3:4b does not support tools")),
    Scene(row="O14.c", kind=ErrorKind.GONE, status=400, target_specific=True,
          play=error(400, '"gemma3:4b" does not support thinking')),
    Scene(row="O16.a", kind=ErrorKind.TRUNCATED, play=stream([done_chunk(reason="load")])),
    Scene(row="O16.b", kind=ErrorKind.TRUNCATED, play=stream([done_chunk(reason="unload")])),
    Scene(row="O17", kind=None, text=ANSWER, finish=FinishReason.LENGTH, play=chat_answer(ANSWER, reason="length")),
    Scene(row="O18.a", kind=None, text="zwei Objekte ☃", play=Play(headers=NDJSON, body=(
        line(chat_chunk("zwei ")) + line(chat_chunk("Objekte ☃")) + line(done_chunk()),))),
    Scene(row="O18.b", kind=None, text="☃ geteilt", play=Play(headers=NDJSON, body=tuple(drip(
        line(chat_chunk("☃ geteilt")) + line(done_chunk()), 0.0, size=7)))),
    Scene(row="O18.c", kind=None, text=ANSWER, play=Play(headers=NDJSON, body=(
        b"\r\n\n" + line(chat_chunk(ANSWER)).replace(b"\n", b"\r\n") + b"\r\n  \n" + line(done_chunk()).strip(),))),
    Scene(row="O19", kind=ErrorKind.TRUNCATED, play=Play(headers=NDJSON, body=endless_line)),
    Scene(row="O20.a", kind=ErrorKind.REQUEST, status=500, says=("invalid format",),
          play=error(500, 'invalid format: "yaml"; expected "json" or a valid JSON Schema object')),
    Scene(row="O20.b", kind=ErrorKind.REQUEST, status=500,
          play=error(500, 'option "temperature" must be of type float32')),
    Scene(row="O20.c", kind=ErrorKind.REQUEST, status=400, play=error(400, "failed to parse grammar")),
    Scene(row="O20.d", kind=None, text='```json\n{"a": 1}\n```', play=chat_answer('```json\n{"a": 1}\n```')),
    Scene(row="O21", kind=ErrorKind.SERVER, status=499, play=error(499, "request canceled")),
    Scene(row="O22.a", kind=ErrorKind.SERVER, play=stream(TEXT, tail=(b'{"error":"unexpected EOF"}',))),
    Scene(row="O22.b", kind=ErrorKind.SERVER, play=Play(headers=NDJSON, body=(
        line(TEXT[0]) + line(TEXT[1]).strip() + b'{"error":"unexpected EOF"}',))),
)  # fmt: skip

LIMITS = (
    "you've reached your hourly usage limit, please wait or upgrade to continue",
    "you've reached your weekly usage limit, please wait or upgrade to continue",
    "you (ada@lovelace) have reached your session usage limit, please wait or upgrade to continue",
    "you (ada@lovelace) have reached your session usage limit, upgrade for higher limits: https://ollama.com/upgrade",
    f"you (ada@lovelace) have reached your weekly usage limit, or add extra usage: https://ollama.com/x ({REFERENCE})",
    "you (ada@lovelace) have reached your monthly usage limit, add extra usage: https://ollama.com/settings",
)
"""The wordings of 429 seen at ollama.com, oldest first, and the next one to be expected."""

CLOUD: tuple[Scene, ...] = (
    *(Scene(row=f"C1.{letter}", status=429, play=error(429, text),
            kind=ErrorKind.QUOTA if "weekly" in text or "monthly" in text else ErrorKind.RATE)
      for letter, text in zip("abcdef", LIMITS, strict=True)),
    Scene(row="C1.g", kind=ErrorKind.RATE, status=429, play=Play(
        status=429, headers=NDJSON, framing="length",
        body=(b'{"StatusCode":429,"Status":"429 Too Many Requests","error":"slow down"}',))),
    Scene(row="C2", kind=ErrorKind.RATE, status=429, play=error(429, "rate limit exceeded")),
    Scene(row="C3", kind=ErrorKind.QUOTA, status=402, play=error(402, "usage limit, please upgrade")),
    Scene(row="C4.a", kind=ErrorKind.SERVER, status=503, says=("server error 503",),
          play=error(503, f"Server overloaded, please retry shortly ({REFERENCE})")),
    Scene(row="C4.b", kind=ErrorKind.SERVER, status=503, play=plain(503, "Service Temporarily Unavailable")),
    Scene(row="C4.c", kind=ErrorKind.SERVER, status=503, play=plain(503, "no healthy upstream")),
    Scene(row="C4.d", kind=ErrorKind.SERVER, status=529, play=error(529, "overloaded")),
    Scene(row="C5.a", kind=ErrorKind.SERVER, status=500, play=error(500, f"Internal Server Error ({REFERENCE})")),
    Scene(row="C5.b", kind=ErrorKind.SERVER, status=500, play=plain(500, "Internal Server Error")),
    Scene(row="C6.a", kind=ErrorKind.GONE, status=404, play=error(404, 'model "gemma3:4b" not found')),
    Scene(row="C6.b", kind=ErrorKind.GONE, status=410, play=error(410, "model gemma3:4b has been retired")),
    Scene(row="C7", kind=ErrorKind.AUTH, status=401, play=error(401, "unauthorized")),
    Scene(row="C8", kind=ErrorKind.AUTH, status=403, scope="model", says=("subscription",), play=error(
        403, f"this model requires a subscription, upgrade for access: https://ollama.com/upgrade ({REFERENCE})")),
    Scene(row="C9.a", kind=ErrorKind.SERVER, status=502, play=error(
        502, 'Post "https://ollama.com:443/api/chat?ts=1": dial tcp: lookup ollama.com: no such host')),
    Scene(row="C9.b", kind=ErrorKind.SERVER, status=502, play=page(502, "<html><h1>502 Bad Gateway</h1></html>")),
    Scene(row="C9.c", kind=ErrorKind.SERVER, status=504, play=Play(status=504, framing="length")),
)  # fmt: skip

STATUSES: tuple[Scene, ...] = (
    Scene(row="status.307", kind=ErrorKind.CONFIG, status=307, play=redirect(307, "/elsewhere/api/chat")),
    Scene(row="status.302", kind=ErrorKind.CONFIG, status=302, play=redirect(302, "/login")),
    Scene(row="status.403", kind=ErrorKind.AUTH, status=403, play=Play(status=403, framing="length")),
    Scene(row="status.404", kind=ErrorKind.CONFIG, status=404, play=plain(404, "404 page not found"),
          says=("base_url",)),
    Scene(row="status.408", kind=ErrorKind.SERVER, status=408, play=error(408, "timeout")),
    Scene(row="status.409", kind=ErrorKind.SERVER, status=409, play=error(409, "conflict")),
    Scene(row="status.413", kind=ErrorKind.REQUEST, status=413, target_specific=True, play=page(413)),
    Scene(row="status.418", kind=ErrorKind.SERVER, status=418, play=error(418, "teapot"), says=("418",)),
    Scene(row="status.422", kind=ErrorKind.REQUEST, status=422, play=error(422, "unprocessable")),
    Scene(row="status.501", kind=ErrorKind.SERVER, status=501, play=error(501, "not implemented")),
    Scene(row="empty", kind=ErrorKind.TRUNCATED, play=Play(headers=NDJSON)),
    Scene(row="blank", kind=ErrorKind.TRUNCATED, play=chat_answer(" \n ")),
    Scene(row="reasoning only", kind=None, play=chat_answer("", thinking="I think so.")),
    Scene(row="unknown end", kind=ErrorKind.SERVER, play=chat_answer(ANSWER, reason="moonphase"), says=("moonphase",)),
    Scene(row="endless error", kind=ErrorKind.SERVER, status=500, play=Play(status=500, body=endless_error)),
    Scene(row="cut error", kind=ErrorKind.SERVER, status=500, play=Play(
        status=500, framing="length", length=500, body=(b'{"error":"half a',))),
)  # fmt: skip

NETWORK = network_scenes(
    headers=NDJSON, partial=line(TEXT[0]), whole=chat_answer(ANSWER), text=ANSWER, endless=endless_line
)

WAITING = waiting_scenes(lambda value: error(429, "rate limit exceeded", retry_after=value))

SCENES: tuple[Scene, ...] = (*LOCAL, *CLOUD, *STATUSES, *NETWORK, *WAITING)
