"""References, parameters and the other values."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import UsageError
from llmdesk.core.types import PARAM_NAMES, Message, ModelRef, Params, Role, TextDelta, ToolCall


@pytest.mark.parametrize(
    ("text", "provider", "model"),
    [
        ("cloud/gpt-oss:120b", "cloud", "gpt-oss:120b"),
        ("local/hf.co/bartowski/Some-GGUF:Q4_K_M", "local", "hf.co/bartowski/Some-GGUF:Q4_K_M"),
        (" local/largest ", "local", "largest"),
    ],
)
def test_a_model_ref_splits_at_the_first_slash(text: str, provider: str, model: str) -> None:
    ref = ModelRef.parse(text)
    assert (ref.provider, ref.model) == (provider, model)
    assert str(ref) == text.strip()


@pytest.mark.parametrize("text", ["", "/", "gpt-oss:120b", "cloud/", "/model", "two\nlines", "x" * 9000, "\x1b[31m"])
def test_what_is_no_model_ref_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ModelRef.parse(text)
    assert "is not a model ref" in str(caught.value)
    assert len(str(caught.value)) <= 200
    assert str(caught.value).isprintable()


PARAMS = st.builds(
    Params,
    temperature=st.none() | st.floats(0, 2),
    seed=st.none() | st.integers(0, 99),
    stop=st.none() | st.just(()) | st.just(("END",)),
    reasoning=st.none() | st.sampled_from(["off", "low", "medium", "high"]),
    keep_alive=st.none() | st.just(0) | st.just("10m"),
    extra=st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
)


@given(PARAMS, PARAMS)
def test_parameters_are_laid_over_others_key_by_key(upper: Params, lower: Params) -> None:
    laid = upper.over(lower)
    for name in PARAM_NAMES:
        above = getattr(upper, name)
        assert getattr(laid, name) == (getattr(lower, name) if above is None else above)
    assert laid.extra == {**lower.extra, **upper.extra}


@given(PARAMS)
def test_nothing_over_something_is_that(params: Params) -> None:
    assert Params().over(params) == params
    assert params.over(Params()) == params


def test_zero_false_and_empty_count_as_set() -> None:
    base = Params(temperature=0.7, seed=7, stop=("END",), keep_alive="5m")
    laid = Params(temperature=0.0, seed=0, stop=(), keep_alive=0).over(base)
    assert (laid.temperature, laid.seed, laid.stop, laid.keep_alive) == (0.0, 0, (), 0)


def test_the_list_of_parameters_knows_every_field() -> None:
    assert {field.name for field in dataclasses.fields(Params)} == {*PARAM_NAMES, "extra"}


def test_the_wire_object_is_neither_compared_nor_shown() -> None:
    assert TextDelta("a", wires=({"secret": 1},)) == TextDelta("a")
    assert "secret" not in repr(ToolCall(name="f", arguments={}, wire={"secret": 1}))


def test_values_do_not_change() -> None:
    message = Message(role=Role.USER, content="hi")
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.content = "changed"  # type: ignore[misc]
