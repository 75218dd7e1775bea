"""``KEY=VALUE`` read into parameters, with an error that says what would have been right."""

from __future__ import annotations

import difflib
import json
import math
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import UsageError
from llmdesk.core.types import PARAM_NAMES, Params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_REASONING = ("off", "low", "medium", "high")


def parse_params(pairs: Iterable[str], *, option: str = "") -> Params:
    """Read ``KEY=VALUE`` pairs; errors begin with ``option``, where they were written.

    ``stop`` takes several texts separated by commas; ``extra.NAME`` goes to the provider as it is, its value read as
    JSON where it is JSON and as text otherwise. A later pair replaces an earlier one.

    Raises:
        UsageError: a pair has no ``=``, names no parameter, or its value does not fit.
    """
    values: dict[str, Any] = {}
    extra: dict[str, object] = {}
    for pair in pairs:
        try:
            _read(pair, values, extra)
        except UsageError as error:
            raise UsageError(f"{option} {error}".strip()) from None
    return Params(**values, extra=extra)


def _read(pair: str, values: dict[str, Any], extra: dict[str, object]) -> None:
    key, equals, value = pair.partition("=")
    key = key.strip()
    if not equals:
        raise UsageError(f"{pair}: write it as KEY=VALUE, for example temperature=0.2.")
    if key.startswith("extra.") and len(key) > len("extra."):
        extra[key.removeprefix("extra.")] = _loose(value)
    elif key in _READERS:
        values[key] = _READERS[key](key, value.strip())
    else:
        raise UsageError(f"{key}: there is no such parameter.{_meant(key)}")


def _meant(key: str) -> str:
    close = difflib.get_close_matches(key, [*PARAM_NAMES, "extra."], n=1)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known: {', '.join(PARAM_NAMES)}, extra.NAME."


def _number(low: float, high: float) -> Callable[[str, str], float]:
    def read(key: str, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise UsageError(f"{key}={value}: it must be a number from {low:g} to {high:g}.")
        return number

    return read


def _whole(low: int) -> Callable[[str, str], int]:
    def read(key: str, value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if number < low:
            raise UsageError(f"{key}={value[:40]}: it must be a whole number of at least {low}.")
        return number

    return read


def _seed(key: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"{key}={value[:40]}: it must be a whole number.") from None


def _stop(_key: str, value: str) -> tuple[str, ...]:
    return tuple(part for part in value.split(",") if part)


def _reasoning(key: str, value: str) -> str:
    if value not in _REASONING:
        raise UsageError(f"{key}={value}: it must be one of {', '.join(_REASONING)}.")
    return value


def _keep_alive(_key: str, value: str) -> str | float:
    try:
        return float(value)
    except ValueError:
        return value


def _loose(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


_READERS: dict[str, Callable[[str, str], Any]] = {
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "top_k": _whole(0),
    "seed": _seed,
    "stop": _stop,
    "max_output_tokens": _whole(1),
    "reasoning": _reasoning,
    "context_tokens": _whole(1),
    "keep_alive": _keep_alive,
}
