"""A value that meets a JSON Schema, for the answers of a simulated model that was asked for structure.

Covers what lane schemas commonly use: types, ``const``, ``enum``, ``properties``, ``items``, lengths and bounds,
``anyOf``/``oneOf``/``allOf`` and local ``$ref``. A schema that asks for more gets a best guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.types import Json

MAX_DEPTH = 12
"""Where a schema that refers to itself stops being followed."""


def sample_value(schema: object, root: Json | None = None, depth: int = 0) -> object:
    """Return a value for ``schema``; ``root`` is the whole schema that ``$ref`` refers to."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return None
    root = schema if root is None else root
    if isinstance(ref := schema.get("$ref"), str):
        return sample_value(_resolve(ref, root), root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(values := schema.get(key), list) and values:
            return values[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(choices := schema.get(key), list) and choices:
            return sample_value(choices[0], root, depth + 1)
    return _sample_typed(schema, root, depth)


def _sample_typed(schema: Json, root: Json, depth: int) -> object:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "object" or (kind is None and "properties" in schema):
        properties = schema.get("properties")
        items = properties.items() if isinstance(properties, Mapping) else ()
        return {str(name): sample_value(part, root, depth + 1) for name, part in items}
    if kind == "array":
        return [sample_value(schema.get("items"), root, depth + 1)] * max(1, _number(schema, "minItems", 1))
    return _sample_plain(kind, schema)


def _sample_plain(kind: object, schema: Json) -> object:
    match kind:
        case "integer":
            return _number(schema, "minimum", _number(schema, "exclusiveMinimum", 0) + 1)
        case "number":
            return min(0.5 + _number(schema, "minimum", 0), float(_number(schema, "maximum", 10**9)))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "DEMO".ljust(_number(schema, "minLength", 0), ".")[: _number(schema, "maxLength", 10**6)]


def _number(schema: Json, key: str, otherwise: int) -> int:
    value = schema.get(key)
    return int(value) if isinstance(value, int | float) else otherwise


def _resolve(ref: str, root: Json) -> object:
    here: object = root
    for part in ref.removeprefix("#").strip("/").split("/"):
        if part:
            here = here.get(part) if isinstance(here, Mapping) else None
    return here
