"""One scene for each row of docs/policy.md 3.5 (A) and 3.8 (N) that a server speaking Anthropic's format can play.

What a scene is, and how it is played: ``tests.support.scenes``.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FinishReason
from tests.support.anthropic_answers import (
    END,
    MODEL,
    PING,
    SSE,
    answer,
    begun,
    block,
    call_block,
    event,
    failed,
    played,
    refusal,
    stopped,
    text_block,
    thinking_block,
)
from tests.support.fault_server import Mark, Play, drip, json_answer, page, plain, redirect
from tests.support.scenes import Scene, network_scenes, waiting_scenes
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "Hello from Claude."
PIECES = ("Hello ", "from ", "Claude.")
BEGUN = [begun(), *text_block("Hello ", "from ")[:-1]]
"""The beginning of an answer, without its end."""


def endless_line() -> Iterator[bytes]:
    """A line that never ends."""
    return itertools.chain([b'data: {"type":"content_block_delta","delta":{"text":"'], itertools.repeat(b"x" * 65_536))


def endless_error() -> Iterator[bytes]:
    """An error text that never ends."""
    return itertools.chain([b'{"type":"error","error":{"message":"'], itertools.repeat(b"y" * 65_536))


LIMITS: tuple[Scene, ...] = (
    Scene(row="A1.a", kind=ErrorKind.RATE, status=429, hint_s=17.0, says=("rate limited",),
          play=refusal(429, "rate_limit_error", "This request would exceed your rate limit.", retry_after="17")),
    Scene(row="A1.b", kind=ErrorKind.RATE, status=429, play=refusal(429, "rate_limit_error", "Rate limited")),
    Scene(row="A1.c", kind=ErrorKind.RATE, status=429, play=plain(429, "Too Many Requests")),
    Scene(row="A1.d", kind=ErrorKind.RATE, status=429, hint_s=30.0, play=refusal(
        429, "rate_limit_error", "Ramp limit.", details={"error_code": "ramp_limit_exceeded"}, retry_after="30")),
    Scene(row="A2.c", kind=ErrorKind.QUOTA, status=402, hint_s=600.0,
          play=refusal(402, "billing_error", "Payment failed.")),
    Scene(row="A2.d", kind=ErrorKind.QUOTA, status=400, hint_s=600.0, says=("credit",), play=refusal(
        400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits.")),
    Scene(row="A2.e", kind=ErrorKind.QUOTA, status=429, hint_s=600.0, play=refusal(
        429, "rate_limit_error", "Limit.", details={"error_code": "contract_spend_limit_reached"})),
)  # fmt: skip
"""Those whose reset hangs on the day are in ``tests/providers/test_anthropic_models.py``."""

ROWS: tuple[Scene, ...] = (
    Scene(row="A3", kind=ErrorKind.SERVER, status=529, says=("529",),
          play=refusal(529, "overloaded_error", "Overloaded")),
    Scene(row="A4.a", kind=ErrorKind.SERVER, play=played([*BEGUN, failed("overloaded_error")]), says=("mid-answer",)),
    Scene(row="A4.b", kind=ErrorKind.SERVER, play=played([failed("overloaded_error")])),
    Scene(row="A4.c", kind=ErrorKind.RATE, play=played([failed("rate_limit_error", "Rate limited")])),
    Scene(row="A4.d", kind=ErrorKind.SERVER, play=played([*BEGUN, failed("api_error", "Internal server error")])),
    Scene(row="A4.e", kind=ErrorKind.SERVER, play=played([*BEGUN, failed("timeout_error", "Request timeout")])),
    Scene(row="A4.f", kind=ErrorKind.REQUEST, play=played([failed("invalid_request_error", "messages: empty")])),
    Scene(row="A4.g", kind=ErrorKind.AUTH, play=played([failed("authentication_error", f"invalid {CANARY}")])),
    Scene(row="A4.h", kind=ErrorKind.AUTH, scope="model", play=played([failed("permission_error", "not allowed")])),
    Scene(row="A4.i", kind=ErrorKind.GONE, play=played([failed("not_found_error", f"model: {MODEL}")])),
    Scene(row="A4.j", kind=ErrorKind.REQUEST, target_specific=True, play=played([failed("request_too_large", "big")])),
    Scene(row="A4.k", kind=ErrorKind.QUOTA, hint_s=600.0, play=played([failed("billing_error", "Payment failed.")])),
    Scene(row="A4.l", kind=ErrorKind.SERVER, play=played([*BEGUN, failed("moon_error", "moonphase")]),
          says=("moonphase",)),
    Scene(row="A4.m", kind=ErrorKind.SERVER, play=played([*BEGUN, b"event: error\ndata: {}\n\n"])),
    Scene(row="A4.n", kind=ErrorKind.SERVER,
          play=json_answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})),
    Scene(row="A5.a", kind=ErrorKind.AUTH, status=401, says=("$THE_KEY",),
          play=refusal(401, "authentication_error", f"invalid x-api-key {CANARY}")),
    Scene(row="A5.b", kind=ErrorKind.AUTH, status=403, scope="model",
          play=refusal(403, "permission_error", f"Your API key {CANARY} does not have permission")),
    Scene(row="A5.c", kind=ErrorKind.GONE, status=404, says=(MODEL,),
          play=refusal(404, "not_found_error", f"model: {MODEL}")),
    Scene(row="A5.d", kind=ErrorKind.REQUEST, status=413, target_specific=True,
          play=refusal(413, "request_too_large", "Request exceeds the maximum size")),
    Scene(row="A5.e", kind=ErrorKind.REQUEST, status=413, target_specific=True, play=page(413)),
    Scene(row="A5.f", kind=ErrorKind.AUTH, status=400, play=refusal(
        400, "invalid_request_error", "This organization has been disabled.",
        details={"error_code": "organization_on_hold"})),
    Scene(row="A6.a", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("205 351 of 200 000 tokens",),
          play=refusal(400, "invalid_request_error", "prompt is too long: 205351 tokens > 200000 maximum")),
    Scene(row="A6.b", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("188 240 of 200 000 tokens",),
          play=refusal(400, "invalid_request_error", "input length and `max_tokens` exceed context limit: "
                       "188240 + 21333 > 200000, decrease input length or `max_tokens` and try again")),
    Scene(row="A7.a", kind=None, text=TEXT, play=answer(*PIECES)),
    Scene(row="A7.b", kind=None, text=TEXT, finish=FinishReason.LENGTH, play=answer(*PIECES, reason="max_tokens")),
    Scene(row="A7.c", kind=None, text=TEXT, play=answer(*PIECES, reason="stop_sequence")),
    Scene(row="A7.d", kind=None, text="Wait.", finish=FinishReason.TOOL_CALLS, play=played([
        begun(), *text_block("Wait."), *call_block("weather", '{"city":', ' "Paris"}', index=1),
        stopped("tool_use"), END])),
    Scene(row="A7.e", kind=ErrorKind.REFUSED, says=("cyber", "due to policy"), play=answer(
        reason="refusal", stop_details={"type": "refusal", "category": "cyber", "explanation": "Refused due to policy."}
    )),
    Scene(row="A7.f", kind=ErrorKind.REFUSED, play=answer("I cannot ", reason="refusal"), says=("declined",)),
    Scene(row="A7.g", kind=None, text=TEXT, finish=FinishReason.LENGTH,
          play=answer(*PIECES, reason="model_context_window_exceeded")),
    Scene(row="A7.h", kind=ErrorKind.SERVER, play=answer(*PIECES, reason="pause_turn"), says=("no tools",)),
    Scene(row="A7.i", kind=ErrorKind.SERVER, play=answer(*PIECES, reason="moonphase"), says=("moonphase",)),
    Scene(row="A7.j", kind=ErrorKind.TRUNCATED, play=answer(*PIECES, reason=None)),
    Scene(row="A7.k", kind=None, text="", finish=FinishReason.LENGTH, play=played([
        begun(), *call_block("weather", '{"city":'), stopped("max_tokens"), END])),
    Scene(row="A8.a", kind=ErrorKind.TRUNCATED, play=played([*BEGUN]), says=("11 characters",)),
    Scene(row="A8.b", kind=ErrorKind.TRUNCATED, play=played([begun(), *text_block(*PIECES), stopped()])),
    Scene(row="A8.c", kind=ErrorKind.TRUNCATED, play=played([*BEGUN], Mark.RST)),
    Scene(row="A9.a", kind=ErrorKind.SILENT, timeouts={"content_s": 0.4},
          play=Play(headers=SSE, body=tuple(drip(PING * 200, 0.03, size=len(PING))))),
    Scene(row="A9.b", kind=None, text=TEXT, timeouts={"idle_s": 1.0}, play=Play(headers=SSE, body=(
        begun(), *drip(PING * 15, 0.1, size=len(PING)), *text_block(*PIECES), stopped(), END))),
)  # fmt: skip

FORMS: tuple[Scene, ...] = (
    Scene(row="form.thinking", kind=None, text=TEXT, play=played([
        begun(), *thinking_block("Let me ", "think."), *text_block(*PIECES, index=1), stopped(), END])),
    Scene(row="form.redacted", kind=None, text=TEXT, play=played([
        begun(), *block(0, {"type": "redacted_thinking", "data": "ZW5j"}), *text_block(*PIECES, index=1),
        stopped(), END])),
    Scene(row="form.unknown", kind=None, text=TEXT, play=played([
        begun(), event("moon_event", index=0), *block(0, {"type": "moon"}, {"type": "moon_delta", "moon": 1}),
        *text_block(*PIECES, index=1), stopped(), END])),
    Scene(row="form.segments", kind=None, text=TEXT, play=Play(headers=SSE, body=tuple(
        drip(b"".join([begun(), *text_block(*PIECES), stopped(), END]), 0.0, size=7)))),
    Scene(row="form.crlf", kind=None, text=TEXT, play=Play(headers=SSE, body=(
        b"".join([begun(), *text_block(*PIECES), stopped(), END]).replace(b"\n", b"\r\n"),))),
    Scene(row="form.no last newline", kind=None, text=TEXT, play=Play(headers=SSE, body=(
        b"".join([begun(), *text_block(*PIECES), stopped(), END]).rstrip(),))),
    Scene(row="form.whole", kind=None, text=TEXT, play=json_answer({
        "type": "message", "role": "assistant", "model": MODEL, "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 11, "output_tokens": 6}})),
    Scene(row="form.empty", kind=ErrorKind.TRUNCATED, play=Play(headers=SSE)),
    Scene(row="form.blank", kind=ErrorKind.TRUNCATED, play=answer(" \n ")),
    Scene(row="form.reasoning only", kind=None, play=played([
        begun(), *thinking_block("I think so."), stopped(), END])),
    Scene(row="form.broken json", kind=ErrorKind.TRUNCATED, says=("11 characters",),
          play=played([*BEGUN, b"event: content_block_delta\ndata: {half\n\n"])),
    Scene(row="form.broken call", kind=ErrorKind.TRUNCATED, play=played([
        begun(), *call_block("weather", '{"city":'), stopped("tool_use"), END])),
    Scene(row="form.no object", kind=ErrorKind.TRUNCATED, play=json_answer([1, 2])),
    Scene(row="form.parameter", kind=ErrorKind.REQUEST, status=400, target_specific=True, play=refusal(
        400, "invalid_request_error", '"thinking.type.disabled" is not supported for this model.')),
    Scene(row="form.rejected", kind=ErrorKind.REQUEST, status=400, says=("messages",),
          play=refusal(400, "invalid_request_error", f"messages: roles must alternate {CANARY}")),
    Scene(row="status.302", kind=ErrorKind.CONFIG, status=302, play=redirect(302, "/login")),
    Scene(row="status.404", kind=ErrorKind.CONFIG, status=404, play=plain(404, "404 page not found"),
          says=("base_url",)),
    Scene(row="status.408", kind=ErrorKind.SERVER, status=408, play=plain(408, "timeout")),
    Scene(row="status.409", kind=ErrorKind.SERVER, status=409, play=refusal(409, "conflict_error", "conflict")),
    Scene(row="status.410", kind=ErrorKind.GONE, status=410, play=plain(410, "gone")),
    Scene(row="status.418", kind=ErrorKind.SERVER, status=418, play=plain(418, "teapot"), says=("418",)),
    Scene(row="status.500", kind=ErrorKind.SERVER, status=500, play=refusal(500, "api_error", f"oh {CANARY}")),
    Scene(row="status.502", kind=ErrorKind.SERVER, status=502, play=page(502), says=("a web page",)),
    Scene(row="status.503", kind=ErrorKind.SERVER, status=503, hint_s=3.0,
          play=refusal(503, "api_error", "later", retry_after="3")),
    Scene(row="status.504", kind=ErrorKind.SERVER, status=504, play=refusal(504, "timeout_error", "Request timeout")),
    Scene(row="status.json string", kind=ErrorKind.SERVER, status=500,
          play=Play(status=500, body=(json.dumps("oh").encode(),))),
    Scene(row="endless error", kind=ErrorKind.SERVER, status=500, play=Play(status=500, body=endless_error)),
)  # fmt: skip

NETWORK = network_scenes(headers=SSE, partial=b"".join(BEGUN), whole=answer(*PIECES), text=TEXT, endless=endless_line)

WAITING = waiting_scenes(lambda value: refusal(429, "rate_limit_error", "Rate limited", retry_after=value))

SCENES: tuple[Scene, ...] = (*LIMITS, *ROWS, *FORMS, *NETWORK, *WAITING)
