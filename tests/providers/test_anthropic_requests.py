"""What goes over the wire in Anthropic's format: body, headers, path."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType
from typing import Any

import pytest

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import ChatRequest, Message, Params, Role, ToolCall
from llmdesk.providers.anthropic.thinking import ANSWER_TOKENS, generation
from llmdesk.providers.anthropic.wire import body_of
from tests.support.anthropic_answers import MODEL, PATH, answer
from tests.support.anthropic_asking import anthropic_at, asking, events_of
from tests.support.fault_server import FaultServer
from tests.support.wire import CANARY

PNG = b"\x89PNG\r\n\x1a\n0000"
OLD = "2023-06-01"
SAMPLING = {"temperature": 0.2, "top_p": 0.9, "top_k": 40}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}


def body(request: ChatRequest, **more: Any) -> dict[str, Any]:
    found = json.loads(body_of("there", request, **more))
    assert isinstance(found, dict)
    return found


def said(role: Role, content: str = "", **more: Any) -> Message:
    return Message(role=role, content=content, **more)


def talk(*messages: Message, **more: Any) -> ChatRequest:
    return ChatRequest(model="claude-sonnet-5-5", messages=messages, **more)


def text(content: str) -> dict[str, str]:
    return {"type": "text", "text": content}


async def test_a_request_as_it_arrives() -> None:
    async with FaultServer() as server, anthropic_at(server.url, key=CANARY) as provider:
        server.always(PATH, answer("Hello"))
        await events_of(provider, talk(said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi")))
        seen = server.seen()[0]
    assert (seen.method, seen.target) == ("POST", "/v1/messages")
    assert seen.headers["x-api-key"] == CANARY
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert seen.headers["content-type"] == "application/json"
    assert "authorization" not in seen.headers
    assert seen.json == {
        "model": "claude-sonnet-5-5",
        "max_tokens": ANSWER_TOKENS * 2,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "stream": True,
        "system": "Be brief.",
        "thinking": {"type": "adaptive", "display": "summarized"},
    }


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_name_the_version(base: str) -> None:
    async with FaultServer() as server, anthropic_at(server.url + base) as provider:
        server.always(PATH, answer("Hello"))
        await events_of(provider)
        assert server.seen()[0].target == "/v1/messages"


async def test_the_version_of_the_settings_is_told() -> None:
    async with FaultServer() as server, anthropic_at(server.url, options={"api_version": OLD}) as provider:
        server.always(PATH, answer("Hello"))
        await events_of(provider, asking(model="claude-haiku-4-5", params=Params(temperature=0.5)))
        seen = server.seen()[0]
    assert seen.headers["anthropic-version"] == OLD
    assert seen.json["temperature"] == 0.5


# --- messages ---------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_role_are_one_turn_and_empty_ones_none() -> None:
    request = talk(
        said(Role.SYSTEM, "One."), said(Role.USER, "a"), said(Role.USER, "b"), said(Role.ASSISTANT, " "),
        said(Role.SYSTEM, "Two."), said(Role.USER, "c"), said(Role.ASSISTANT, "d"), said(Role.USER, "e"),
    )  # fmt: skip
    made = body(request)
    assert made["system"] == "One.\n\nTwo."
    assert made["messages"] == [
        {"role": "user", "content": [text("a"), text("b"), text("c")]},
        {"role": "assistant", "content": [text("d")]},
        {"role": "user", "content": [text("e")]},
    ]


def test_images_stand_before_the_text_with_their_kind() -> None:
    made = body(talk(said(Role.USER, "What is it?", images=(PNG,))))
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    assert made["messages"][0]["content"] == [{"type": "image", "source": source}, text("What is it?")]


@pytest.mark.parametrize("image", [b"BM000000", b"nothing", b""])
def test_an_image_the_wire_does_not_take_is_refused_here(image: bytes) -> None:
    with pytest.raises(RequestRejected, match="neither PNG") as caught:
        body(talk(said(Role.USER, "?", images=(image,))))
    assert caught.value.target_specific


def test_calls_and_results_find_each_other_with_and_without_ids() -> None:
    request = talk(
        said(Role.USER, "Weather?"),
        said(Role.ASSISTANT, tool_calls=(
            ToolCall(name="weather", arguments={"city": "Rome"}, id="call-9"),
            ToolCall(name="now", arguments={}), ToolCall(name="now", arguments={"zone": "UTC"}))),
        said(Role.TOOL, "12:00", tool_name="now"),
        said(Role.TOOL, "warm", tool_call_id="call-9"),
        said(Role.TOOL, "13:00", tool_name="now"),
    )  # fmt: skip
    _, calls, results = body(request)["messages"]
    assert calls["content"] == [
        {"type": "tool_use", "id": "call-9", "name": "weather", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        {"type": "tool_use", "id": "toolu_3", "name": "now", "input": {"zone": "UTC"}},
    ]
    assert results["role"] == "user"
    assert [(each["tool_use_id"], each["content"]) for each in results["content"]] == [
        ("toolu_2", "12:00"), ("call-9", "warm"), ("toolu_3", "13:00"),
    ]  # fmt: skip


def test_tools_of_the_common_form_are_turned_and_others_left() -> None:
    common = {"type": "function", "function": {"name": "now", "description": "The time."}}
    own = {"type": "web_search_20260209", "name": "web_search"}
    made = body(asking(tools=(common, own)))
    schema = {"type": "object", "properties": {}}
    assert made["tools"] == [{"name": "now", "description": "The time.", "input_schema": schema}, own]


@pytest.mark.parametrize("request_", [talk(), talk(said(Role.SYSTEM, "x")), talk(said(Role.USER, " "))])
def test_nothing_to_ask_is_not_sent(request_: ChatRequest) -> None:
    with pytest.raises(RequestRejected, match="nothing to send"):
        body(request_)


def test_other_routes_are_refused_here() -> None:
    with pytest.raises(RequestRejected, match="only chats") as caught:
        body(asking(endpoint="embed"))
    assert caught.value.target_specific


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "version", "sent"),
    [
        ("claude-haiku-4-5", "2026-10-21", {}),
        ("claude-haiku-4-5", "2027-01-01", {}),
        ("claude-haiku-4-5", OLD, {"temperature": 0.2, "top_k": 40}),
        ("claude-sonnet-4-0", OLD, SAMPLING),
        ("glm-5", OLD, SAMPLING),
        ("claude-opus-4-7", OLD, {}),
        ("claude-sonnet-5-5", OLD, {}),
    ],
)
def test_sampling_is_sent_only_where_version_and_model_take_it(model: str, version: str, sent: object) -> None:
    made = body(asking(model=model, params=Params(**SAMPLING, seed=7)), version=version)
    assert {name: value for name, value in made.items() if name in SAMPLING} == sent
    assert "seed" not in made


ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "effort", "most"),
    [
        ("claude-sonnet-5-5", None, ADAPTIVE, None, 16_384),
        ("claude-sonnet-5-5", "low", ADAPTIVE, "low", 10_240),
        ("claude-opus-5-5", "high", ADAPTIVE, "high", 24_576),
        ("claude-opus-4-6", "medium", ADAPTIVE, "medium", 16_384),
        ("claude-opus-4-8", None, None, None, 8_192),
        ("claude-opus-4-8", "off", None, None, 8_192),
        ("claude-opus-5", "off", {"type": "disabled"}, None, 8_192),
        ("claude-haiku-5-5", "off", {"type": "disabled"}, None, 8_192),
        ("claude-sonnet-5-5", "off", {"type": "between_tools"}, None, 8_192),
        ("claude-opus-5-5", "off", None, "low", 10_240),
        ("claude-fable-5-2", "off", None, "low", 10_240),
        ("claude-mythos-preview", "off", None, "low", 10_240),
        ("claude-haiku-4-5-20251001", "low", {"type": "enabled", "budget_tokens": 2_048}, None, 10_240),
        ("claude-haiku-4-5", "off", None, None, 8_192),
        ("glm-5", "high", {"type": "enabled", "budget_tokens": 16_384}, None, 24_576),
    ],
)
def test_each_generation_is_told_to_think_in_its_own_way(
    model: str, reasoning: Any, thinking: object, effort: str | None, most: int
) -> None:
    made = body(asking(model=model, params=Params(reasoning=reasoning)))
    assert made.get("thinking") == thinking
    assert made.get("output_config", {}).get("effort") == effort
    assert made["max_tokens"] == most


@pytest.mark.parametrize(("most", "budget"), [(1_000, None), (2_047, None), (4_096, 2_048), (100_000, 16_384)])
def test_a_budget_stays_within_what_the_user_allows(most: int, budget: int | None) -> None:
    params = Params(reasoning="high", max_output_tokens=most, temperature=0.5)
    made = body(asking(model="claude-haiku-4-5", params=params), version=OLD)
    assert made["max_tokens"] == most
    assert made.get("thinking", {}).get("budget_tokens") == budget
    assert ("temperature" in made) is (budget is None)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("claude-sonnet-5-5", (5, 5)), ("claude-opus-5", (5, 0)), ("claude-haiku-4-5-20251001", (4, 5)),
        ("claude-sonnet-4-20250514", (4, 0)), ("claude-3-7-sonnet-20250219", (3, 7)),
        ("anthropic/claude-opus-4.8", (4, 8)), ("claude-mythos-preview", (4, 7)), ("glm-5", None), ("claude", None),
    ],
)  # fmt: skip
def test_the_generation_is_read_from_the_name(name: str, found: object) -> None:
    assert generation(name) == found


def test_a_budget_is_not_asked_for_between_a_call_and_its_answer() -> None:
    call = said(Role.ASSISTANT, tool_calls=(ToolCall(name="now", arguments={}),))
    talk_ = (said(Role.USER, "?"), call, said(Role.TOOL, "12:00", tool_name="now"))
    for model, thinks in (("claude-haiku-4-5", False), ("claude-opus-4-6", True)):
        request = ChatRequest(model=model, messages=talk_, params=Params(reasoning="high"))
        assert ("thinking" in body(request)) is thinks


def test_stops_without_a_visible_character_are_left_out() -> None:
    assert body(asking(params=Params(stop=("\n", "END"))))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in body(asking(params=Params(stop=("\n\n",))))


def test_extra_fields_go_into_the_body_and_leave_the_request_alone() -> None:
    params = Params(reasoning="low", stop=("END",), extra={"service_tier": "auto", "model": "x"})
    extra = {"metadata": {"user_id": "u"}, "output_config": {"effort": "max"}, "stream": False, "system": None}
    made = body(talk(said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi"), params=params, extra=extra))
    assert made["service_tier"] == "auto"
    assert made["metadata"] == {"user_id": "u"}
    assert made["output_config"] == {"effort": "max"}
    assert made["stop_sequences"] == ["END"]
    assert made["model"] == "claude-sonnet-5-5"
    assert made["stream"] is True
    assert "system" not in made


def test_a_parameter_that_is_no_json_is_refused_here() -> None:
    with pytest.raises(RequestRejected, match="no JSON value"):
        body(asking(extra={"metadata": float("nan")}))


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_a_schema_within_the_subset_goes_into_its_field() -> None:
    made = body(asking(format=MappingProxyType(SCHEMA), params=Params(reasoning="high")))
    assert made["output_config"] == {
        "effort": "high",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": '{"minimum": 1}'}},
                "required": ["a"],
                "additionalProperties": False,
            },
        },
    }
    assert "system" not in made


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        ("claude-sonnet-5-5", {"type": "object", "additionalProperties": {"type": "string"}}),
        ("claude-sonnet-5-5", {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}),
        ("claude-sonnet-4-0", SCHEMA),
    ],
)
def test_any_other_schema_is_told_in_words(model: str, schema: dict[str, object]) -> None:
    made = body(asking(model=model, format=schema))
    assert "output_config" not in made
    assert json.dumps(schema, separators=(",", ":")) in made["system"]


def test_plain_json_is_asked_for_in_words() -> None:
    made = body(talk(said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi"), format="json"))
    assert made["system"].startswith("Be brief.\n\nAnswer with one JSON object")


async def test_wishes_that_cannot_be_sent_are_told_with_the_answer() -> None:
    params = Params(temperature=0.2, seed=7, max_output_tokens=50)
    async with FaultServer() as server:
        server.always("/v1/messages", answer("Hello"))
        async with anthropic_at(server.url) as there, anthropic_at(server.url, options={"api_version": OLD}) as older:
            new = await events_of(there, asking(params=params))
            old = await events_of(older, asking(model="claude-haiku-4-5", params=params))
    assert new[-1].notes == (f"there/{MODEL} takes no temperature, no seed: left out.",)
    assert old[-1].notes == ("there/claude-haiku-4-5 takes no seed: left out.",)
