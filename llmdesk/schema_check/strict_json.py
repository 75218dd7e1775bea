"""JSON as RFC 8259 means it: where Python's decoder is lenient, an answer is refused and never repaired (policy H5)."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from llmdesk.core.fences import unfenced
from llmdesk.core.text import one_line, storable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JsonValue: TypeAlias = "str | int | float | bool | Mapping[str, JsonValue] | Sequence[JsonValue] | None"
"""What ``json`` decodes to."""

MAX_DIGITS = 4_300
"""The longest integer that is read, digits: what ``int()`` itself accepts since CPython 3.11."""


def decode(text: str) -> JsonValue:
    """Decode JSON as RFC 8259 means it: no NaN, no key twice, no number that nothing else could read."""
    decoded: JsonValue = json.loads(
        unfenced(text),
        object_pairs_hook=_object,
        parse_int=_integer,
        parse_float=_number,
        parse_constant=_constant,
    )
    return decoded if "\\u" not in text else _without_surrogates(decoded)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {one_line(json.dumps(twice, ensure_ascii=False), 60)} is there twice")
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_surrogates(value: JsonValue) -> JsonValue:
    """Replace lone surrogates in every string (policy Q4)."""
    match value:
        case str():
            return storable(value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {storable(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value


def not_json(error: Exception) -> str:
    """Say why ``decode`` refused an answer, in one line."""
    if isinstance(error, RecursionError):
        return "the answer is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"the answer is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
    return one_line(f"the answer is not strict JSON: {error}")
