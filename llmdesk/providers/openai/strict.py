"""Whether a JSON Schema lies within the subset that ``strict: true`` is taken for.

Source: developers.openai.com/api/docs/guides/structured-outputs, "Supported schemas": the root is an object and no
``anyOf``; every object closes itself (``additionalProperties: false``) and requires all it names; some keywords are not
supported; at most 5,000 properties, 10 levels, 1,000 enum values and 120,000 characters of names and values. A schema
outside of it is refused with 400, so that in doubt the answer here is no: it is sent without ``strict`` then, and
checked afterwards in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_TYPES = frozenset({"string", "number", "boolean", "integer", "object", "array", "null"})
_KEYWORDS = frozenset({
    "$defs", "$id", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "definitions",
    "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems", "maximum",
    "minItems", "minimum", "multipleOf", "pattern", "properties", "required", "title", "type",
})  # fmt: skip
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})

MOST_PROPERTIES = 5_000
MOST_LEVELS = 10
MOST_ENUM_VALUES = 1_000
MOST_CHARACTERS = 120_000


class _Outside(Exception):
    """The schema is not within the subset."""


@dataclass(slots=True)
class _Count:
    properties: int = 0
    enum_values: int = 0
    characters: int = 0


def fits_strict(schema: Mapping[str, object]) -> bool:
    """Whether ``strict: true`` can be sent with ``schema``."""
    count = _Count()
    if schema.get("type") != "object" or "anyOf" in schema:
        return False
    try:
        _visit(schema, 0, count)
    except (_Outside, RecursionError):
        return False
    return (
        count.properties <= MOST_PROPERTIES
        and count.enum_values <= MOST_ENUM_VALUES
        and count.characters <= MOST_CHARACTERS
    )


def _visit(node: object, level: int, count: _Count) -> None:
    _need(isinstance(node, Mapping) and level <= MOST_LEVELS)
    assert isinstance(node, Mapping)
    _need(node.keys() <= _KEYWORDS)
    kinds = _kinds(node)
    if "object" in kinds or "properties" in node:
        _visit_object(node, level, count)
    if "array" in kinds:
        _visit(node.get("items"), level, count)
    if "anyOf" in node:
        options = node["anyOf"]
        _need(isinstance(options, list) and bool(options))
        for option in options:
            _visit(option, level, count)
    for name in ("$defs", "definitions"):
        for key, shape in _members(node, name).items():
            count.characters += len(str(key))
            _visit(shape, level, count)
    _count_values(node, count)
    _need("format" not in node or (isinstance(node["format"], str) and node["format"] in _FORMATS))
    reference = node.get("$ref")
    _need(reference is None or (isinstance(reference, str) and reference.startswith("#")))


def _kinds(node: Mapping[str, object]) -> frozenset[str]:
    """The types of a node; one that says nothing about its type is outside."""
    told = node.get("type")
    kinds = told if isinstance(told, list) else [] if told is None else [told]
    _need(all(isinstance(kind, str) and kind in _TYPES for kind in kinds))
    _need(bool(kinds) or any(name in node for name in ("$ref", "anyOf", "enum", "const")))
    return frozenset(str(kind) for kind in kinds)


def _visit_object(node: Mapping[str, object], level: int, count: _Count) -> None:
    members = _members(node, "properties")
    required = node.get("required", [])
    _need(node.get("additionalProperties") is False)
    _need(isinstance(required, list) and {str(name) for name in required} == {str(name) for name in members})
    count.properties += len(members)
    _need(count.properties <= MOST_PROPERTIES)
    for name, shape in members.items():
        count.characters += len(str(name))
        _visit(shape, level + 1, count)


def _count_values(node: Mapping[str, object], count: _Count) -> None:
    values = node.get("enum", [])
    _need(isinstance(values, list))
    assert isinstance(values, list)
    count.enum_values += len(values)
    count.characters += sum(len(value) for value in (*values, node.get("const")) if isinstance(value, str))


def _members(node: Mapping[str, object], name: str) -> Mapping[object, object]:
    members = node.get(name, {})
    _need(isinstance(members, Mapping))
    assert isinstance(members, Mapping)
    return members


def _need(holds: bool) -> None:
    if not holds:
        raise _Outside
