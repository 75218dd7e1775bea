"""What goes to an OpenAI-compatible endpoint: bodies, addresses, headers."""

from __future__ import annotations

import base64
import json
import types
from importlib.resources import files
from typing import Any

import pytest
from ruamel.yaml import YAML

from llmdesk.core.errors import RequestRejected
from llmdesk.core.types import ChatRequest, Message, Params, Role, ToolCall
from llmdesk.providers.openai.dialects import DIALECTS, PLAIN, dialect_of
from llmdesk.providers.openai.wire import body_of
from tests.support.fault_server import FaultServer
from tests.support.openai_answers import MODEL, answer
from tests.support.openai_asking import asking, events_of, openai_at

PNG = b"\x89PNG\r\n\x1a\n rest"
JPEG = b"\xff\xd8\xff\xe0 rest"
GIF = b"GIF89a rest"
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}


def body(request: ChatRequest, preset: str = "") -> dict[str, Any]:
    return json.loads(body_of("there", request, dialect_of({"preset": preset})))


def chat(*messages: Message, model: str = MODEL, **more: Any) -> ChatRequest:
    return ChatRequest(model=model, messages=messages or (Message(role=Role.USER, content="hi"),), **more)


def asked(preset: str = "", model: str = MODEL, **params: Any) -> dict[str, Any]:
    """The fields that parameters become."""
    sent = body(chat(model=model, params=Params(**params)), preset)
    return {k: v for k, v in sent.items() if k not in ("model", "messages", "stream", "stream_options")}


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert body(chat()) == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_parameters_have_their_names_and_what_this_wire_lacks_is_left_out() -> None:
    assert asked(temperature=0.0, top_p=0.9, top_k=40, seed=0, stop=("END",), max_output_tokens=100,
                 context_tokens=8192, keep_alive="10m") == {
        "temperature": 0.0, "top_p": 0.9, "seed": 0, "stop": ["END"], "max_tokens": 100,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "limit", "seed", "top_k", "usage"),
    [
        ("", "max_tokens", "seed", False, True),
        ("openai", "max_completion_tokens", "seed", False, True),
        ("github-models", "max_tokens", "seed", False, True),
        ("openrouter", "max_tokens", "seed", True, True),
        ("groq", "max_completion_tokens", "seed", False, True),
        ("mistral", "max_tokens", "random_seed", False, False),
        ("deepseek", "max_tokens", "seed", False, True),
        ("lmstudio", "max_tokens", "seed", True, True),
        ("vllm", "max_tokens", "seed", True, True),
        ("llamacpp", "max_tokens", "seed", True, True),
        ("no such preset", "max_tokens", "seed", False, True),
    ],
)
def test_fields_differ_by_dialect(preset: str, limit: str, seed: str, top_k: bool, usage: bool) -> None:
    sent = asked(preset, max_output_tokens=9, seed=7, top_k=3)
    assert sent == {limit: 9, seed: 7, **({"top_k": 3} if top_k else {})}
    assert ("stream_options" in body(chat(), preset)) is usage


OFF = "off"


@pytest.mark.parametrize(
    ("preset", "model", "level", "fields"),
    [
        ("", "any", "high", {"reasoning_effort": "high"}),
        ("", "any", OFF, {"reasoning_effort": "none"}),
        ("openai", "gpt-5.4-mini", OFF, {"reasoning_effort": "none"}),
        ("openai", "gpt-5-mini", OFF, {"reasoning_effort": "minimal"}),
        ("openai", "o4-mini", OFF, {"reasoning_effort": "low"}),
        ("openai", "o4-mini", "medium", {"reasoning_effort": "medium"}),
        ("openai", "gpt-5.3-chat-latest", OFF, {}),
        ("openai", "gpt-4.1", "high", {}),
        ("openai", "gpt-4.1", OFF, {}),
        ("github-models", "openai/gpt-5", OFF, {"reasoning_effort": "minimal"}),
        ("openrouter", "x/y", "low", {"reasoning": {"effort": "low"}}),
        ("openrouter", "x/y", OFF, {"reasoning": {"enabled": False}}),
        ("groq", "openai/gpt-oss-20b", OFF, {"reasoning_effort": "low"}),
        ("groq", "openai/gpt-oss-20b", "high", {"reasoning_effort": "high"}),
        ("groq", "qwen/qwen3-32b", OFF, {"reasoning_effort": "none", "reasoning_format": "parsed"}),
        ("groq", "qwen/qwen3-32b", "low", {"reasoning_effort": "default", "reasoning_format": "parsed"}),
        ("groq", "llama-3.3-70b-versatile", OFF, {}),
        ("mistral", "mistral-small-latest", "low", {"reasoning_effort": "high"}),
        ("mistral", "mistral-small-latest", OFF, {"reasoning_effort": "none"}),
        ("mistral", "mistral-large-4-0", "low", {"reasoning_effort": "low"}),
        ("mistral", "magistral-small-2509", OFF, {}),
        ("mistral", "codestral-latest", "high", {}),
        ("xai", "grok-4.3", OFF, {"reasoning_effort": "none"}),
        ("xai", "grok-3-mini", "medium", {"reasoning_effort": "low"}),
        ("xai", "grok-4-1-fast-reasoning", "high", {}),
        ("deepseek", "deepseek-v4-flash", OFF, {"thinking": {"type": "disabled"}}),
        ("deepseek", "deepseek-v4-flash", "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
        ("vllm", "Qwen/Qwen3-8B", OFF, {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
        ("vllm", "openai/gpt-oss-20b", OFF, {"reasoning_effort": "low"}),
        ("llamacpp", "qwen3", OFF, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("llamacpp", "qwen3", "high", {"chat_template_kwargs": {"enable_thinking": True}}),
        ("llamacpp", "gpt-oss-20b", "high", {"chat_template_kwargs": {"reasoning_effort": "high"}}),
        ("lmstudio", "any", "low", {"reasoning_effort": "low"}),
    ],
)
def test_reasoning_has_its_own_words_everywhere(preset: str, model: str, level: Any, fields: dict[str, object]) -> None:
    assert asked(preset, model, reasoning=level) == fields


async def test_what_had_to_be_left_out_is_told_with_the_answer() -> None:
    async with FaultServer() as server, openai_at(server.url, preset="openai") as there:
        server.always("/v1/chat/completions", answer("Hello"))
        quiet = await events_of(there, asking(params=Params(temperature=0.1, reasoning="high")))
        told = await events_of(there, asking(model="gpt-4.1", params=Params(top_k=3, reasoning="high")))
    assert quiet[-1].notes == ()
    assert told[-1].notes == ("there/gpt-4.1 takes no top_k, no reasoning: left out.",)


def test_every_preset_that_ships_has_a_dialect() -> None:
    shipped = YAML(typ="safe").load((files("llmdesk.config") / "defaults.yaml").read_text())["presets"]
    assert set(shipped) <= set(DIALECTS)


# --- the form of the answer -------------------------------------------------------------------------------------------


def form(preset: str, given: Any, model: str = MODEL) -> Any:
    return body(chat(model=model, format=given), preset).get("response_format")


def schema_form(schema: Any, *, strict: bool, name: str = "answer") -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}


def test_a_schema_is_strict_only_within_the_strict_subset() -> None:
    assert form("openai", CLOSED) == schema_form(CLOSED, strict=True)
    assert form("openai", OPEN) == schema_form(OPEN, strict=False)
    assert form("github-models", CLOSED) == schema_form(CLOSED, strict=True)
    assert form("groq", CLOSED, "openai/gpt-oss-20b") == schema_form(CLOSED, strict=True)
    assert form("groq", CLOSED, "llama-4") == schema_form(CLOSED, strict=False)


def test_a_schema_is_named_by_its_title() -> None:
    titled = {**OPEN, "title": "A poem, größer/" + "x" * 80}
    name = form("", titled)["json_schema"]["name"]
    assert name.startswith("A_poem__gr__er_xx")
    assert len(name) == 64
    assert form("", {**OPEN, "title": "☃"})["json_schema"]["name"] == "answer"


def test_json_of_any_shape_and_endpoints_without_schemas() -> None:
    assert form("", "json") == {"type": "json_object"}
    assert form("deepseek", CLOSED) == {"type": "json_object"}
    assert form("lmstudio", "json") == schema_form({"type": "object"}, strict=False)
    assert form("", None) is None


def test_a_schema_may_be_any_mapping() -> None:
    frozen = types.MappingProxyType({**OPEN, "properties": types.MappingProxyType({"a": {"type": "string"}})})
    assert form("", frozen) == schema_form(OPEN, strict=False)


# --- extra ------------------------------------------------------------------------------------------------------------


def test_extra_fields_go_into_the_body_as_they_are() -> None:
    request = chat(params=Params(temperature=0.2, extra={"min_p": 0.1, "top_logprobs": 3, "temperature": 0.9}),
                   extra={"top_logprobs": 5, "provider": {"order": ["a"]}})  # fmt: skip
    sent = body(request)
    assert (sent["min_p"], sent["top_logprobs"], sent["temperature"]) == (0.1, 5, 0.9)
    assert sent["provider"] == {"order": ["a"]}


def test_extra_cannot_replace_the_request_itself() -> None:
    assert body(chat(extra={"model": "other", "messages": [], "stream": False})) == body(chat())


def test_stream_options_are_merged_and_none_takes_a_field_out() -> None:
    assert body(chat(extra={"stream_options": {"include_obfuscation": False}}))["stream_options"] == {
        "include_usage": True, "include_obfuscation": False,
    }  # fmt: skip
    assert "stream_options" not in body(chat(params=Params(extra={"stream_options": None})))


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}, b"x"])
def test_what_is_no_json_is_said_before_anything_is_sent(value: object) -> None:
    with pytest.raises(RequestRejected, match="no JSON value"):
        body(chat(params=Params(extra={"x": value})))


def test_lone_surrogates_are_replaced() -> None:
    assert body(chat(Message(role=Role.USER, content="a\ud800b")))["messages"][0]["content"] == "a\ufffdb"


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "kind"), [(PNG, "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp")], ids=["png", "jpeg", "gif", "webp"]
)
def test_images_are_data_urls_beside_the_text(image: bytes, kind: str) -> None:
    sent = body(chat(Message(role=Role.USER, content="Look", images=(image,))))
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{base64.b64encode(image).decode()}"}},
    ]


def test_an_image_alone_needs_no_text() -> None:
    sent = body(chat(Message(role=Role.USER, content="", images=(PNG, GIF))))
    assert [part["type"] for part in sent["messages"][0]["content"]] == ["image_url", "image_url"]


@pytest.mark.parametrize("image", [b"", b"BM bitmap", b"RIFF\x00\x00\x00\x00WAVE", b"<svg/>"])
def test_other_images_are_refused_here(image: bytes) -> None:
    with pytest.raises(RequestRejected, match="PNG") as caught:
        body(chat(Message(role=Role.USER, content="", images=(image,))))
    assert caught.value.target_specific


CALL = ToolCall(name="weather", arguments={"place": "Zürich"}, id="call_a")


def test_tool_calls_and_their_results() -> None:
    sent = body(chat(
        Message(role=Role.SYSTEM, content="Be brief."),
        Message(role=Role.USER, content="Weather?"),
        Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,), thinking="Let me look."),
        Message(role=Role.TOOL, content="sunny", tool_name="weather", tool_call_id="call_a"),
    ), "openai")["messages"]  # fmt: skip
    assert sent == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{
            "id": "call_a", "type": "function",
            "function": {"name": "weather", "arguments": '{"place": "Zürich"}'}}]},
        {"role": "tool", "tool_call_id": "call_a", "content": "sunny"},
    ]  # fmt: skip


def test_reasoning_goes_back_with_a_call_where_the_endpoint_wants_it() -> None:
    call = Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,), thinking="Let me look.")
    said = Message(role=Role.ASSISTANT, content="Hi", thinking="Hm.")
    sent = body(chat(call, said), "deepseek")["messages"]
    assert sent[0]["reasoning_content"] == "Let me look."
    assert "reasoning_content" not in sent[1]


def test_calls_without_ids_get_some_and_so_do_their_results() -> None:
    bare = ToolCall(name="f", arguments={})
    sent = body(chat(
        Message(role=Role.ASSISTANT, content="x", tool_calls=(bare, bare)),
        Message(role=Role.TOOL, content="1"), Message(role=Role.TOOL, content="2"),
        Message(role=Role.ASSISTANT, content="y", tool_calls=(bare,)), Message(role=Role.TOOL, content="3"),
    ))["messages"]  # fmt: skip
    given = [call["id"] for message in sent for call in message.get("tool_calls", [])]
    assert given == ["call00000", "call00001", "call00002"]
    assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == given


def test_tools_go_as_they_are() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": OPEN, "strict": True}}
    assert body(chat(tools=(tool,)))["tools"] == [tool]


def test_there_has_to_be_something_to_send() -> None:
    with pytest.raises(RequestRejected, match="nothing to send"):
        body_of("there", ChatRequest(model="m", messages=()), PLAIN)


@pytest.mark.parametrize("route", ["generate", "embed"])
def test_other_routes_are_not_for_this_kind(route: Any) -> None:
    with pytest.raises(RequestRejected, match="only chats") as caught:
        body(chat(endpoint=route))
    assert caught.value.target_specific


# --- on the wire ------------------------------------------------------------------------------------------------------

GITHUB_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2026-03-10"}


@pytest.mark.parametrize("base", ["/inference", "/orgs/acme/inference", "/inference/"])
async def test_github_models_is_asked_at_both_addresses_with_its_three_headers(base: str) -> None:
    path = f"{base.rstrip('/')}/chat/completions"
    settings = {"key": "ghp_0123456789abcdef", "headers": GITHUB_HEADERS, "options": {"organization": "acme"}}
    async with FaultServer() as server, openai_at(server.url, base=base, preset="github-models", **settings) as there:
        server.play(path, answer("Hello"))
        await events_of(there)
        (seen,) = server.seen()
    assert (seen.method, seen.path) == ("POST", path)
    assert seen.headers["authorization"] == "Bearer ghp_0123456789abcdef"
    assert seen.headers["accept"] == "application/vnd.github+json"
    assert seen.headers["x-github-api-version"] == "2026-03-10"
    assert "openai-organization" not in seen.headers


@pytest.mark.parametrize(("preset", "named"), [("openai", "acme"), ("groq", None), ("", None)])
async def test_the_organization_is_named_to_openai_itself_only(preset: str, named: str | None) -> None:
    async with FaultServer() as server, openai_at(
        server.url, preset=preset, options={"organization": "acme"}, key="sk-canary"
    ) as there:  # fmt: skip
        server.play("/v1/chat/completions", answer("Hello"))
        await events_of(there)
        (seen,) = server.seen()
    assert seen.headers.get("openai-organization") == named
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.json["stream"] is True


async def test_without_a_key_none_is_sent() -> None:
    async with FaultServer() as server, openai_at(server.url) as there:
        server.play("/v1/chat/completions", answer("Hello"))
        await events_of(there, asking())
        assert "authorization" not in server.seen()[0].headers
