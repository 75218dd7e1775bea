"""Plain YAML scalars, read by the core schema of YAML 1.2 and nothing more.

``no`` is a word, ``12:30`` is not 750, ``0123`` is not 83 (policy F8). Numbers are decimal, at most 30 digits long.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,29})\Z")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?\Z")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


def plain_scalar(text: str) -> Scalar:
    """Return what an unquoted scalar means; anything that is no null, truth value or number is itself."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text):
        return int(text)
    if _SPECIAL.match(text):
        return float(text.replace(".", "", 1).lower())
    if _FLOAT.match(text):
        return float(text)
    return text
