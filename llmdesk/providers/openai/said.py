"""What a refusal of an OpenAI-compatible endpoint says, out of whatever it is wrapped in.

Known shapes: ``{"error": {"message", "type", "param", "code"}}``, ``{"error": text}``, ``{"message"}``,
``{"detail": text}`` and ``{"detail": [{"loc", "msg", "type"}]}`` (FastAPI), ``[{"error": …}]``, ``{"object": "error",
"message", "type", "code"}`` (vLLM), ``{"error": {"metadata": {"raw"}}}`` (OpenRouter, with the provider's own words),
JSON inside a string, plain text, a web page, nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from llmdesk.core.text import redact
from llmdesk.core.values import dataclass
from llmdesk.providers.answer_log import count
from llmdesk.providers.ndjson import FrameBroken, document
from llmdesk.providers.refusals import TEXT_LIMIT, brief, is_page

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRAPPINGS = 6
_WINDOWS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"maximum (?:context|model|input) length (?:is|of) (?:only )?(\d{1,12})",
        r"context (?:size|length|window)(?: of)? \(?(\d{1,12})",
        r"with (\d{1,12}) maximum context length",
        r"max(?:imum)? size: (\d{1,12}) tokens",
        r"exceeds? the (?:maximum|limit)[^\d]{0,40}(\d{1,12})",
    )
)
_PARAMETERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:unsupported|unknown) (?:parameter|value):? ['\"`]?([\w.\[\]]{1,60})",
        r"unrecognized request arguments?(?: supplied)?: ['\"`]?([\w.]{1,60})",
        r"(?:parameter|property|field|argument) ['\"`]([\w.]{1,60})['\"`]",
        r"['\"`]([\w.]{1,60})['\"`] (?:is|are) (?:not supported|unsupported)",
        r"\b(\w{3,40}) is not supported with this",
        r"does not support (?:the )?(?:parameters?:? )?['\"`]([\w.]{1,60})['\"`]",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal, unwrapped. ``status`` ``None`` = an error object inside a reply that began with 200.

    ``marks`` are the words programs are meant to read (code, type, parameter); ``window`` is the size the server told,
    tokens; ``param`` the parameter it objects to; ``page`` marks a body that is a web page; ``reset_ms`` is when a
    limit begins anew, epoch milliseconds, where the body tells it.
    """

    status: int | None
    text: str = ""
    marks: str = ""
    window: int | None = None
    param: str = ""
    page: bool = False
    reset_ms: float | None = None


def read_error(status: int, body: bytes) -> Said:
    """Unwrap the body of a refusal."""
    try:
        return unwrap(status, document(body))
    except FrameBroken:
        text = body.decode("utf-8", "replace").strip()
        return Said(status=status, page=True) if is_page(text) else _finished(_Found(text=[text]), status)


@dataclass(slots=True)
class _Found:
    text: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    param: str = ""
    window: int | None = None
    code: int | None = None
    reset_ms: float | None = None


def unwrap(status: int | None, value: object) -> Said:
    """Find text, marks and numbers in a decoded error, however it is wrapped.

    Where ``status`` is ``None`` and the object itself tells one (OpenRouter, llama.cpp, vLLM do), that counts.
    """
    found = _Found()
    for _ in range(_WRAPPINGS):
        value = _inside(value, found)
        if isinstance(value, str):
            if value.lstrip()[:1] not in ("{", "["):
                break
            try:
                value = document(value.encode("utf-8", "replace"))
            except FrameBroken:
                break
    if isinstance(value, str) and value:
        found.text.insert(0, value)
    if status is None and found.code is not None and 400 <= found.code < 600:
        status = found.code
    return _finished(found, status)


def _inside(value: object, found: _Found) -> object:
    """One wrapping less; what stands on it is noted."""
    if isinstance(value, list):
        return value[0] if value else ""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else "" if value is None else str(value)[:TEXT_LIMIT]
    _note(value, found)
    inner = next((value[name] for name in ("error", "message", "detail", "msg") if value.get(name)), None)
    if inner is None and "error" not in value and "object" not in value:
        try:
            return "" if not value else json.dumps(value)[:TEXT_LIMIT].replace("{", "(").replace("[", "(")
        except RecursionError:
            return ""
    return "" if inner is None else inner


def _note(value: Mapping[str, object], found: _Found) -> None:
    for name in ("code", "type", "param", "status"):
        mark = value.get(name)
        if isinstance(mark, str) and mark:
            found.marks.append(redact(mark[:TEXT_LIMIT])[:200])
        elif name == "code" and isinstance(mark, int) and not isinstance(mark, bool):
            found.code = mark
    if isinstance(param := value.get("param"), str):
        found.param = brief(param, 60)
    if isinstance(place := value.get("loc"), list) and place:
        found.param = brief(place[-1], 60)
    found.window = count(value.get("n_ctx")) or found.window
    if isinstance(more := value.get("metadata"), dict):
        if isinstance(raw := more.get("raw"), str):
            found.text.append(raw[:TEXT_LIMIT])
        headers = more.get("headers")
        if isinstance(headers, dict):
            found.reset_ms = _number(headers.get("X-RateLimit-Reset"))


def _number(value: object) -> float | None:
    """Epoch milliseconds, as digits or a number."""
    text = str(value) if isinstance(value, int | str) else ""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _finished(found: _Found, status: int | None) -> Said:
    text = redact(" ".join(found.text)[:TEXT_LIMIT])
    said = Said(
        status=status, text=text, marks=" ".join(found.marks), param=found.param, window=found.window,
        reset_ms=found.reset_ms,
    )  # fmt: skip
    if said.window is None and (window := _first(_WINDOWS, text)) is not None:
        said = replace(said, window=int(window))
    if not said.param and (param := _first(_PARAMETERS, text)) is not None:
        said = replace(said, param=param)
    return said


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str | None:
    return next((match[1] for pattern in patterns if (match := pattern.search(text)) is not None), None)
