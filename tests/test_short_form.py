"""Schemas in short form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import UsageError
from llmdesk.schema_check import check_schema
from llmdesk.schema_check.short_form import TYPES, parse_short_form

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
MEANINGS = st.text(alphabet="abc :äß'\"", max_size=12)


def test_fields_are_text_unless_they_say_otherwise() -> None:
    assert parse_short_form("name, age int, bio: one line") == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "bio": {"type": "string", "description": "one line"},
        },
        "required": ["name", "age", "bio"],
        "additionalProperties": False,
    }


def test_lines_may_hold_commas_and_colons() -> None:
    schema = parse_short_form("\n  score float: from 0 to 1, or: nothing\n  done bool\n")
    assert schema["properties"] == {
        "score": {"type": "number", "description": "from 0 to 1, or: nothing"}, "done": {"type": "boolean"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no field in it"),
        (" , ,", "there is no field in it"),
        ("a, b int, a", "the field 'a' is there twice"),
        ("1st, b", "'1st' is no name of a field"),
        ("a/b.json, c", "'a/b.json' is no name of a field"),
        (": what", "': what' is no name of a field"),
        ("age itn", "'itn' is no type; did you mean 'int'?"),
        ("age date", "'date' is no type; known are str, int, float, bool"),
        ("my age int", "'my age int' is more than a name and a type; say what it means after ':'"),
    ],
)
def test_what_is_no_short_form_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_short_form(text)
    assert str(caught.value) == told


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(["", *TYPES]), MEANINGS), min_size=2, max_size=6))
def test_whatever_is_written_in_lines_is_read_back(fields: dict[str, tuple[str, str]]) -> None:
    text = "\n".join(f"{name} {kind}: {meaning}" for name, (kind, meaning) in fields.items()) + "\n"
    schema = parse_short_form(text)
    assert check_schema(schema) == ()
    assert schema["required"] == list(fields)
    for name, (kind, meaning) in fields.items():
        told = {"description": meaning.strip()} if meaning.strip() else {}
        assert schema["properties"][name] == {"type": TYPES[kind or "str"], **told}  # type: ignore[index]


@given(st.text(max_size=40))
def test_any_text_is_a_schema_or_one_line(text: str) -> None:
    told = ""
    try:
        assert check_schema(parse_short_form(text)) == ()
    except UsageError as error:
        told = str(error)
    assert "\n" not in told
