"""A JSON Schema in the words that a wire knows: what it must not see is left out, what it cannot mean is refused.

Every answer is checked here against the whole schema (policy R9), so a limit that the wire does not know may be left
out, or told to the model in the description; a shape that it does not know may not. Both rules follow what the
vendors' own packages do before they send a schema (``lib/_parse/_transform.py`` of anthropics/anthropic-sdk-python).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.providers.body import plain

if TYPE_CHECKING:
    from llmdesk.core.types import Json

_NOTES = frozenset({"$schema", "$id", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly"})
"""Said of a schema, not of the answer: left out without a word."""

_LIMITS = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "format", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "contentEncoding",
    "contentMediaType",
})  # fmt: skip
"""Narrow an answer without changing its shape: told in the description where the wire does not know them."""

_OWNED = {"object": ("properties", "required", "additionalProperties"), "array": ("items", "minItems", "maxItems")}
"""Keywords that speak of one type only."""

_DEEPEST = 50
"""Levels of nesting; deeper ones are told in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a wire knows of JSON Schema beside types, properties, items, enum, anyOf, ``$defs`` and ``$ref``.

    ``keeps`` are keywords taken as they are; ``values`` the only values some of them may have. ``closed``: every object
    must forbid further properties. ``const`` and ``all_of``: the wire has these.
    """

    keeps: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[object]] | None = None
    closed: bool = False
    const: bool = False
    all_of: bool = False


class _Outside(Exception):
    """The wire has no words for this."""


def fitted(schema: Json, dialect: Dialect) -> dict[str, object] | None:
    """Say a schema in a wire's dialect; ``None`` = it has no words for its shape."""
    try:
        found = _Fitting(dialect).of(schema, 0)
    except _Outside:
        return None
    return found if not _circular(found) else None


class _Fitting:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def of(self, schema: object, depth: int) -> dict[str, object]:
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            raise _Outside
        left = {str(key): value for key, value in schema.items() if key not in _NOTES}
        found = self._definitions(left, depth)
        if "$ref" in left:
            return {**found, "$ref": self._reference(left["$ref"])}
        if isinstance(kinds := left.get("type"), list | tuple):
            del left["type"]
            if "enum" not in left:
                return {**found, "anyOf": [self.of(_only(kind, left), depth + 1) for kind in kinds]}
        for name, value in left.items():
            found |= self._keyword(name, value, left, depth)
        if self._dialect.closed and found.get("type") == "object":
            found["additionalProperties"] = False
        if told := self._told(left, found):
            found["description"] = f"{found['description']} {told}" if "description" in found else told
        if not found.keys() & {"type", "anyOf", "allOf", "enum", "const"}:
            raise _Outside
        return found

    def _definitions(self, left: dict[str, object], depth: int) -> dict[str, object]:
        named: dict[str, object] = {}
        for name in ("$defs", "definitions"):
            given = left.pop(name, {})
            if not isinstance(given, Mapping):
                raise _Outside
            named |= {str(key): self.of(value, depth + 1) for key, value in given.items()}
        return {"$defs": named} if named else {}

    @staticmethod
    def _reference(target: object) -> str:
        for start in ("#/$defs/", "#/definitions/"):
            if isinstance(target, str) and target.startswith(start) and "/" not in target[len(start) :]:
                return f"#/$defs/{target[len(start) :]}"
        raise _Outside

    def _keyword(self, name: str, value: object, left: Mapping[str, object], depth: int) -> dict[str, object]:
        dialect = self._dialect
        found: dict[str, object] = {}
        match name:
            case "type" | "title" | "description" | "required":
                found[name] = list(value) if isinstance(value, tuple) else value
            case "enum" if isinstance(value, list | tuple) and all(_plain(item) for item in value):
                found[name] = list(value)
            case "const" if _plain(value):
                found |= {"const": value} if dialect.const else {"enum": [value]}
            case "properties" if isinstance(value, Mapping):
                found[name] = {str(key): self.of(part, depth + 1) for key, part in value.items()}
            case "items":
                found[name] = self.of(value, depth + 1)
            case "anyOf" | "oneOf" if isinstance(value, list | tuple) and not {"anyOf", "oneOf"} <= left.keys():
                found["anyOf"] = [self.of(part, depth + 1) for part in value]
            case "allOf" if dialect.all_of and isinstance(value, list | tuple):
                found[name] = [self.of(part, depth + 1) for part in value]
            case "additionalProperties" if value is False or not dialect.closed:
                found[name] = value if isinstance(value, bool) else self.of(value, depth + 1)
            case _ if name in _LIMITS:
                found |= {name: value} if self._keeps(name, value) else {}
            case _:
                raise _Outside
        return found

    def _keeps(self, name: str, value: object) -> bool:
        allowed = (self._dialect.values or {}).get(name)
        return name in self._dialect.keeps and (allowed is None or (_plain(value) and value in allowed))

    def _told(self, left: Mapping[str, object], found: Mapping[str, object]) -> str:
        """The limits that the wire does not take, for the model to read."""
        limits = {name: value for name, value in left.items() if name in _LIMITS and name not in found}
        return json.dumps(limits, ensure_ascii=False) if limits else ""


def _only(kind: object, keywords: Mapping[str, object]) -> dict[str, object]:
    """One type of several, with the keywords that mean something to it."""
    foreign = {name for owner, names in _OWNED.items() if owner != kind for name in names}
    return {"type": kind, **{name: value for name, value in keywords.items() if name not in foreign}}


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _circular(schema: Mapping[str, object]) -> bool:
    """Whether a definition needs itself; references to nothing count too, for no wire takes them."""
    named = schema.get("$defs", {})
    assert isinstance(named, Mapping)
    needs = {name: set(_references(part)) for name, part in named.items()}
    done: set[str] = set()
    while more := {name for name, needed in needs.items() if name not in done and needed <= done}:
        done |= more
    return len(done) < len(needs) or not set(_references(schema)) <= done


def _references(node: object) -> list[str]:
    if isinstance(node, Mapping):
        mine = [str(node["$ref"]).removeprefix("#/$defs/")] if isinstance(node.get("$ref"), str) else []
        return mine + [name for part in node.values() for name in _references(part)]
    return [name for part in node for name in _references(part)] if isinstance(node, list) else []


def in_words(schema: Json | None) -> str:
    """Tell the model what to answer with, where the wire has no field for it; ``None`` = any JSON object."""
    if schema is None:
        return "Answer with one JSON object and nothing before or after it."
    text = json.dumps(schema, default=plain, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON value and nothing before or after it. It must meet this JSON Schema:\n{text}"
