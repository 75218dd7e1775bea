"""Which local model is the largest, which window it gets, and what of a conversation goes to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.lanes import (
    WINDOWS,
    estimate_tokens,
    fit_history,
    indispensable,
    largest_chain,
    no_local_model_message,
    parse_parameter_size,
    window_for,
)
from llmdesk.core.model_names import cloud_base_name, is_cloud_name, same_model
from llmdesk.core.types import Message, ModelInfo, Role

GIB = 1024**3


def _model(name: str, size_gib: float | None = None, parameters: float | None = None, **more: object) -> ModelInfo:
    size = None if size_gib is None else int(size_gib * GIB)
    return ModelInfo(name=name, size_bytes=size, parameters=parameters, **more)  # type: ignore[arg-type]


def _names(*models: ModelInfo, fallback: tuple[str, ...] = (), memory_gib: float | None = None) -> list[str]:
    memory = None if memory_gib is None else int(memory_gib * GIB)
    return [model.name for model in largest_chain(models, fallback_models=fallback, memory_bytes=memory)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("7.6B", 7.6e9),
        ("460K", 460e3),
        ("135M", 135e6),
        ("1T", 1e12),
        ("8x7b", 56e9),
        ("30b-a3b", 30e9),
        ("8b-instruct-q4_K_M", 8e9),
        ("latest", None),
        ("", None),
        ("q4_0", None),
        ("v2", None),
    ],
)
def test_sizes_are_read_from_what_servers_print(text: str, count: float | None) -> None:
    assert parse_parameter_size(text) == (None if count is None else pytest.approx(count))


def test_the_largest_is_told_by_parameters_before_bytes() -> None:
    dense = _model("dense:27b-fp16", 54, 27e9)
    packed = _model("packed:70b-q2", 26, 70e9)
    assert _names(dense, packed) == ["packed:70b-q2", "dense:27b-fp16"]


def test_without_a_count_the_tag_then_the_name_then_the_bytes_tell() -> None:
    assert _names(
        _model("unknown:latest", 1),
        _model("gemma:9b"),
        _model("mixtral:8x7b"),
        _model("deepseek-33b:latest"),
        _model("big:latest", 100),
    ) == ["big:latest", "mixtral:8x7b", "deepseek-33b:latest", "gemma:9b", "unknown:latest"]


def test_a_context_length_in_a_tag_is_no_size() -> None:
    assert _names(_model("phi3:mini-128k", 2.2), _model("tiny:1b", 0.7)) == ["phi3:mini-128k", "tiny:1b"]


@pytest.mark.parametrize(
    "model",
    [
        _model("nomic-embed-text:latest"),
        _model("bge-m3:latest"),
        _model("all-minilm:33m"),
        _model("jina-reranker:latest"),
        _model("plain:latest", family="nomic-bert"),
        _model("plain:latest", capabilities=frozenset({"embedding"})),
        _model("picture:12b", capabilities=frozenset({"image"})),
        _model("gpt-oss:120b-cloud"),
        _model("glm-5.1:cloud"),
        _model("GLM:CLOUD"),
        _model("derived:latest", remote=True),
    ],
    ids=lambda model: model.name,
)
def test_what_cannot_chat_here_is_never_the_largest(model: ModelInfo) -> None:
    assert _names(model) == []
    assert _names(model, _model("gemma3:4b"), fallback=(model.name,)) == ["gemma3:4b"]


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        ("gpt-oss:120b-cloud", True),
        ("gpt-oss:120b:cloud", True),
        ("me/thing:cloud", True),
        ("cloud:7b", False),
        ("my-cloud", False),
        ("registry.lan:5000/my-cloud", False),
        ("gpt-oss:120b", False),
    ],
)
def test_cloud_names_are_told_by_their_tag(name: str, cloud: bool) -> None:
    assert is_cloud_name(name) is cloud


def test_an_embedding_capability_beside_chat_does_not_exclude() -> None:
    assert _names(_model("both:8b", capabilities=frozenset({"completion", "embedding"}))) == ["both:8b"]


def test_the_users_own_order_comes_first_as_far_as_pulled() -> None:
    pulled = [_model("a:70b"), _model("b:7b"), _model("c:latest"), _model("d:14b")]
    assert _names(*pulled, fallback=("c", "missing:1b", "b:7b")) == ["c:latest", "b:7b", "a:70b", "d:14b"]


def test_a_model_named_twice_is_tried_once() -> None:
    assert _names(_model("a:latest"), fallback=("a", "a:latest", "A")) == ["a:latest"]


def test_what_exceeds_this_machines_memory_is_passed_over() -> None:
    models = [_model("a:70b", 40), _model("b:27b", 17), _model("c:4b", 3)]
    assert _names(*models, memory_gib=20) == ["b:27b", "c:4b"]
    assert _names(*models) == ["a:70b", "b:27b", "c:4b"]


def test_if_none_fits_the_smallest_stands_alone() -> None:
    assert _names(_model("a:70b", 40), _model("b:27b", 17), memory_gib=8) == ["b:27b"]


def test_an_unknown_size_is_given_a_chance() -> None:
    assert _names(_model("a:70b"), _model("b:27b", 17), memory_gib=8) == ["a:70b"]


def test_nothing_pulled_says_what_to_pull() -> None:
    assert _names() == []
    assert no_local_model_message(["qwen3:8b", "x"]) == "No local model. Run: ollama pull qwen3:8b"
    assert no_local_model_message([]).startswith("No local model. Run: ollama pull gemma3:4b")


@pytest.mark.parametrize(
    ("wanted", "listed", "same"),
    [
        ("x", "x:latest", True),
        ("X:8B", "x:8b", True),
        ("x", "x:8b", False),
        ("host:5000/x", "host:5000/x:latest", True),
        ("me/x", "x", False),
    ],
)
def test_two_names_of_one_model(wanted: str, listed: str, same: bool) -> None:
    assert same_model(wanted, listed) is same


# --- windows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needed", "loaded", "trained", "window"),
    [
        (0, None, None, 8_192),
        (8_192, None, None, 8_192),
        (8_193, None, None, 16_384),
        (130_000, None, None, 131_072),
        (500_000, None, None, 131_072),
        (100, 32_768, None, 32_768),
        (100, 4_096, None, 8_192),
        (40_000, 16_384, 131_072, 65_536),
        (40_000, None, 8_192, 8_192),
        (100, None, 2_048, 2_048),
        (100, 32_768, 16_384, 16_384),
    ],
)
def test_the_smallest_window_that_holds_it(needed: int, loaded: int | None, trained: int | None, window: int) -> None:
    assert window_for(needed, loaded_tokens=loaded, model_tokens=trained) == window


@given(st.integers(0, 131_072), st.integers(0, 131_072))
def test_a_longer_prompt_never_gets_a_smaller_window(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert low <= window_for(low) <= window_for(high)
    assert window_for(low) in WINDOWS


# --- history ------------------------------------------------------------------------------------------------------


def _said(role: Role, content: str) -> Message:
    return Message(role=role, content=content)


SYSTEM = _said(Role.SYSTEM, "Be brief.")


def _turn(number: int, words: int = 100) -> list[Message]:
    return [_said(Role.USER, f"question {number} " + "word " * words), _said(Role.ASSISTANT, f"answer {number}")]


def test_an_unknown_window_gets_everything() -> None:
    messages = [SYSTEM, *_turn(1), *_turn(2)]
    fitted = fit_history(messages, window_tokens=None, output_tokens=100)
    assert fitted.messages == tuple(messages)
    assert fitted.left_out_turns == 0


def test_what_fits_goes_in_the_order_in_which_it_came() -> None:
    messages = [*_turn(1), SYSTEM, *_turn(2), _said(Role.SYSTEM, "Now in French."), _said(Role.USER, "last")]
    assert fit_history(messages, window_tokens=8_192, output_tokens=100).messages == tuple(messages)


def test_the_oldest_whole_turns_are_left_out() -> None:
    turns = [_turn(number) for number in range(10)]
    newest = [_said(Role.USER, "and now?")]
    messages = [SYSTEM, *(message for turn in turns for message in turn), *newest]
    fitted = fit_history(messages, window_tokens=1_000, output_tokens=200)
    left_out = fitted.left_out_turns
    assert 0 < left_out < 10
    assert fitted.messages == (SYSTEM, *(m for turn in turns[left_out:] for m in turn), *newest)
    assert estimate_tokens(fitted.messages) <= 800


def test_a_tool_call_and_its_result_stay_in_their_turn() -> None:
    tool_turn = [
        _said(Role.USER, "weather?"),
        _said(Role.ASSISTANT, ""),
        _said(Role.TOOL, "rain " * 50),
        _said(Role.ASSISTANT, "rain"),
    ]
    fitted = fit_history([*tool_turn, *_turn(2, 20)], window_tokens=120, output_tokens=10)
    assert fitted.messages == tuple(_turn(2, 20))
    assert fitted.left_out_turns == 1


def test_the_system_prompt_and_the_newest_turn_go_even_if_they_are_too_long() -> None:
    newest = _said(Role.USER, "x" * 40_000)
    fitted = fit_history([SYSTEM, *_turn(1), newest], window_tokens=8_192, output_tokens=2_048)
    assert fitted.messages == indispensable([SYSTEM, *_turn(1), newest]) == (SYSTEM, newest)


MESSAGES = st.lists(
    st.builds(Message, role=st.sampled_from(Role), content=st.integers(0, 400).map("w ".__mul__)), max_size=12
)


@given(MESSAGES, st.integers(64, 4_096), st.integers(1, 2_048))
def test_only_whole_turns_from_the_front_are_ever_missing(messages: list[Message], window: int, output: int) -> None:
    fitted = fit_history(messages, window_tokens=window, output_tokens=output)
    talk = [message for message in messages if message.role is not Role.SYSTEM]
    kept = [message for message in fitted.messages if message.role is not Role.SYSTEM]
    assert kept == talk[len(talk) - len(kept) :]
    assert sum(m.role is Role.SYSTEM for m in fitted.messages) == len(messages) - len(talk)
    if fitted.left_out_turns:
        assert kept[0].role is Role.USER
        assert len(kept) < len(talk)
    else:
        assert len(kept) == len(talk)
    if talk:
        assert kept


@given(MESSAGES)
def test_more_room_never_sends_less(messages: list[Message]) -> None:
    sent = [len(fit_history(messages, window_tokens=size, output_tokens=100).messages) for size in (128, 512, 8_192)]
    assert sent == sorted(sent)


def test_wide_characters_and_images_count_for_more() -> None:
    assert estimate_tokens([_said(Role.USER, "漢字" * 50)]) > 2 * estimate_tokens([_said(Role.USER, "ab" * 50)])
    assert estimate_tokens([Message(role=Role.USER, content="", images=(b"png",))]) > 500


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("gpt-oss:120b-cloud", "gpt-oss:120b"),
        ("glm-5.1:cloud", "glm-5.1"),
        ("gpt-oss:120b:Cloud", "gpt-oss:120b"),
        ("gpt-oss:120b", "gpt-oss:120b"),
        ("cloudy:8b", "cloudy:8b"),
    ],
)
def test_a_cloud_model_has_a_plain_name_at_the_cloud_itself(name: str, base: str) -> None:
    assert cloud_base_name(name) == base
