"""Paths into JSON documents: what is found, what is refused, and that no document makes it expensive."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.json_path import MAX_FOUND, PathError, parse_path
from tests.support.slowness import allowed

DOCUMENT = {
    "result": "r",
    "item": {"type": "agent_message", "text": "hi"},
    "other": {"type": "reasoning", "text": "hm"},
    "list": [{"n": 1, "ok": True}, {"n": 2}, {"n": None}],
    "a b": {"it's": 5},
    "é": 1,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [DOCUMENT]),
        ("$.result", ["r"]),
        ("$['result']", ["r"]),
        ("$.missing", []),
        ("$.result.deeper", []),
        ("$.list[0].n", [1]),
        ("$.list[-1].n", [None]),
        ("$.list[9]", []),
        ("$.list[*].n", [1, 2, None]),
        ("$.item.*", ["agent_message", "hi"]),
        ("$['a b']['it\\'s']", [5]),
        ('$["a b"]["it\'s"]', [5]),
        ("$.é", [1]),
        ("$[?@.type=='agent_message'].text", ["hi"]),
        ('$[?@.type != "agent_message"].text', ["hm"]),
        ("$[?@.text].type", ["agent_message", "reasoning"]),
        ("$.list[?@.n == 2]", [{"n": 2}]),
        ("$.list[?@.n == null]", [{"n": None}]),
        ("$.list[?@.ok == true].n", [1]),
        ("$.list[?@.ok == 1]", []),
    ],
)
def test_a_path_finds_what_rfc_9535_says(path: str, found: list[object]) -> None:
    assert parse_path(path).find(DOCUMENT) == found


@pytest.mark.parametrize("path", ["", "result", "$.", "$..a", "$[", "$['a]", "$.a[?@.x=~/(a+)+$/]", "$.a b", "$[1:2]"])
def test_what_is_no_path_of_ours_is_refused_with_the_part_that_is_not_understood(path: str) -> None:
    with pytest.raises(PathError, match=r"path"):
        parse_path(path)


def test_a_document_made_of_many_values_costs_little() -> None:
    document: object = "x"
    for _ in range(6):
        document = [document] * 40
    begun = time.thread_time()
    found = parse_path("$[*][*][*][*][*][*]").find(document)
    assert len(found) == MAX_FOUND
    assert time.thread_time() - begun < allowed(2.0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_every_document_can_be_asked(document: object) -> None:
    for path in ("$.a.b", "$[0][*]", "$.*[?@.a == 'x']", "$[?@.a != 1].a"):
        parse_path(path).find(document)
