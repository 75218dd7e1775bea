"""One scene for each row of docs/policy.md 3.6 (E) and 3.8 (N) that a server speaking Gemini's format can play.

What a scene is, and how it is played: ``tests.support.scenes``.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FinishReason
from tests.support.fault_server import Mark, Play, drip, json_answer, page, plain, redirect
from tests.support.google_answers import (
    MODEL,
    SSE,
    answer,
    event,
    last,
    played,
    quota,
    reason,
    refusal,
    response,
    retry,
    status,
    texts,
)
from tests.support.scenes import Scene, network_scenes, waiting_scenes
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "Hello from Gemini."
PIECES = ("Hello ", "from ", "Gemini.")
BEGUN = texts("Hello ", "from ")
WHOLE = [*texts(*PIECES), last()]
EXHAUSTED = "RESOURCE_EXHAUSTED"
EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
WRAPPED = {"error": {
    "message": json.dumps({"error": {"code": 429, "message": "Resource has been exhausted (e.g. check quota).",
                                     "status": EXHAUSTED}}, indent=2),
    "code": 429, "status": "Too Many Requests",
}}  # fmt: skip
"""google-gemini/gemini-cli, issues 2020 and 14811."""


def endless_line() -> Iterator[bytes]:
    """A line that never ends."""
    return itertools.chain([b'data: {"candidates":[{"content":{"parts":[{"text":"'], itertools.repeat(b"x" * 65_536))


def endless_error() -> Iterator[bytes]:
    """An error text that never ends."""
    return itertools.chain([b'{"error":{"message":"'], itertools.repeat(b"y" * 65_536))


ROWS: tuple[Scene, ...] = (
    Scene(row="E1.a", kind=ErrorKind.RATE, status=429, hint_s=34.07, says=("rate limited",),
          play=refusal(429, EXHAUSTED, EXCEEDED, quota(PER_MINUTE), retry("34.07s"))),
    Scene(row="E1.b", kind=ErrorKind.QUOTA, status=429, hint_s=34.0, says=("daily",),
          play=refusal(429, EXHAUSTED, EXCEEDED, quota(PER_MINUTE, PER_DAY), retry("34s"))),
    Scene(row="E1.c", kind=ErrorKind.RATE, status=429, hint_s=34.074824224,
          play=refusal(429, EXHAUSTED, f"{EXCEEDED}\nPlease retry in 34.074824224s.")),
    Scene(row="E1.d", kind=ErrorKind.RATE, status=429, hint_s=1.0,
          play=refusal(429, EXHAUSTED, EXCEEDED, quota(PER_MINUTE), retry("500ms"))),
    Scene(row="E1.e", kind=ErrorKind.RATE, status=429, hint_s=1.0,
          play=refusal(429, EXHAUSTED, "Please retry in 860.1ms.")),
    Scene(row="E1.f", kind=ErrorKind.RATE, status=429, hint_s=9.0,
          play=refusal(429, EXHAUSTED, EXCEEDED, retry("34s"), retry_after="9")),
    Scene(row="E1.g", kind=ErrorKind.RATE, status=429, play=refusal(429, EXHAUSTED, EXCEEDED, retry("soon"))),
    Scene(row="E1.h", kind=ErrorKind.QUOTA, status=429, says=("plan",), hint_s=45.578569677, play=refusal(
        429, EXHAUSTED, "* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier"
        "_requests, limit: 0, model: gemini-3-pro\nPlease retry in 45.578569677s.")),
    Scene(row="E1.i", kind=ErrorKind.QUOTA, status=429,
          play=refusal(429, EXHAUSTED, "no credit", reason("INSUFFICIENT_G1_CREDITS_BALANCE"))),
    Scene(row="E2.a", kind=ErrorKind.RATE, status=429,
          play=refusal(429, EXHAUSTED, "Resource has been exhausted (e.g. check quota).")),
    Scene(row="E2.b", kind=ErrorKind.RATE, status=429, play=json_answer(WRAPPED, 429)),
    Scene(row="E2.c", kind=ErrorKind.RATE, status=429, play=json_answer(json.dumps(WRAPPED), 429)),
    Scene(row="E2.d", kind=ErrorKind.RATE, status=429, play=plain(429, "Too Many Requests")),
    Scene(row="E3.a", kind=ErrorKind.AUTH, status=400, says=("$THE_KEY",), play=refusal(
        400, "INVALID_ARGUMENT", f"API key not valid: {CANARY}. Please pass a valid API key.",
        reason("API_KEY_INVALID"))),
    Scene(row="E3.b", kind=ErrorKind.AUTH, status=400,
          play=refusal(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.")),
    Scene(row="E4.a", kind=ErrorKind.AUTH, status=400, says=("location",), play=refusal(
        400, "FAILED_PRECONDITION", "User location is not supported for the API use.")),
    Scene(row="E4.b", kind=ErrorKind.QUOTA, status=402, play=refusal(402, "PAYMENT_REQUIRED", "pay")),
    Scene(row="E4.c", kind=ErrorKind.AUTH, status=403, scope="model",
          play=refusal(403, "PERMISSION_DENIED", "You do not have permission to access tunedModels/x")),
    Scene(row="E4.d", kind=ErrorKind.AUTH, status=403,
          play=refusal(403, "PERMISSION_DENIED", "not enabled", reason("SERVICE_DISABLED"))),
    Scene(row="E4.e", kind=ErrorKind.AUTH, status=403,
          play=refusal(403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key.")),
    Scene(row="E4.f", kind=ErrorKind.GONE, status=404, says=(MODEL,), play=refusal(
        404, "NOT_FOUND", f"models/{MODEL} is not found for API version v1beta, or is not supported.")),
    Scene(row="E4.g", kind=ErrorKind.SERVER, status=499, play=refusal(499, "CANCELLED", "cancelled")),
    Scene(row="E4.h", kind=ErrorKind.SERVER, status=500, play=refusal(500, "INTERNAL", f"An internal error {CANARY}")),
    Scene(row="E4.i", kind=ErrorKind.SERVER, status=503, says=("503",),
          play=refusal(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")),
    Scene(row="E4.j", kind=ErrorKind.SERVER, status=504, play=refusal(504, "DEADLINE_EXCEEDED", "deadline")),
    Scene(row="E4.k", kind=ErrorKind.AUTH, status=401, play=refusal(401, "UNAUTHENTICATED", f"bad {CANARY}")),
    Scene(row="E5.a", kind=ErrorKind.REFUSED, says=("SAFETY", "blocked"), play=played([
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 5}}])),
    Scene(row="E5.b", kind=ErrorKind.REFUSED, says=("PROHIBITED_CONTENT",),
          play=json_answer([{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}])),
    Scene(row="E5.c", kind=ErrorKind.TRUNCATED, play=played([{"usageMetadata": {"promptTokenCount": 5}}])),
    Scene(row="E6.STOP", kind=None, text=TEXT, play=answer(*PIECES)),
    *(Scene(row=f"E6.{name}", kind=None, text=TEXT, finish=FinishReason.LENGTH, play=answer(*PIECES, reason=name))
      for name in ("MAX_TOKENS", "CONTINUATION")),
    *(Scene(row=f"E6.{name}", kind=ErrorKind.REFUSED, says=(name, "the law"),
            play=answer("Hello ", reason=name, finishMessage="It is against the law."))
      for name in ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
                   "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR")),
    Scene(row="E6.PUP_LIMITED_DISABLED", kind=ErrorKind.AUTH, play=answer(reason="PUP_LIMITED_DISABLED")),
    *(Scene(row=f"E6.{name}", kind=ErrorKind.SERVER, retries=1, says=(name,), play=answer("Hello ", reason=name))
      for name in ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
                   "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "OTHER", "FINISH_REASON_UNSPECIFIED")),
    Scene(row="E6.unknown", kind=ErrorKind.SERVER, says=("MOONPHASE",), play=answer("Hello ", reason="MOONPHASE")),
    Scene(row="E8.a", kind=None, text=TEXT, play=json_answer(WHOLE)),
    Scene(row="E8.b", kind=None, text="Hello", play=json_answer(last("STOP", {"text": "Hello"}))),
    Scene(row="E8.c", kind=ErrorKind.RATE, status=429, play=json_answer([status(429, EXHAUSTED, "exhausted")], 429)),
    Scene(row="E8.d", kind=ErrorKind.SERVER, play=json_answer([*BEGUN, status(503, "UNAVAILABLE", "overloaded")])),
    Scene(row="E8.e", kind=ErrorKind.SERVER, says=("mid-answer",),
          play=played([*BEGUN, status(503, "UNAVAILABLE", "overloaded")])),
    Scene(row="E8.f", kind=ErrorKind.RATE, play=played([[status(429, EXHAUSTED, "exhausted")]])),
    Scene(row="E8.g", kind=ErrorKind.SERVER, play=played([*BEGUN, {"error": {"message": "oh"}}])),
    Scene(row="E8.h", kind=ErrorKind.TRUNCATED, play=json_answer(BEGUN)),
)  # fmt: skip

FORMS: tuple[Scene, ...] = (
    Scene(row="form.usage after the end", kind=None, text=TEXT, play=played([
        *texts(*PIECES), response({"text": ""}, reason="STOP"), {"usageMetadata": {"promptTokenCount": 3}}])),
    Scene(row="form.stop with each piece", kind=None, text=TEXT, play=played(
        [response({"text": piece}, reason="STOP") for piece in PIECES])),
    Scene(row="form.stop, then more", kind=ErrorKind.TRUNCATED, play=played(
        [response({"text": "Hello "}, reason="STOP"), response({"text": "from "})])),
    Scene(row="form.end without content", kind=None, text=TEXT,
          play=played([*texts(*PIECES), {"candidates": [{"finishReason": "STOP"}]}])),
    Scene(row="form.reset after the end", kind=None, text=TEXT, play=played(WHOLE, Mark.RST)),
    Scene(row="form.held after the end", kind=None, text=TEXT, play=played(WHOLE, Mark.HOLD)),
    Scene(row="form.no end", kind=ErrorKind.TRUNCATED, play=played(BEGUN), says=("11 characters",)),
    Scene(row="form.reset", kind=ErrorKind.TRUNCATED, play=played(BEGUN, Mark.RST)),
    Scene(row="form.thoughts", kind=None, text=TEXT, play=played([
        response({"text": "I think.", "thought": True}), *WHOLE])),
    Scene(row="form.thoughts only", kind=None, play=played([response({"text": "I think.", "thought": True}), last()])),
    Scene(row="form.call", kind=None, finish=FinishReason.TOOL_CALLS, play=played([
        last("STOP", {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "c2ln"})])),
    Scene(row="form.unknown part", kind=None, text=TEXT, play=played([
        response({"executableCode": {"code": "1+1"}}, {"moon": 1}), *WHOLE])),
    Scene(row="form.segments", kind=None, text=TEXT, play=Play(headers=SSE, body=tuple(
        drip(b"".join(event(each) for each in WHOLE), 0.0, size=7)))),
    Scene(row="form.lf", kind=None, text=TEXT, play=Play(headers=SSE, body=(
        b"".join(event(each) for each in WHOLE).replace(b"\r\n", b"\n"),))),
    Scene(row="form.empty", kind=ErrorKind.TRUNCATED, play=Play(headers=SSE)),
    Scene(row="form.blank", kind=ErrorKind.TRUNCATED, play=answer(" \n ")),
    Scene(row="form.broken json", kind=ErrorKind.TRUNCATED, says=("11 characters",),
          play=Play(headers=SSE, body=(*(event(each) for each in BEGUN), b"data: {half\r\n\r\n"))),
    Scene(row="form.broken call", kind=ErrorKind.TRUNCATED, play=played([last("STOP", {"functionCall": 7})])),
    Scene(row="form.no text", kind=ErrorKind.TRUNCATED, play=played([last("STOP", {"text": 7})])),
    Scene(row="form.context", kind=ErrorKind.REQUEST, status=400, target_specific=True,
          says=("1 300 000 of 1 048 575 tokens",), play=refusal(
              400, "INVALID_ARGUMENT",
              "The input token count (1300000) exceeds the maximum number of tokens allowed (1048575).")),
    Scene(row="form.context.b", kind=ErrorKind.REQUEST, status=400, target_specific=True, says=("1 048 576 tokens",),
          play=refusal(400, "INVALID_ARGUMENT",
                       "The input token count exceeds the maximum number of tokens allowed 1048576.")),
    Scene(row="form.parameter", kind=ErrorKind.REQUEST, status=400, target_specific=True, play=refusal(
        400, "INVALID_ARGUMENT", "Thinking level is not supported for this model.")),
    Scene(row="form.rejected", kind=ErrorKind.REQUEST, status=400, says=("contents",),
          play=refusal(400, "INVALID_ARGUMENT", f"contents are required {CANARY}")),
    Scene(row="status.302", kind=ErrorKind.CONFIG, status=302, play=redirect(302, "/login")),
    Scene(row="status.404", kind=ErrorKind.CONFIG, status=404, play=page(404), says=("base_url",)),
    Scene(row="status.408", kind=ErrorKind.SERVER, status=408, play=plain(408, "timeout")),
    Scene(row="status.409", kind=ErrorKind.SERVER, status=409, play=refusal(409, "ABORTED", "aborted")),
    Scene(row="status.410", kind=ErrorKind.GONE, status=410, play=plain(410, "gone")),
    Scene(row="status.413", kind=ErrorKind.REQUEST, status=413, target_specific=True, play=page(413)),
    Scene(row="status.418", kind=ErrorKind.SERVER, status=418, play=plain(418, "teapot"), says=("418",)),
    Scene(row="status.502", kind=ErrorKind.SERVER, status=502, play=page(502), says=("a web page",)),
    Scene(row="endless error", kind=ErrorKind.SERVER, status=500, play=Play(status=500, body=endless_error)),
)  # fmt: skip

NETWORK = network_scenes(headers=SSE, partial=event(BEGUN[0]), whole=answer(*PIECES), text=TEXT, endless=endless_line)

WAITING = waiting_scenes(lambda value: refusal(429, EXHAUSTED, "exhausted", retry_after=value))

SCENES: tuple[Scene, ...] = (*ROWS, *FORMS, *NETWORK, *WAITING)
