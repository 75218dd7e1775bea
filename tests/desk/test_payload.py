"""A request as the outbox keeps it comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import UsageError
from llmdesk.core.types import Message, ModelRef, Params, Role, ToolCall
from llmdesk.core.views import Ask, Attachment
from llmdesk.desk import payload

SOME_TEXT = st.text(max_size=12) | st.just("lone \ud800 surrogate") | st.just("nul \0 and \u2028")
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SOME_TEXT
JSON_VALUE = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SOME_TEXT, inner, max_size=3), max_leaves=8
)
JSON_OBJECT = st.dictionaries(SOME_TEXT, JSON_VALUE, max_size=3)
REFS = st.builds(ModelRef, st.sampled_from(["cloud", "local"]), st.sampled_from(["m", "hf.co/a/b:q4", "x:7b"]))
PARAMS = st.builds(
    Params,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(0, 99),
    seed=st.none() | st.integers(),
    stop=st.none() | st.lists(SOME_TEXT, max_size=2).map(tuple),
    max_output_tokens=st.none() | st.integers(1, 9),
    reasoning=st.none() | st.sampled_from(["off", "high"]),
    context_tokens=st.none() | st.integers(1, 9),
    keep_alive=st.none() | st.just("10m") | st.just(0) | st.just(2.5),
    extra=JSON_OBJECT,
)
CALLS = st.builds(ToolCall, name=SOME_TEXT, arguments=JSON_OBJECT, id=SOME_TEXT)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(Role),
    content=SOME_TEXT,
    images=st.lists(st.binary(max_size=8), max_size=2).map(tuple),
    thinking=SOME_TEXT,
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool_name=SOME_TEXT,
    tool_call_id=SOME_TEXT,
)
ASKS = st.builds(
    Ask,
    messages=st.none() | st.lists(MESSAGES, max_size=3).map(tuple),
    lane=st.none() | SOME_TEXT,
    agent=st.none() | SOME_TEXT,
    job=st.none() | SOME_TEXT,
    model=st.none() | REFS,
    targets=st.none() | st.lists(REFS, max_size=2).map(tuple),
    system=st.none() | SOME_TEXT,
    params=PARAMS,
    schema=st.none() | JSON_OBJECT,
    schema_name=SOME_TEXT,
    format=st.none() | st.just("json") | JSON_OBJECT,
    tools=st.lists(JSON_OBJECT, max_size=2).map(tuple),
    extra=JSON_OBJECT,
    endpoint=st.sampled_from(["chat", "generate", "embed"]),
    timeout_s=st.none() | st.floats(0, 99),
)


@given(ASKS)
def test_everything_that_was_asked_comes_back(ask: Ask) -> None:
    text = payload.dump(ask)
    text.encode()
    assert payload.load(text) == ask


def test_the_rows_own_columns_are_not_in_it() -> None:
    ask = Ask(prompt="secret", attachments=(Attachment(name="a", text="secret"),), conversation="c", probe=True)
    assert "secret" not in payload.dump(ask)
    assert payload.load(payload.dump(ask)) == Ask()


def test_mappings_and_tuples_of_a_program_are_kept_as_json() -> None:
    frozen = MappingProxyType({"a": (1, 2), "b": MappingProxyType({"c": None})})
    ask = Ask(extra=frozen, params=Params(extra=frozen), schema=frozen, tools=(frozen,))
    back = payload.load(payload.dump(ask))
    plain = {"a": [1, 2], "b": {"c": None}}
    assert (back.extra, back.params.extra, back.schema, back.tools) == (plain, plain, plain, (plain,))


def test_keys_of_a_newer_version_are_passed_over() -> None:
    ask = Ask(lane="chat", params=Params(seed=7))
    newer = json.loads(payload.dump(ask))
    newer["colour"] = "blue"
    newer["params"]["mirostat"] = 2
    assert payload.load(json.dumps(newer)) == ask


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}])
def test_what_is_no_json_is_refused_in_one_line(value: object) -> None:
    for ask in (
        Ask(extra={"x": value}),
        Ask(params=Params(extra={"x": [value]})),
        replace(Ask(), tools=({"f": value},)),
    ):
        with pytest.raises(UsageError, match="no JSON") as refused:
            payload.dump(ask)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "7", '{"messages": [{"role": "oracle", "content": ""}]}', '{"params": 3}']
)
def test_what_this_version_cannot_read_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="another version"):
        payload.load(text)
