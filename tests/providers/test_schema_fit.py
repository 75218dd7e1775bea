"""Schemas in a wire's dialect: what is kept, told, left out, and refused."""

from __future__ import annotations

from types import MappingProxyType

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.schema_fit import Dialect, fitted, in_words

CLOSED = Dialect(keeps=frozenset({"format"}), values={"format": frozenset({"date"})}, closed=True, const=True)
OPEN = Dialect(keeps=frozenset({"minimum", "minItems"}), all_of=True)


def obj(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"$schema": "x", "$id": "y", "type": "string", "default": "a"}, {"type": "string"}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "moon"}, {"type": "string", "description": '{"format": "moon"}'}),
        ({"type": "integer", "minimum": 1, "description": "A."},
         {"type": "integer", "description": 'A. {"minimum": 1}'}),
        ({"const": "a"}, {"const": "a"}),
        ({"enum": ["a", None, 1]}, {"enum": ["a", None, 1]}),
        (obj(a={"type": "array", "items": obj()}),
         {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "array", "items": {
             "type": "object", "properties": {}, "additionalProperties": False}}}}),
        ({"type": ["object", "null"], "properties": {}, "required": []},
         {"anyOf": [{"type": "object", "properties": {}, "required": [], "additionalProperties": False},
                    {"type": "null"}]}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"enum": ["a", None]}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"definitions": {"x": {"type": "string"}}, "$ref": "#/definitions/x"},
         {"$defs": {"x": {"type": "string"}}, "$ref": "#/$defs/x"}),
        (MappingProxyType({"type": "object", "properties": MappingProxyType({}), "required": ("a",)}),
         {"type": "object", "properties": {}, "required": ["a"], "additionalProperties": False}),
    ],
)  # fmt: skip
def test_a_schema_is_said_in_the_words_of_the_wire(schema: dict[str, object], made: object) -> None:
    assert fitted(schema, CLOSED) == made


def test_a_wire_that_knows_more_is_told_more() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
    assert fitted(schema, OPEN) == schema
    assert fitted({"const": 3}, OPEN) == {"enum": [3]}
    assert fitted({"allOf": [{"type": "string"}]}, OPEN) == {"allOf": [{"type": "string"}]}


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "patternProperties": {"^a": {"type": "string"}}},
        {"type": "string", "not": {"const": "a"}},
        {"allOf": [{"type": "string"}]},
        {"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]},
        {"enum": [{"a": 1}]},
        {"const": [1]},
        {"type": "array", "items": True},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"$defs": 7, "type": "string"},
        {"properties": 7, "type": "object"},
    ],
)
def test_a_shape_without_words_is_refused(schema: dict[str, object]) -> None:
    assert fitted(schema, CLOSED) is None


def test_a_schema_too_deep_is_refused() -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    assert fitted(schema, CLOSED) is None


leaves = st.one_of(
    st.just({"type": "string"}), st.just({"type": "null"}), st.just({"enum": ["a", 1, None]}), st.just({"const": "b"}),
    st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-3, 3)),
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 3)),
)  # fmt: skip
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda part: {**obj(a=part), "required": ["a"]}, inner),
        st.builds(obj, a=inner, b=inner),
    ),
    max_leaves=5,
)
values = st.recursive(
    st.one_of(st.none(), st.integers(-5, 5), st.sampled_from(["", "a", "b", "abcd"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=5,
)


@given(schemas, values)
def test_no_wire_is_told_to_forbid_what_the_schema_asks_for(schema: dict[str, object], value: object) -> None:
    """Only objects are narrowed, by closing them; whatever else differs is wider and checked afterwards."""
    made = fitted(schema, OPEN)
    assert made is not None
    if jsonschema.Draft202012Validator(schema).is_valid(value):
        assert jsonschema.Draft202012Validator(made).is_valid(value)


def test_words_carry_the_whole_schema() -> None:
    assert in_words(MappingProxyType({"type": "ü"})).endswith('\n{"type":"ü"}')
    assert "JSON object" in in_words(None)
