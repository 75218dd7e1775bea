"""A careless other side: it repeats what it was told in every place where an answer has room for words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support import anthropic_answers, google_answers, ollama_answers, openai_answers
from tests.support.plays import Mark, Play, error, json_answer, page, plain, redirect

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

WIRES = ("ollama", "openai", "anthropic", "google")
MODELS = {
    "ollama": "gemma3:4b",
    "openai": openai_answers.MODEL,
    "anthropic": anthropic_answers.MODEL,
    "google": google_answers.MODEL,
}
PATHS = {
    "ollama": "/api/chat",
    "openai": "/v1/chat/completions",
    "anthropic": anthropic_answers.PATH,
    "google": google_answers.PATH,
}
LISTS = {"ollama": "/api/tags", "openai": "/v1/models", "anthropic": "/v1/models", "google": "/v1beta/models"}
ELSEWHERE = ("/api/me", "/api/usage", "/api/show", "/api/ps", "/api/version")
"""More paths of kind ollama that a look at a provider asks."""


def answer(wire: str, text: str) -> Play:
    """A whole answer."""
    match wire:
        case "ollama":
            return ollama_answers.chat_answer(text)
        case "openai":
            return openai_answers.answer(text)
        case "anthropic":
            return anthropic_answers.answer(*openai_answers.pieces_of(text))
        case _:
            return google_answers.answer(*openai_answers.pieces_of(text))


def _cut(wire: str, text: str) -> Play:
    """The beginning of an answer, then a clean end without its marker."""
    return _shortened(answer(wire, text), {"ollama": 1, "openai": 3, "anthropic": 3, "google": 1}[wire])


def _reset(wire: str, text: str) -> Play:
    cut = _cut(wire, text)
    assert not callable(cut.body)
    return replace(cut, body=(*cut.body, 0.05, Mark.RST))


def _shortened(play: Play, last: int) -> Play:
    assert not callable(play.body)
    return replace(play, body=tuple(play.body)[:-last])


def _in_stream(wire: str, text: str) -> Play:
    """Some words, then an error object."""
    begun = _cut(wire, "some words")
    assert not callable(begun.body)
    more = {
        "ollama": ollama_answers.line({"error": f"boom {text}"}),
        "openai": openai_answers.event({"error": {"message": text, "type": text, "code": text, "param": text}}),
        "anthropic": anthropic_answers.failed("api_error", text, type_of=text),
        "google": google_answers.event(google_answers.status(500, "INTERNAL", text, {"why": text})),
    }[wire]
    return replace(begun, body=(*begun.body, more))


def _malformed(wire: str, text: str) -> Play:
    begun = _cut(wire, "some words")
    assert not callable(begun.body)
    line = f'{{"content": "{text}", oops'
    return replace(begun, body=(*begun.body, line.encode() if wire == "ollama" else f"data: {line}\n\n".encode()))


def _named(wire: str, text: str) -> Play:
    """An answer whose model, reason of its end and ids are what was told."""
    match wire:
        case "ollama":
            chunk = ollama_answers.chat_chunk("Well.", model=text)
            return ollama_answers.stream([chunk, ollama_answers.done_chunk(model=text, reason=text)])
        case "openai":
            chunks = openai_answers.chunks_of("Well.", finish=text, model=text)
            return openai_answers.events([{**chunk, "id": text, "system_fingerprint": text} for chunk in chunks])
        case "anthropic":
            begun = anthropic_answers.begun(service_tier=text).replace(
                json.dumps(anthropic_answers.MODEL).encode(), json.dumps(text).encode()
            )
            end = (anthropic_answers.stopped(text), anthropic_answers.END)
            return anthropic_answers.played([begun, *anthropic_answers.text_block("Well."), *end])
        case _:
            parts = [google_answers.response({"text": "Well."}), google_answers.last(text, finishMessage=text)]
            return google_answers.played([{**part, "modelVersion": text, "responseId": text} for part in parts])


def _thought(wire: str, text: str) -> Play:
    """An answer with reasoning that repeats it."""
    match wire:
        case "ollama":
            return ollama_answers.chat_answer("Well.", thinking=text)
        case "openai":
            first, *rest = openai_answers.chunks_of("Well.")
            pieces = [openai_answers.chunk(delta={"reasoning_content": piece}) for piece in (text[:9], text[9:])]
            return openai_answers.events([first, *pieces, *rest])
        case "anthropic":
            blocks = [*anthropic_answers.thinking_block(text), *anthropic_answers.text_block("Well.", index=1)]
            end = (anthropic_answers.stopped(), anthropic_answers.END)
            return anthropic_answers.played([anthropic_answers.begun(), *blocks, *end])
        case _:
            thought = google_answers.response({"text": text, "thought": True})
            return google_answers.played([thought, google_answers.response({"text": "Well."}), google_answers.last()])


def _in_head(wire: str, text: str) -> Play:
    told = text.encode("ascii", "replace").decode().replace("\n", " ")
    names = ("X-Request-Id", "X-Echo", "Retry-After", "Set-Cookie", "WWW-Authenticate", "Server", "X-RateLimit-Reset")
    return error(429, f"slow down {text}", **{name.replace("-", "_"): told for name in names})


def _status_line(wire: str, text: str) -> Play:
    told = text.encode("ascii", "replace").decode().replace("\n", " ")
    return Play(raw=(f"HTTP/1.1 401 {told}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode(), Mark.FIN))


def _nested(wire: str, text: str) -> Play:
    deep: object = {text: [text, {"detail": text, text: 1}], "message": text, "code": text, "status": text}
    return json_answer({"error": deep, "detail": [{"msg": text, "loc": [text]}], "message": text}, 400)


def _garbage(wire: str, text: str) -> Play:
    return Play(raw=(f"220 {text} ready\r\n".encode(), Mark.FIN))


PLACES: dict[str, Callable[[str, str], Play]] = {
    "error of 401": lambda wire, text: error(401, f"Incorrect API key provided: {text}"),
    "error of 403": lambda wire, text: error(403, {"message": text, "type": text, "code": text}),
    "error of 404": lambda wire, text: error(404, f"model '{text}' not found"),
    "error of 429": lambda wire, text: error(429, f"you ({text}) have reached your weekly limit, {text}"),
    "error of 500": lambda wire, text: error(500, text),
    "plain text": lambda wire, text: plain(503, f"upstream said: {text}"),
    "web page": lambda wire, text: page(200, f"<html><title>{text}</title>{text}</html>"),
    "web page of 502": lambda wire, text: page(502, f"<html><h1>{text}</h1></html>"),
    "redirect": lambda wire, text: redirect(307, f"https://elsewhere.invalid/login?next={text}&token={text}"),
    "sign-in address": lambda wire, text: json_answer({"signin_url": f"https://x.invalid/?k={text}"}, 401),
    "fields inside fields": _nested,
    "headers": _in_head,
    "status line": _status_line,
    "no HTTP": _garbage,
    "answer": lambda wire, text: answer(wire, f"You said {text}, did you not?"),
    "answer cut off": lambda wire, text: _cut(wire, f"You said {text}, and then some more words to be cut"),
    "answer reset": lambda wire, text: _reset(wire, f"You said {text}, and then some more words to be cut"),
    "reasoning": _thought,
    "error in the stream": _in_stream,
    "broken line": _malformed,
    "names": _named,
}  # fmt: skip
"""By name, what a server does with a request: (wire, what it repeats) -> its answer."""


def model_list(wire: str, rng: Random, text: str) -> Play:
    """The models of a server, one of them named like what it was told; or an error that repeats it."""
    if rng.random() < 0.4:
        return error(rng.choice((401, 403, 500)), f"no list for {text}")
    match wire:
        case "ollama":
            return ollama_answers.tags([ollama_answers.model_entry(MODELS[wire]), ollama_answers.model_entry(text)])
        case "openai":
            return openai_answers.models({"id": MODELS[wire], "object": "model"}, {"id": text, "owned_by": text})
        case "anthropic":
            return anthropic_answers.models(MODELS[wire], text)
        case _:
            return google_answers.models(MODELS[wire], text)
