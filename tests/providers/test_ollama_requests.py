"""What goes over the wire: bodies of chat, generate and embed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import ChatRequest, Message, Params, Role, ToolCall
from llmdesk.providers.ollama.wire import body_of, think_value


def body(request: ChatRequest, **more: Any) -> dict[str, Any]:
    return json.loads(body_of("local", request, **more))


def chat(*messages: Message, model: str = "gemma3:4b", **more: Any) -> ChatRequest:
    return ChatRequest(model=model, messages=messages or (Message(role=Role.USER, content="hi"),), **more)


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert body(chat()) == {
        "model": "gemma3:4b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }


def test_parameters_become_options() -> None:
    params = Params(
        temperature=0.2, top_p=0.9, top_k=40, seed=7, stop=("END",), max_output_tokens=100, context_tokens=8192,
        keep_alive="10m", extra={"min_p": 0.05, "truncate": False},
    )  # fmt: skip
    sent = body(chat(params=params))
    assert sent["options"] == {
        "temperature": 0.2, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ["END"], "num_predict": 100,
        "num_ctx": 8192, "min_p": 0.05,
    }  # fmt: skip
    assert sent["keep_alive"] == "10m"
    assert sent["truncate"] is False


def test_the_window_is_sent_only_when_it_is_chosen() -> None:
    assert "options" not in body(chat(params=Params()))


def test_zero_is_a_value() -> None:
    sent = body(chat(params=Params(temperature=0.0, seed=0, keep_alive=0)))
    assert sent["options"] == {"temperature": 0.0, "seed": 0}
    assert sent["keep_alive"] == 0


def test_extra_fields_go_into_the_body_as_they_are_and_options_are_merged() -> None:
    request = chat(
        params=Params(temperature=0.2, extra={"options": {"num_gpu": 1, "top_k": 3}}),
        extra={"logprobs": True, "new_field": [1], "options": {"top_k": 5}},
    )
    sent = body(request)
    assert sent["logprobs"] is True
    assert sent["new_field"] == [1]
    assert sent["options"] == {"temperature": 0.2, "num_gpu": 1, "top_k": 5}


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
def test_extra_cannot_replace_the_request_itself(name: str) -> None:
    assert body(chat(extra={name: "other"})) == body(chat())


@pytest.mark.parametrize(
    ("model", "reasoning", "think"),
    [
        ("qwen3:8b", None, None),
        ("qwen3:8b", "off", False),
        ("qwen3:8b", "low", True),
        ("qwen3:8b", "high", True),
        ("gpt-oss:120b", None, None),
        ("gpt-oss:120b", "off", "low"),
        ("gpt-oss:120b-cloud", "medium", "medium"),
        ("me/GPT-OSS:20b", "high", "high"),
    ],
)
def test_reasoning_becomes_what_the_model_knows(model: str, reasoning: Any, think: object) -> None:
    assert think_value(model, reasoning) == think
    sent = body(chat(model=model, params=Params(reasoning=reasoning)))
    assert sent.get("think") == think


def test_a_model_known_not_to_reason_is_not_asked_to() -> None:
    high, off = chat(params=Params(reasoning="high")), chat(params=Params(reasoning="off"))
    assert "think" not in body(high, can_think=False)
    assert body(off, can_think=False)["think"] is False
    assert body(high, can_think=True)["think"] is True


def test_format_and_tools_pass_untouched() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/x", "minimum": 3}}, "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}
    sent = body(chat(format=schema, tools=(tool,)))
    assert sent["format"] == schema
    assert sent["tools"] == [tool]
    assert body(chat(format="json"))["format"] == "json"


def test_messages_keep_images_thinking_and_tool_calls() -> None:
    sent = body(
        chat(
            Message(role=Role.SYSTEM, content="Be kind."),
            Message(role=Role.USER, content="What is it?", images=(b"\x89PNG\0",)),
            Message(
                role=Role.ASSISTANT,
                content="",
                thinking="I look it up.",
                tool_calls=(
                    ToolCall(name="search", arguments={"q": "x"}, id="call_1"),
                    ToolCall(name="t", arguments={}),
                ),
            ),
            Message(role=Role.TOOL, content="42", tool_name="search", tool_call_id="call_1"),
        )
    )
    assert sent["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "What is it?", "images": [base64.b64encode(b"\x89PNG\0").decode()]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "I look it up.",
            "tool_calls": [
                {"id": "call_1", "function": {"name": "search", "arguments": {"q": "x"}}},
                {"function": {"name": "t", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "42", "tool_name": "search", "tool_call_id": "call_1"},
    ]


def test_a_path_in_a_prompt_is_text_and_never_read() -> None:
    assert body(chat(Message(role=Role.USER, content="/etc/hostname")))["messages"][0] == {
        "role": "user",
        "content": "/etc/hostname",
    }


def test_generate_sends_the_last_user_message_and_the_system_text() -> None:
    request = chat(
        Message(role=Role.SYSTEM, content="Be brief."),
        Message(role=Role.USER, content="first"),
        Message(role=Role.ASSISTANT, content="answer"),
        Message(role=Role.USER, content="second", images=(b"i",)),
        endpoint="generate",
        extra={"suffix": "}", "raw": True},
    )
    assert body(request) == {
        "model": "gemma3:4b", "prompt": "second", "system": "Be brief.", "images": ["aQ=="],
        "stream": True, "suffix": "}", "raw": True,
    }  # fmt: skip


def test_embed_sends_its_input_and_no_stream() -> None:
    request = ChatRequest(
        model="embeddinggemma",
        messages=(),
        endpoint="embed",
        params=Params(keep_alive=60.0, context_tokens=2048),
        extra={"input": ["a", "b"], "dimensions": 128},
    )
    assert body(request) == {
        "model": "embeddinggemma", "input": ["a", "b"], "dimensions": 128, "keep_alive": 60.0,
        "options": {"num_ctx": 2048},
    }  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest(model="m", messages=()),
        ChatRequest(model="m", messages=(), endpoint="generate"),
        ChatRequest(model="m", messages=(Message(role=Role.USER, content=""),), endpoint="generate"),
        ChatRequest(model="m", messages=(), endpoint="embed"),
    ],
)
def test_a_request_that_would_only_load_the_model_is_not_sent(request_: ChatRequest) -> None:
    with pytest.raises(RequestRejected):
        body_of("local", request_)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_value_that_is_no_json_is_refused_before_sending(value: object) -> None:
    with pytest.raises(RequestRejected, match="local: "):
        body_of("local", chat(params=Params(extra={"min_p": value})))


def test_lone_surrogates_are_replaced_and_everything_else_is_kept() -> None:
    sent = body(chat(Message(role=Role.USER, content="a\ud800b \0 \r\n\u2028 ☃ \U0001f9a9"), extra={"x": "\udfff"}))
    assert sent["messages"][0]["content"] == "a\ufffdb \0 \r\n\u2028 ☃ \U0001f9a9"
    assert sent["x"] == "\ufffd"
