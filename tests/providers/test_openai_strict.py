"""Which schemas may be sent with ``strict: true``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.openai.strict import MOST_ENUM_VALUES, MOST_LEVELS, MOST_PROPERTIES, fits_strict

TEXT = {"type": "string"}


def closed(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = TEXT
    for _ in range(levels):
        schema = closed(a=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a=TEXT),
        closed(a={"type": ["string", "null"], "description": "optional"}),
        closed(a={"type": "array", "items": closed(b={"type": "integer", "minimum": 1, "maximum": 9})}),
        closed(a={"anyOf": [TEXT, closed(b={"type": "number"})]}),
        closed(a={"type": "string", "enum": ["x", "y"]}),
        closed(a={"const": "x"}),
        closed(a={"type": "string", "pattern": "^a", "format": "date-time"}),
        {**closed(a={"$ref": "#/$defs/node"}), "$defs": {"node": closed(next={"$ref": "#/$defs/node"})}},
        {**closed(a=TEXT), "title": "T", "$schema": "https://json-schema.org/draft/2020-12/schema"},
        deep(MOST_LEVELS),
    ],
)
def test_what_closes_itself_and_requires_all_fits(schema: dict[str, Any]) -> None:
    assert fits_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        TEXT,
        {"type": "array", "items": TEXT},
        {"anyOf": [closed(a=TEXT)]},
        {**closed(a=TEXT), "anyOf": [closed(a=TEXT)]},
        {"type": "object", "properties": {"a": TEXT}},
        {**closed(a=TEXT), "required": []},
        {**closed(a=TEXT), "additionalProperties": True},
        {**closed(a=TEXT), "additionalProperties": TEXT},
        closed(a={"type": "object"}),
        closed(a={"type": "array"}),
        closed(a={"type": "strin"}),
        closed(a={}),
        closed(a=True),
        closed(a={"allOf": [TEXT]}),
        closed(a={"not": TEXT}),
        closed(a={"oneOf": [TEXT]}),
        closed(a={"type": "string", "minLength": 3}),
        closed(a={"type": "string", "format": "uri"}),
        closed(a={"anyOf": []}),
        closed(a={"anyOf": TEXT}),
        closed(a={"enum": "x"}),
        closed(a={"$ref": "https://elsewhere.example/schema.json"}),
        {**closed(a=TEXT), "patternProperties": {"^x": TEXT}},
        {**closed(a=TEXT), "if": TEXT, "then": TEXT},
        {**closed(a=TEXT), "$defs": {"b": {"allOf": []}}},
        {**closed(a=TEXT), "$defs": []},
        {**closed(a=TEXT), "properties": []},
        deep(MOST_LEVELS + 1),
        closed(**{f"p{number}": TEXT for number in range(MOST_PROPERTIES + 1)}),
        closed(a={"type": "string", "enum": [str(number) for number in range(MOST_ENUM_VALUES + 1)]}),
        closed(a={"type": "string", "enum": ["x" * 130_000]}),
    ],
)
def test_everything_else_does_not(schema: Any) -> None:
    assert not fits_strict(schema if isinstance(schema, dict) else {"type": schema})


words = st.sampled_from(
    ["type", "properties", "required", "items", "anyOf", "enum", "object", "array", "string", "$ref"]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.just("object"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(words, trees, max_size=6))
def test_no_tree_is_too_strange_to_judge(schema: dict[str, Any]) -> None:
    assert fits_strict({**schema, "type": "object"}) in (True, False)


def test_a_schema_nested_without_end_is_judged_too() -> None:
    node: dict[str, Any] = TEXT
    for _ in range(100_000):
        node = {"anyOf": [node]}
    assert not fits_strict(closed(a=node))
