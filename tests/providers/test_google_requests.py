"""What goes over the wire in Gemini's format: body, headers, path; models and checks."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.errors import AnswerCut, KeyRejected, RequestRejected
from llmdesk.core.types import ChatRequest, Message, Params, Role, ToolCall
from llmdesk.providers.google.wire import body_of, generation
from tests.support.fault_server import FaultServer, json_answer, page, plain
from tests.support.google_answers import MODEL, PATH, answer, models, reason, refusal
from tests.support.google_asking import asking, events_of, google_at
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from tests.support.plays import Play

PNG = b"\x89PNG\r\n\x1a\n0000"
MODELS = "/v1beta/models"
FOREIGN = "skip_thought_signature_validator"
SHOWN = {"includeThoughts": True}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]}


def body(request: ChatRequest) -> dict[str, Any]:
    found = json.loads(body_of("there", request))
    assert isinstance(found, dict)
    return found


def said(role: Role, content: str = "", **more: Any) -> Message:
    return Message(role=role, content=content, **more)


def talk(*messages: Message, model: str = MODEL, **more: Any) -> ChatRequest:
    return ChatRequest(model=model, messages=messages, **more)


async def test_a_request_as_it_arrives() -> None:
    params = Params(
        temperature=0.2, top_p=0.9, top_k=40, seed=7, stop=("END",), max_output_tokens=100, reasoning="low",
        keep_alive=5, context_tokens=9,
    )  # fmt: skip
    request = talk(said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi"), params=params)
    async with FaultServer() as server, google_at(server.url, key=CANARY) as provider:
        server.always(PATH, answer("Hello"))
        await events_of(provider, request)
        seen = server.seen()[0]
    assert (seen.method, seen.target) == ("POST", f"{PATH}?alt=sse")
    assert seen.headers["x-goog-api-key"] == CANARY
    assert "authorization" not in seen.headers
    assert seen.json == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.2, "topP": 0.9, "topK": 40, "seed": 7, "stopSequences": ["END"], "maxOutputTokens": 100,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("base", "root"), [("", "/v1beta"), ("/v1beta", "/v1beta"), ("/v1beta/", "/v1beta"), ("/v1", "/v1")]
)
async def test_the_base_url_may_name_the_version(base: str, root: str) -> None:
    async with FaultServer() as server, google_at(server.url + base) as provider:
        server.always(PATH.replace("/v1beta", root), answer("Hello"))
        await events_of(provider)
        assert server.seen()[0].target == f"{root}/models/{MODEL}:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("models/gemini-3.8-flash", "models/gemini-3.8-flash"),
        ("tunedModels/my-own", "tunedModels/my-own"),
        ("../v1/x?key=1#y", "models/..%2Fv1%2Fx%3Fkey%3D1%23y"),
        ("ä", "models/%C3%A4"),
    ],
)
async def test_the_name_of_a_model_stays_in_its_place(model: str, place: str) -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        path = f"/v1beta/{place}:streamGenerateContent"
        server.always(path, answer("Hello"))
        await events_of(provider, asking(model=model))
        assert server.count(path) == 1


# --- contents ---------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_role_are_one_content_and_empty_ones_none() -> None:
    made = body(talk(
        said(Role.SYSTEM, "One."), said(Role.USER, "a"), said(Role.USER, "b", images=(PNG,)),
        said(Role.ASSISTANT, " "), said(Role.SYSTEM, "Two."), said(Role.ASSISTANT, "c"), said(Role.USER, "d"),
    ))  # fmt: skip
    image = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    assert made["systemInstruction"] == {"parts": [{"text": "One.\n\nTwo."}]}
    assert made["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, image, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}]},
        {"role": "user", "parts": [{"text": "d"}]},
    ]


def test_calls_carry_a_signature_where_the_model_wants_one() -> None:
    calls = (ToolCall(name="weather", arguments={"city": "Rome"}, id="c1"), ToolCall(name="now", arguments={}))
    messages = (
        said(Role.USER, "?"),
        said(Role.ASSISTANT, tool_calls=calls),
        said(Role.TOOL, '{"sky": "blue"}', tool_call_id="c1"),
        said(Role.TOOL, "12:00", tool_name="now"),
    )
    new, old = (body(talk(*messages, model=model))["contents"] for model in (MODEL, "gemini-2.5-flash"))
    first = {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}}}
    second = {"functionCall": {"name": "now", "args": {}}}
    assert new[1]["parts"] == [{**first, "thoughtSignature": FOREIGN}, second]
    assert old[1]["parts"] == [first, second]
    assert new[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "c1", "name": "weather", "response": {"sky": "blue"}}},
            {"functionResponse": {"name": "now", "response": {"result": "12:00"}}},
        ],
    }


def test_tools_of_the_common_form_are_turned_and_others_left() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    common = {"type": "function", "function": {"name": "weather", "description": "The sky.", "parameters": schema}}
    own = {"googleSearch": {}}
    declared = {"name": "weather", "description": "The sky.", "parametersJsonSchema": schema}
    assert body(asking(tools=(common, own)))["tools"] == [{"functionDeclarations": [declared]}, own]


@pytest.mark.parametrize("image", [b"GIF89a00", b"BM000000", b"nothing"])
def test_an_image_the_wire_does_not_take_is_refused_here(image: bytes) -> None:
    with pytest.raises(RequestRejected, match="neither PNG") as caught:
        body(talk(said(Role.USER, "?", images=(image,))))
    assert caught.value.target_specific


@pytest.mark.parametrize("request_", [talk(), talk(said(Role.SYSTEM, "x")), talk(said(Role.USER, " "))])
def test_nothing_to_ask_is_not_sent(request_: ChatRequest) -> None:
    with pytest.raises(RequestRejected, match="nothing to send"):
        body(request_)


def test_other_routes_and_impossible_values_are_refused_here() -> None:
    with pytest.raises(RequestRejected, match="only chats"):
        body(asking(endpoint="generate"))
    with pytest.raises(RequestRejected, match="no JSON value"):
        body(asking(params=Params(temperature=float("inf"))))


def test_a_model_without_a_place_for_instructions_reads_them_first() -> None:
    made = body(talk(said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi"), model="gemma-3-27b-it"))
    assert "systemInstruction" not in made
    assert [content["parts"][0]["text"] for content in made["contents"]] == ["Be brief.", "Hi"]


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "reasoning", "sent"),
    [
        (MODEL, None, {"includeThoughts": True}),
        ("gemini-3-pro-image", None, None),
        ("gemini-2.5-flash-preview-tts", None, None),
        (MODEL, "off", {"includeThoughts": False, "thinkingLevel": "LOW"}),
        (MODEL, "medium", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        ("gemini-pro-latest", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash", "off", {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-pro", "off", {"includeThoughts": False, "thinkingBudget": 128}),
        ("gemini-2.5-pro", "low", {"includeThoughts": True, "thinkingBudget": 1_024}),
        ("gemini-2.0-flash", "high", None),
        ("gemma-3-27b-it", "high", None),
    ],
)
def test_each_generation_is_told_to_think_in_its_own_way(model: str, reasoning: Any, sent: object) -> None:
    made = body(asking(model=model, params=Params(reasoning=reasoning)))
    assert made.get("generationConfig", {}).get("thinkingConfig") == sent


@pytest.mark.parametrize(
    ("name", "found"),
    [("gemini-3.8-flash", (3, 8)), ("models/gemini-2.5-pro", (2, 5)), ("gemini-4-hydrogen", (4, 0)),
     ("gemini-flash-latest", (99, 0)), ("gemma-3-27b-it", None), ("tunedModels/x", None)],
)  # fmt: skip
def test_the_generation_is_read_from_the_name(name: str, found: object) -> None:
    assert generation(name) == found


def test_extra_fields_go_where_they_belong_and_leave_the_request_alone() -> None:
    params = Params(temperature=0.5, extra={"presencePenalty": 1, "safetySettings": [], "contents": "x"})
    extra = {"generationConfig": {"temperature": 1, "topP": None}, "labels": {"a": "b"}, "contents": [], "moon": 1}
    made = body(asking(params=params, extra=extra))
    assert made["generationConfig"] == {"presencePenalty": 1, "temperature": 1, "thinkingConfig": SHOWN}
    assert (made["safetySettings"], made["labels"], made["moon"]) == ([], {"a": "b"}, 1)
    assert made["contents"] == [{"role": "user", "parts": [{"text": "Say hello."}]}]


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_a_schema_goes_into_its_field() -> None:
    made = body(asking(format=SCHEMA))
    assert made["generationConfig"] == {
        "thinkingConfig": SHOWN,
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "properties": {"a": {"type": "string", "description": '{"maxLength": 3}'}},
            "required": ["a"],
        },
    }
    assert "systemInstruction" not in made


@pytest.mark.parametrize(
    ("model", "schema", "tools", "mime"),
    [
        (MODEL, {"type": "object", "patternProperties": {"^a": {"type": "string"}}}, (), "application/json"),
        ("gemini-2.0-flash", SCHEMA, (), "application/json"),
        ("gemini-2.5-flash", SCHEMA, ({"googleSearch": {}},), None),
        ("gemma-4-31b-it", SCHEMA, (), None),
    ],
)
def test_any_other_schema_is_told_in_words(
    model: str, schema: dict[str, object], tools: tuple[dict[str, object], ...], mime: str | None
) -> None:
    made = body(asking(model=model, format=schema, tools=tools))
    made.get("generationConfig", {}).pop("thinkingConfig", None)
    assert made.get("generationConfig", {}) == ({} if mime is None else {"responseMimeType": mime})
    assert json.dumps(schema, separators=(",", ":")) in made["systemInstruction"]["parts"][0]["text"]


def test_plain_json_has_a_field() -> None:
    made = body(asking(format="json"))
    assert made["generationConfig"] == {"responseMimeType": "application/json", "thinkingConfig": SHOWN}
    assert "systemInstruction" not in made


# --- models and health ------------------------------------------------------------------------------------------------


async def test_models_that_answer_are_listed_page_by_page() -> None:
    first = {
        "models": [
            {"name": "models/gemini-pro-latest", "inputTokenLimit": 2_097_152,
             "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
            {"name": "tunedModels/mine"}, {"displayName": "?"}, 7,
        ],
        "nextPageToken": "a b&c",
    }  # fmt: skip
    async with FaultServer() as server, google_at(server.url, key=CANARY) as provider:
        server.play(MODELS, json_answer(first), models("gemini-3.8-flash"))
        found = await provider.list_models()
        targets = [seen.target for seen in server.seen(MODELS)]
        assert all(seen.headers["x-goog-api-key"] == CANARY for seen in server.seen(MODELS))
    assert targets == ["/v1beta/models?pageSize=1000", "/v1beta/models?pageSize=1000&pageToken=a%20b%26c"]
    assert [(model.name, model.context_tokens) for model in found] == [
        ("gemini-pro-latest", 2_097_152), ("tunedModels/mine", None), ("gemini-3.8-flash", 1_048_576),
    ]  # fmt: skip


async def test_a_list_that_never_ends_is_left() -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        server.always(MODELS, json_answer({"nextPageToken": "same"}))
        assert await provider.list_models() == ()
        assert server.count(MODELS) == 2


@pytest.mark.parametrize("play", [json_answer([1]), json_answer({"models": 1}), plain(200, "")])
async def test_a_damaged_list_is_said_to_be_one(play: Play) -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        server.always(MODELS, play)
        with pytest.raises(AnswerCut, match="there: "):
            await provider.list_models()


async def test_a_check_tries_the_key_and_asks_no_model() -> None:
    async with FaultServer() as server, google_at(server.url, key=CANARY) as provider:
        server.always(MODELS, models("a", "b"))
        found = await provider.check()
        assert server.count() == 1
    assert (found.models, found.key_tried, found.message) == (2, True, "")


async def test_a_gateway_without_a_list_has_not_tried_the_key() -> None:
    async with FaultServer() as server, google_at(server.url, key=CANARY) as provider:
        server.always(MODELS, page(404))
        found = await provider.check()
    assert (found.models, found.key_tried) == (None, False)
    assert found.message == "it lists no models"


async def test_a_refused_key_fails_the_check() -> None:
    settings = {"key": CANARY, "key_source": "$THE_KEY"}
    async with FaultServer() as server, google_at(server.url, **settings) as provider:
        text = f"API key not valid: {CANARY}. Please pass a valid API key."
        server.always(MODELS, refusal(400, "INVALID_ARGUMENT", text, reason("API_KEY_INVALID")))
        with pytest.raises(KeyRejected, match=r"\$THE_KEY") as caught:
            await provider.check()
    assert CANARY not in caught.value.message + caught.value.details + repr(caught.value)


async def test_a_missing_key_is_asked_for() -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        server.always(MODELS, refusal(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."))
        with pytest.raises(KeyRejected) as caught:
            await provider.check()
    assert caught.value.scope == "provider"


async def test_reasoning_that_a_model_does_not_know_is_told_with_the_answer() -> None:
    async with FaultServer() as server, google_at(server.url) as provider:
        server.always("/v1beta/models/gemini-2.0-flash:streamGenerateContent", answer("Hello"))
        server.always(PATH, answer("Hello"))
        old = await events_of(provider, asking(model="gemini-2.0-flash", params=Params(reasoning="high", seed=7)))
        new = await events_of(provider, asking(params=Params(reasoning="high", seed=7)))
    assert old[-1].notes == ("there/gemini-2.0-flash takes no reasoning: left out.",)
    assert new[-1].notes == ()
