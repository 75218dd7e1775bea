"""Schemas in short: ``name, age int, bio: one sentence`` is an object with these three fields.

The form is that of the ``--schema`` option of simonw/llm ("Concise LLM schema syntax" of its documentation): fields are
separated by commas, or by newlines once there is one; a field is a name, a type where it is no text, and after a colon
what it means. Here every field is required and no other one is allowed.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.types import Json

TYPES: Mapping[str, str] = {
    "str": "string", "string": "string", "int": "integer", "integer": "integer",
    "float": "number", "number": "number", "bool": "boolean", "boolean": "boolean",
}  # fmt: skip
"""What a type may be called -> its name in JSON Schema."""

_NAME = re.compile(r"[^\W\d][\w-]*")


def parse_short_form(text: str) -> Json:
    """Read a schema in short form.

    Raises:
        UsageError: there is no field, one is named twice, or a name or type is none.
    """
    separator = "\n" if "\n" in text.strip() else ","
    fields: dict[str, dict[str, str]] = {}
    for part in filter(None, (part.strip() for part in text.split(separator))):
        name, field = _field(part)
        if name in fields:
            raise UsageError(f"the field '{name}' is there twice")
        fields[name] = field
    if not fields:
        raise UsageError("there is no field in it")
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _field(part: str) -> tuple[str, dict[str, str]]:
    head, _, meaning = part.partition(":")
    name, *kinds = head.split()[:3] or [""]
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{one_line(name or part, 40)}' is no name of a field")
    if len(kinds) > 1:
        raise UsageError(f"'{one_line(head.strip(), 60)}' is more than a name and a type; say what it means after ':'")
    kind = kinds[0] if kinds else "str"
    if kind not in TYPES:
        near = get_close_matches(kind, TYPES, 1)
        meant = f"; did you mean '{near[0]}'?" if near else "; known are str, int, float, bool"
        raise UsageError(f"'{one_line(kind, 40)}' is no type{meant}")
    return name, {"type": TYPES[kind], **({"description": meaning.strip()} if meaning.strip() else {})}
