"""One scene for each row of docs/policy.md 3.3 (P), 3.4 (G) and 3.8 (N) that a loopback server can play.

What a scene is, and how it is played: ``tests.support.scenes``. Rows with a letter after a dot are variants of one row.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FinishReason
from tests.support.fault_server import Mark, Play, drip, error, json_answer, page, plain, redirect
from tests.support.openai_answers import (
    DONE,
    MODEL,
    SSE,
    answer,
    chunk,
    chunks_of,
    event,
    events,
    refused,
    said,
    tokens,
    usage_chunk,
    whole,
)
from tests.support.scenes import Scene, network_scenes, waiting_scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = "Hello from the other side."
BEGUN = chunks_of("Hello from ", finish=None)
KEY_ECHO = "sk-canary-7f3a9c+Zq/1d24e8b0aa"
WEB_PAGE = "<!doctype html><html><body>Not here</body></html>"
DAY = "Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait {} seconds before retrying."


def endless_line() -> Iterator[bytes]:
    """An event that never ends."""
    return itertools.chain([b'data: {"choices":[{"delta":{"content":"'], itertools.repeat(b"x" * 65_536))


def endless_error() -> Iterator[bytes]:
    """An error text that never ends."""
    return itertools.chain([b'{"error":{"message":"'], itertools.repeat(b"y" * 65_536))


def _quota(letter: str, **words: str) -> Scene:
    return Scene(row=f"P2.{letter}", kind=ErrorKind.QUOTA, status=429,
                 play=refused(429, "You exceeded your current quota.", **words))  # fmt: skip


RATE: tuple[Scene, ...] = (
    Scene(row="P1.a", kind=ErrorKind.RATE, status=429, hint_s=20.0, says=("rate limited",),
          play=refused(429, "Rate limit reached for gpt-test on requests per min (RPM): Limit 3, Used 3, Requested 1.",
                       code="rate_limit_exceeded", kind="requests", headers={"Retry-After": "20"})),
    Scene(row="P1.b", kind=ErrorKind.RATE, status=429, hint_s=1.0,
          play=refused(429, "slow", code="rate_limit_exceeded", headers={"retry-after-ms": "120"})),
    Scene(row="P1.c", kind=ErrorKind.RATE, status=429, hint_s=20.0,
          play=refused(429, "Rate limit reached for gpt-test. Please try again in 20s. Visit https://x.example",
                       code="rate_limit_exceeded")),
    Scene(row="P1.d", kind=ErrorKind.RATE, status=429, hint_s=360.0, play=refused(429, "Rate limit reached.", headers={
        "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "120ms"})),
    Scene(row="P1.e", kind=ErrorKind.RATE, status=429, play=refused(429, "Rate limit", headers={"Retry-After": "0"})),
    Scene(row="P1.f", kind=ErrorKind.RATE, status=429, play=plain(429, "Too Many Requests")),
    Scene(row="P1.g", kind=ErrorKind.QUOTA, status=429, hint_s=432.5,
          play=refused(429, "Rate limit reached for model `x` in organization `o` on tokens per day (TPD): Limit 9, "
                            "Used 8, Requested 2. Please try again in 7m12.5s.", code="rate_limit_exceeded")),
    _quota("a", code="insufficient_quota", kind="insufficient_quota"),
    _quota("b", code="credit_balance_exhausted"),
    _quota("c", code="organization_spend_limit_exceeded"),
    _quota("d", code="project_spend_limit_exceeded"),
    _quota("e", code="organization_usage_limit_exceeded"),
    Scene(row="P2.f", kind=ErrorKind.QUOTA, status=402,
          play=refused(402, "Insufficient Balance", code="invalid_request")),
    Scene(row="P2.g", kind=ErrorKind.QUOTA, status=402, says=("402",),
          play=refused(402, "This request requires more credits, or fewer max_tokens.", code=402)),
    Scene(row="P2.h", kind=ErrorKind.QUOTA, status=400,
          play=refused(400, "hard limit", code="billing_hard_limit_reached")),
    Scene(row="P3.a", kind=ErrorKind.RATE, status=429, play=refused(429, "Slow down.", code="slow_down")),
    Scene(row="P3.b", kind=ErrorKind.SERVER, status=503,
          play=refused(503, "Overloaded.", code="server_is_overloaded"), says=("503",)),
    Scene(row="P3.c", kind=ErrorKind.SERVER, status=498, play=refused(498, "Flex tier", code="capacity_exceeded")),
    Scene(row="P3.d", kind=ErrorKind.SERVER, status=499, play=refused(499, "Request cancelled")),
    Scene(row="P3.e", kind=ErrorKind.SERVER, status=529, play=refused(529, "Overloaded")),
    Scene(row="P3.f", kind=ErrorKind.SERVER, status=503, says=("loading its model",),
          play=refused(503, "Loading model", kind="unavailable_error", code=503)),
    Scene(row="P3.g", kind=ErrorKind.SERVER, status=503, hint_s=3.0,
          play=refused(503, "busy", headers={"Retry-After": "3"})),
)  # fmt: skip

KEYS: tuple[Scene, ...] = (
    Scene(row="P4.a", kind=ErrorKind.AUTH, status=401, says=("$THE_KEY",),
          play=refused(401, f"Incorrect API key provided: {KEY_ECHO}.", code="invalid_api_key")),
    Scene(row="P4.b", kind=ErrorKind.AUTH, status=401,
          play=refused(401, "Incorrect API key provided: sk-canar********************0aa.", code="invalid_api_key")),
    Scene(row="P4.c", kind=ErrorKind.AUTH, status=401, play=said(401, {"detail": f"Unauthorized: Bearer {KEY_ECHO}"})),
    Scene(row="P4.d", kind=ErrorKind.AUTH, status=401, play=said(401, {"error": "Unauthorized"})),
    Scene(row="P4.e", kind=ErrorKind.AUTH, status=400,
          play=refused(400, "API key not valid.", code="invalid_api_key"), says=("key rejected (400)",)),
    Scene(row="P5.a", kind=ErrorKind.AUTH, status=403, scope="model", says=("country or region",),
          play=refused(403, "Country or region not supported", code="unsupported_country_region_territory")),
    Scene(row="P5.b", kind=ErrorKind.AUTH, status=403, scope="model", says=("allow-list",),
          play=refused(403, "Your IP is not authorized.", code="ip_not_authorized")),
    Scene(row="P5.c", kind=ErrorKind.AUTH, status=403, scope="model", play=Play(status=403, framing="length")),
)  # fmt: skip

TOO_LONG = (
    ("a", 400, 128_000, refused(
        400, "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens.",
        code="context_length_exceeded", kind="invalid_request_error", param="messages")),
    ("b", 400, 4_096, refused(
        400, "request (42007 tokens) exceeds the available context size (4096 tokens), try increasing it",
        code=400, kind="exceed_context_size_error", n_prompt_tokens=42_007, n_ctx=4_096)),
    ("c", 400, 32_768, said(400, {
        "object": "error", "type": "BadRequestError", "code": 400, "param": None,
        "message": "This model's maximum context length is 32768 tokens. However, you requested 40000 tokens."})),
    ("d", 400, 131_072, refused(
        400, "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens.",
        code=400, metadata={"provider_name": None})),
    ("e", 400, None, refused(
        400, "Please reduce the length of the messages or completion.", code="context_length_exceeded",
        kind="invalid_request_error", param="messages")),
    ("f", 400, 32_768, said(400, {
        "object": "error", "type": "invalid_request_error", "code": "3051", "param": None,
        "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context "
                   "length"})),
    ("g", 500, None, refused(
        500, "input is too large to process. increase the physical batch size", code=500, kind="server_error")),
    ("h", 400, None, said(400, {
        "error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with "
                 "context length of only 4096 tokens"})),
)  # fmt: skip
"""Wordings: OpenAI, llama.cpp, vLLM, OpenRouter, Groq, Mistral, llama.cpp again, LM Studio."""


def _spaced(number: int) -> str:
    return f"({number:,} tokens)".replace(",", " ")


REQUESTS: tuple[Scene, ...] = (
    Scene(row="P6.a", kind=ErrorKind.GONE, status=404, says=(MODEL,), play=refused(
        404, f"The model `{MODEL}` does not exist or you do not have access to it.", code="model_not_found")),
    Scene(row="P6.b", kind=ErrorKind.GONE, status=400, play=refused(400, "invalid model ID", code="model_not_found")),
    Scene(row="P6.c", kind=ErrorKind.GONE, status=404, play=said(404, {
        "object": "error", "message": f"The model `{MODEL}` does not exist.", "type": "NotFoundError", "code": 404})),
    Scene(row="P6.d", kind=ErrorKind.GONE, status=400,
          play=refused(400, "Model Not Exist", kind="invalid_request_error")),
    Scene(row="P6.e", kind=ErrorKind.GONE, status=400, play=refused(
        400, "The model `old` has been decommissioned and is no longer supported.", code="model_decommissioned")),
    Scene(row="P6.f", kind=ErrorKind.GONE, status=404, play=refused(404, "No endpoints found for x/y.", code=404)),
    Scene(row="P6.g", kind=ErrorKind.GONE, status=400, play=said(400, {
        "object": "error", "message": "Invalid model: nope", "type": "invalid_model", "param": None, "code": "1500"})),
    Scene(row="P6.page", kind=ErrorKind.CONFIG, status=404, play=page(404, WEB_PAGE), says=("base_url",)),
    Scene(row="P6.path", kind=ErrorKind.CONFIG, status=404, play=said(404, {"detail": "Not Found"}), says=("/v1",)),
    Scene(row="P6.file", kind=ErrorKind.CONFIG, status=404, says=("base_url",), play=refused(
        404, "File Not Found", code=404, kind="not_found_error")),
    Scene(row="P6.bare", kind=ErrorKind.CONFIG, status=404, play=plain(404, "404 page not found")),
    Scene(row="P6.place", kind=ErrorKind.CONFIG, says=("base_url",), play=json_answer(
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"})),
    *(Scene(row=f"P6.window.{letter}", kind=ErrorKind.REQUEST, status=status, target_specific=True, play=play,
            says=("longer than", _spaced(window)) if window else ("longer than",))
      for letter, status, window, play in TOO_LONG),
    Scene(row="parameter.a", kind=ErrorKind.REQUEST, status=400, target_specific=True,
          says=("does not take top_p", "lane's parameters"), play=refused(
              400, "Unsupported parameter: 'top_p' is not supported with this model.", code="unsupported_parameter",
              kind="invalid_request_error", param="top_p")),
    Scene(row="parameter.b", kind=ErrorKind.REQUEST, status=422, target_specific=True, says=("seed",),
          play=said(422, {"object": "error", "message": {"detail": [
              {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}})),
    Scene(row="parameter.c", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("reasoning_effort",),
          play=refused(400, "Unrecognized request argument supplied: reasoning_effort", kind="invalid_request_error")),
    Scene(row="schema.a", kind=ErrorKind.REQUEST, status=400, target_specific=True,
          says=("response_format", "native_schema: false"), play=refused(
              400, "This model does not support response format `json_schema`.", kind="invalid_request_error")),
    Scene(row="schema.b", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("response_format",),
          play=refused(400, "This response_format type is unavailable now", kind="invalid_request_error")),
    Scene(row="images.a", kind=ErrorKind.REQUEST, status=500, target_specific=True, says=("no images",), play=refused(
        500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj")),
    Scene(row="images.b", kind=ErrorKind.REQUEST, status=404, target_specific=True, says=("no images",), play=refused(
        404, "No endpoints found that support image input", code=404)),
    Scene(row="images.c", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("no images",), play=said(
        400, {"object": "error", "message": "x is not a multimodal model", "type": "BadRequestError", "code": 400})),
    Scene(row="tools", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("no tools",), play=said(400, {
        "object": "error", "type": "BadRequestError", "code": 400,
        "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'})),
    Scene(row="400", kind=ErrorKind.REQUEST, status=400, play=refused(400, "Something is wrong with you.")),
    Scene(row="422", kind=ErrorKind.REQUEST, status=422, play=said(422, [{"error": {"message": "unprocessable"}}])),
)  # fmt: skip

TERMINAL: tuple[Scene, ...] = (
    Scene(row="P7.a", kind=ErrorKind.SERVER, says=("boom",), play=events(
        [*BEGUN, {"error": {"message": "boom", "type": "server_error"}}])),
    Scene(row="P7.b", kind=ErrorKind.SERVER, status=502, play=events(
        [*BEGUN, {**chunk(finish="error"), "error": {"code": 502, "message": "Provider disconnected"}}])),
    Scene(row="P7.c", kind=ErrorKind.RATE, hint_s=7.0, play=events(
        [*BEGUN, {"error": {"message": "Rate limit reached. Please try again in 7s", "code": "rate_limit_exceeded"}}])),
    Scene(row="P7.d", kind=ErrorKind.QUOTA, play=events([{"error": {"message": "x", "code": "insufficient_quota"}}])),
    Scene(row="P7.e", kind=ErrorKind.AUTH, play=events([{"error": {"message": "no", "code": "invalid_api_key"}}])),
    Scene(row="P7.f", kind=ErrorKind.REQUEST, target_specific=True, says=("4 096 tokens",), play=events([
        {"error": {"code": "context_length_exceeded", "message": "maximum context length is 4096 tokens"}}])),
    Scene(row="P7.g", kind=ErrorKind.SERVER, play=Play(headers=SSE, body=(
        event(BEGUN[1]), b'event: error\ndata: {"message": "upstream went away"}\n\n'))),
    Scene(row="P7.h", kind=ErrorKind.SERVER, play=events([*BEGUN, {"error": "upstream went away"}])),
    Scene(row="P7.i", kind=ErrorKind.SERVER, status=500, play=events([
        {"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500}])),
    Scene(row="P7.j", kind=ErrorKind.SERVER, status=500,
          play=json_answer({"error": {"code": 500, "message": "broken"}})),
    Scene(row="P7.k", kind=ErrorKind.SERVER, play=json_answer([{"error": {"message": "broken"}}])),
    Scene(row="P7.m", kind=ErrorKind.SERVER, says=("over capacity",), play=events(
        [*BEGUN, chunk(x_groq={"id": "req_1", "error": "over capacity"})])),
    Scene(row="P7.n", kind=ErrorKind.RATE, status=429, play=json_answer({**whole("", finish="error"), "choices": [
        {"message": {"content": ""}, "finish_reason": "error", "error": {"code": 429, "message": "busy"}}]})),
    Scene(row="P7.l", kind=None, text=ANSWER, play=events(
        [*chunks_of(ANSWER)[:-1], {"error": {"message": "too late to matter"}}])),
    Scene(row="P8.a", kind=ErrorKind.TRUNCATED, play=events(chunks_of(ANSWER, finish=None), done=False),
          says=("26 characters",)),
    Scene(row="P8.b", kind=ErrorKind.TRUNCATED, play=events(chunks_of(ANSWER, finish=None)), says=("26 characters",)),
    Scene(row="P8.c", kind=None, text=ANSWER, play=events(chunks_of(ANSWER), done=False)),
    Scene(row="P8.d", kind=None, text=ANSWER, play=events(chunks_of(ANSWER)[:-1], done=False)),
    Scene(row="P8.e", kind=None, text=ANSWER, play=events(chunks_of(ANSWER)[:-1], end=Mark.RST)),
    Scene(row="P8.f", kind=ErrorKind.TRUNCATED, play=events(BEGUN, end=Mark.RST)),
    Scene(row="P8.g", kind=ErrorKind.TRUNCATED, play=events(BEGUN, tail=(b"data: {not json}\n\n",))),
    Scene(row="P8.h", kind=ErrorKind.TRUNCATED, play=Play(headers=SSE, body=(DONE,))),
    Scene(row="P8.i", kind=ErrorKind.TRUNCATED, play=json_answer(whole(ANSWER, finish=None))),
    Scene(row="P9.a", kind=None, text=ANSWER, finish=FinishReason.LENGTH, play=answer(ANSWER, finish="length")),
    Scene(row="P9.b", kind=None, text=ANSWER, finish=FinishReason.LENGTH, play=answer(ANSWER, finish="model_length")),
    Scene(row="P9.c", kind=ErrorKind.REFUSED, says=("content filter",), play=answer("Well, ", finish="content_filter")),
    Scene(row="P9.d", kind=ErrorKind.REFUSED, says=("I cannot help with that.",), play=events([
        chunk(delta={"refusal": "I cannot "}), chunk(delta={"refusal": "help with that."}), chunk(finish="stop"),
        usage_chunk()])),
    Scene(row="P9.e", kind=ErrorKind.REFUSED, says=("No.",), play=json_answer(whole("", refusal="No."))),
    Scene(row="P9.f", kind=ErrorKind.REFUSED, status=400, play=refused(
        400, "Your request was rejected by our safety system.", code="content_policy_violation")),
    Scene(row="P9.g", kind=ErrorKind.REFUSED, status=400, play=refused(
        400, "The response was filtered due to the prompt triggering content management policy.", code="content_filter",
        innererror={"code": "ResponsibleAIPolicyViolation"})),
    Scene(row="P9.h", kind=ErrorKind.REFUSED, status=403, play=refused(
        403, "The chosen model requires moderation and your input was flagged", code=403)),
    Scene(row="P10.a", kind=None, text=ANSWER, play=events([
        {**chunk(), "choices": []}, chunk(None, delta={"content": None, "role": "assistant"}), *chunks_of(ANSWER)])),
    Scene(row="P10.b", kind=None, text=ANSWER, play=Play(headers=SSE, body=(
        b": keep-alive\r\n\r\n", b": OPENROUTER PROCESSING\n\n", b"".join(
            event(each).replace(b"\n", b"\r\n") for each in chunks_of(ANSWER)), DONE))),
    Scene(row="P10.c", kind=None, text=ANSWER, play=Play(headers=SSE, body=(b"".join(
        event(each).replace(b"data: ", b"data:") for each in chunks_of(ANSWER)), b"data:[DONE]\n\n"))),
    Scene(row="P10.d", kind=None, text=ANSWER, play=Play(headers=SSE, body=tuple(drip(
        b"".join(event(each) for each in chunks_of(ANSWER)) + DONE, 0.0, size=97)))),
    Scene(row="P11.a", kind=ErrorKind.CAPTIVE, status=200, play=page()),
    Scene(row="P11.b", kind=ErrorKind.TRUNCATED, play=Play(headers=SSE)),
    Scene(row="P11.c", kind=ErrorKind.TRUNCATED, play=json_answer({"id": "x", "choices": []})),
    Scene(row="P11.d", kind=ErrorKind.TRUNCATED, play=Play(
        headers={"Content-Type": "application/json"}, framing="length")),
    Scene(row="P12", kind=None, text=ANSWER, play=events(chunks_of(ANSWER)[:-1])),
    Scene(row="P13", kind=None, text=ANSWER, play=events(chunks_of(ANSWER, model="gpt-test-2026-09-01"))),
    Scene(row="whole", kind=None, text=ANSWER, play=json_answer(whole(ANSWER))),
    Scene(row="unknown end", kind=ErrorKind.SERVER, says=("moonphase",), play=answer(ANSWER, finish="moonphase")),
    Scene(row="empty", kind=ErrorKind.TRUNCATED, says=("empty",), play=answer("")),
    Scene(row="blank", kind=ErrorKind.TRUNCATED, says=("empty",), play=answer(" \n ")),
    Scene(row="reasoning only", kind=None, play=events([
        chunk(delta={"reasoning_content": "I think so."}), chunk(finish="stop"), usage_chunk()])),
    Scene(row="damaged call", kind=ErrorKind.TRUNCATED, says=("tool call",), play=events([
        chunk(delta={"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": '}}]}),
        chunk(finish="tool_calls")])),
)  # fmt: skip

GITHUB: tuple[Scene, ...] = (
    Scene(row="G1.a", kind=ErrorKind.GONE, status=410, says=("was retired on 30 July 2026", "lane"), play=error(
        410, "GitHub Models is temporarily unavailable as part of a scheduled retirement brownout")),
    Scene(row="G1.b", kind=ErrorKind.GONE, status=410, says=("Choose another model",),
          play=refused(410, "This model is no more.")),
    Scene(row="G2.a", kind=ErrorKind.RATE, status=429, hint_s=52_220.0, play=refused(
        429, DAY.format(52_220), code="RateLimitReached", details=DAY.format(52_220))),
    Scene(row="G2.b", kind=ErrorKind.RATE, status=429, play=refused(429, DAY.format(0), code="RateLimitReached")),
    Scene(row="G2.c", kind=ErrorKind.RATE, status=429, hint_s=27.0, play=refused(
        429, "Rate limit of 10 per 60s exceeded for UserByModelByMinute. Please wait 27 seconds before retrying.",
        code="RateLimitReached")),
    Scene(row="G3", kind=ErrorKind.REQUEST, status=413, target_specific=True, says=("8 000 tokens",), play=refused(
        413, "Request body too large for gpt-4o model. Max size: 8000 tokens.", code="tokens_limit_reached")),
    Scene(row="G4.a", kind=ErrorKind.AUTH, status=403, scope="model", says=("models: read",), play=refused(
        403, "The `models` permission is required to access this endpoint", code="no_access")),
    Scene(row="G4.b", kind=ErrorKind.AUTH, status=401, play=refused(401, "Bad credentials", code="unauthorized")),
)  # fmt: skip

STATUSES: tuple[Scene, ...] = (
    Scene(row="status.307", kind=ErrorKind.CONFIG, status=307, play=redirect(307, "/v2/chat/completions")),
    Scene(row="status.405", kind=ErrorKind.CONFIG, status=405, play=said(405, {"detail": "Method Not Allowed"})),
    Scene(row="status.408", kind=ErrorKind.SERVER, status=408, play=refused(408, "timeout")),
    Scene(row="status.409", kind=ErrorKind.SERVER, status=409, play=refused(409, "conflict")),
    Scene(row="status.413", kind=ErrorKind.REQUEST, status=413, target_specific=True, play=page(413)),
    Scene(row="status.418", kind=ErrorKind.SERVER, status=418, play=refused(418, "teapot"), says=("418",)),
    Scene(row="status.500", kind=ErrorKind.SERVER, status=500, play=said(500, {"message": "oh"}), says=("oh",)),
    Scene(row="status.502", kind=ErrorKind.SERVER, status=502, play=page(502, WEB_PAGE), says=("a web page",)),
    Scene(row="status.504", kind=ErrorKind.SERVER, status=504, play=Play(status=504, framing="length")),
    Scene(row="endless error", kind=ErrorKind.SERVER, status=500, play=Play(status=500, body=endless_error)),
    Scene(row="cut error", kind=ErrorKind.SERVER, status=500, play=Play(
        status=500, framing="length", length=500, body=(b'{"error":{"message":"half a',))),
    Scene(row="deep error", kind=ErrorKind.REQUEST, status=400, play=Play(
        status=400, framing="length", body=(b'{"error":' * 5_000,))),
    Scene(row="wrapped error", kind=ErrorKind.SERVER, status=500, says=("inner words",), play=said(
        500, {"error": {"message": json.dumps({"error": {"message": "inner words"}})}})),
)  # fmt: skip

NETWORK = network_scenes(headers=SSE, partial=event(BEGUN[1]), whole=answer(ANSWER), text=ANSWER, endless=endless_line)

WAITING = waiting_scenes(lambda value: refused(429, "Rate limit", headers={"Retry-After": value}))

HAPPY = Scene(row="happy", kind=None, play=answer(ANSWER, usage=tokens(31, 7)), text=ANSWER)
ENDLESS = Scene(row="endless", kind=None, play=events(BEGUN, end=Mark.HOLD))
REFUSED_PORT = Scene(row="N2.refused", kind=ErrorKind.NET, place="refused", retries=0, says=("connection refused",))

SCENES: tuple[Scene, ...] = (*RATE, *KEYS, *REQUESTS, *TERMINAL, *GITHUB, *STATUSES, *NETWORK, *WAITING, REFUSED_PORT)
