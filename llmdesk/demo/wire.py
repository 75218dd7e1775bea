"""The forms of Ollama's wire the simulation needs: JSON as Go writes it, error bodies, durations, checked requests.

Source: ollama/ollama v0.33.0-rc2, api/types.go, server/routes.go and docs/api.md.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from llmdesk.demo.server import Reply

if TYPE_CHECKING:
    from datetime import datetime

    from llmdesk.core.types import Json
    from llmdesk.demo.server import Request

NS = 1_000_000_000
"""Nanoseconds in a second; every duration on the wire counts them."""

FOREVER_S = 292 * 365 * 86_400.0
"""A negative ``keep_alive``: Go's longest duration, seconds (api/types.go Duration)."""

DEFAULT_KEEP_ALIVE_S = 300.0
"""How long a model stays in memory unless the request says otherwise (envconfig/config.go), seconds."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


class WireError(Exception):
    """A request that is answered with an error body."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def go_json(value: object) -> bytes:
    """Encode as Go's encoder does, with ``< > &`` escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode("utf-8", "replace")


def json_line(value: object) -> bytes:
    """One line of a stream."""
    return go_json(value) + b"\n"


def json_reply(value: object, status: int = 200) -> Reply:
    """A JSON object with its length."""
    return Reply(status=status, body=go_json(value))


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, as ``created_at`` carries it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_json(request: Request) -> Json:
    """Decode the body.

    Raises:
        WireError: there is none, or it is no JSON object.
    """
    if not request.body:
        raise WireError(400, "missing request body")
    try:
        value = json.loads(request.body)
    except ValueError as error:
        raise WireError(400, f"invalid character in request body: {error}") from error
    if not isinstance(value, dict):
        raise WireError(400, "json: cannot unmarshal value into Go value of type api.Request")
    return value


def read_keep_alive(value: object) -> float:
    """Seconds a model stays loaded; negative numbers mean for ever.

    Raises:
        WireError: a string without a unit, or something that is no duration.
    """
    if value is None:
        return DEFAULT_KEEP_ALIVE_S
    if isinstance(value, int | float):
        return float(value) if value >= 0 else FOREVER_S
    text = str(value)
    negative, digits = text.startswith("-"), text.lstrip("+-")
    if digits == "0":
        return 0.0
    if re.fullmatch(r"\d+(?:\.\d+)?", digits):
        raise WireError(400, f'time: missing unit in duration "{text}"')
    if not digits or _PART.sub("", digits):
        raise WireError(400, f'time: invalid duration "{text}"')
    return FOREVER_S if negative else sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(digits))


def read_options(value: object) -> dict[str, float]:
    """The options the simulation understands (``num_ctx``, ``num_predict``, ``temperature`` …), numbers only.

    Raises:
        WireError: a known option has the wrong type; a 500, as the real server has it.
    """
    if not isinstance(value, Mapping):
        return {}
    known = {"num_ctx": "integer", "num_predict": "integer", "seed": "integer", "top_k": "integer"}
    known |= {"temperature": "float32", "top_p": "float32"}
    options: dict[str, float] = {}
    for name, kind in known.items():
        if (given := value.get(name)) is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise WireError(500, f'option "{name}" must be of type {kind}')
        options[name] = given
    return options


def read_images(value: object) -> list[int]:
    """The sizes of attached images, bytes.

    Raises:
        WireError: an image is not base64.
    """
    if not isinstance(value, list):
        return []
    try:
        return [len(base64.b64decode(str(image), validate=True)) for image in value]
    except (binascii.Error, ValueError) as error:
        raise WireError(400, "illegal base64 data at input byte 0") from error
