"""Lists of models and health checks of OpenAI-compatible endpoints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import AnswerCut, ErrorKind, KeyRejected, ProviderError, SetupBroken
from llmdesk.core.types import ModelInfo
from llmdesk.providers.model_list import MOST_MODELS
from llmdesk.providers.openai.models import listed
from tests.support.fault_server import FaultServer, Play, error, json_answer, page
from tests.support.openai_answers import models, refused
from tests.support.openai_asking import openai_at

if TYPE_CHECKING:
    from llmdesk.providers.base import Check

KEY = "sk-canary-0123456789"
CREATED = "2026-09-21T14:13:20+00:00"


def one(**entry: object) -> ModelInfo:
    (found,) = listed("there", {"data": [{"id": "m", **entry}]})
    return found


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"object": "model", "created": 1_790_000_000, "owned_by": "openai"}, ModelInfo(name="m", modified_at=CREATED)),
        ({"context_length": 131_072}, ModelInfo(name="m", context_tokens=131_072)),
        ({"context_window": 8_192}, ModelInfo(name="m", context_tokens=8_192)),
        ({"max_model_len": 32_768}, ModelInfo(name="m", context_tokens=32_768)),
        ({"max_context_length": 4_096}, ModelInfo(name="m", context_tokens=4_096)),
        ({"meta": {"n_ctx_train": 2_048}}, ModelInfo(name="m", context_tokens=2_048)),
        ({"context_length": None, "max_model_len": 0}, ModelInfo(name="m")),
        ({"type": "vlm", "quantization": "4bit", "loaded_context_length": 4_096},
         ModelInfo(name="m", capabilities=frozenset({"completion", "vision"}), quantization="4bit",
                   loaded_context_tokens=4_096)),
        ({"type": "embeddings"}, ModelInfo(name="m", capabilities=frozenset({"embedding"}))),
        ({"capabilities": {"completion_chat": True, "vision": True, "function_calling": False}},
         ModelInfo(name="m", capabilities=frozenset({"completion", "vision"}))),
        ({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
          "supported_parameters": ["tools", "reasoning"]},
         ModelInfo(name="m", capabilities=frozenset({"completion", "vision", "tools", "thinking"}))),
        ({"capabilities": ["x"], "architecture": 7, "created": 1e99, "meta": [], "type": 7, "quantization": {}},
         ModelInfo(name="m")),
        ({"created": 9_007_199_254_740_991}, ModelInfo(name="m")),
    ],
)  # fmt: skip
def test_what_each_kind_of_server_tells_of_a_model(entry: dict[str, object], expected: ModelInfo) -> None:
    assert one(**entry) == expected


def test_a_bare_list_is_a_list_and_what_has_no_name_is_left_out() -> None:
    found = listed("there", [{"id": "a"}, {"id": ""}, {"id": 7}, 3, {"name": "x"}, {"id": "b"}])
    assert [model.name for model in found] == ["a", "b"]


@pytest.mark.parametrize("answer", [None, {}, {"data": {}}, 7, "x"])
def test_anything_else_is_damage(answer: object) -> None:
    with pytest.raises(AnswerCut, match="lists no models"):
        listed("there", answer)


def test_names_are_one_harmless_line_and_lists_end() -> None:
    (found,) = listed("there", [{"id": "a\x1b[31m\n" + "x" * 5_000}])
    assert "\x1b" not in found.name
    assert len(found.name) <= 300
    assert len(listed("there", [{"id": str(number)} for number in range(MOST_MODELS + 5)])) == MOST_MODELS


async def test_the_list_is_asked_for_with_the_key() -> None:
    async with FaultServer() as server, openai_at(server.url, key=KEY) as there:
        server.play("/v1/models", models({"id": "a"}, {"id": "b"}))
        assert [model.name for model in await there.list_models()] == ["a", "b"]
        (seen,) = server.seen()
    assert (seen.method, seen.headers["authorization"]) == ("GET", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (refused(401, f"Incorrect API key provided: {KEY}", code="invalid_api_key"), ErrorKind.AUTH),
        (refused(500, "boom"), ErrorKind.SERVER),
        (page(), ErrorKind.CAPTIVE),
        (error(410, "GitHub Models was retired"), ErrorKind.GONE),
        (Play(body=(b'{"data":[',), framing="length"), ErrorKind.TRUNCATED),
        (Play(body=(b"[" * 100_000,), framing="length"), ErrorKind.TRUNCATED),
    ],
)
async def test_a_list_that_does_not_come_says_why(play: Play, kind: ErrorKind) -> None:
    async with FaultServer() as server, openai_at(server.url, key=KEY) as there:
        server.play("/v1/models", play)
        with pytest.raises(ProviderError) as caught:
            await there.list_models()
    assert caught.value.kind is kind
    assert KEY not in caught.value.message + caught.value.details


# --- checks -----------------------------------------------------------------------------------------------------------


async def checked(server: FaultServer, **settings: object) -> Check:
    async with openai_at(server.url, **settings) as there:  # type: ignore[arg-type]
        return await there.check()


async def test_a_preset_that_lists_to_keys_only_is_asked_once() -> None:
    async with FaultServer() as server:
        server.play("/v1/models", models({"id": "a"}))
        found = await checked(server, preset="openai", key=KEY)
        assert server.count() == 1
    assert (found.key_tried, found.models, found.message) == (True, 1, "")


async def test_openrouter_is_asked_about_the_key_itself() -> None:
    async with FaultServer() as server:
        server.always("/v1/key", json_answer({"data": {"label": "sk-or-v1-…", "usage": 0}}))
        server.always("/v1/models", models({"id": "a"}, {"id": "b"}))
        found = await checked(server, preset="openrouter", key=KEY)
        assert [seen.path for seen in server.seen()] == ["/v1/key", "/v1/models"]
        server.play("/v1/key", refused(401, "No auth credentials found"))
        with pytest.raises(KeyRejected):
            await checked(server, preset="openrouter", key=KEY)
    assert (found.key_tried, found.models) == (True, 2)


@pytest.mark.parametrize(
    ("keyless", "tried"), [(refused(401, "no"), True), (error(403, "no"), True), (models(), False), (page(500), False)]
)
async def test_elsewhere_the_same_is_asked_without_the_key(keyless: Play, tried: bool) -> None:
    async with FaultServer() as server:
        server.play("/v1/models", models({"id": "a"}), keyless)
        found = await checked(server, key=KEY)
        first, second = server.seen("/v1/models")
    assert (found.key_tried, found.models, found.message) == (tried, 1, "")
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in second.headers
    assert not any(KEY in value for value in second.headers.values())


async def test_a_list_that_is_public_says_nothing_about_the_key() -> None:
    async with FaultServer() as server:
        server.play("/v1/models", models({"id": "a"}))
        found = await checked(server, preset="llamacpp", key=KEY)
        assert server.count() == 1
    assert (found.key_tried, found.message) == (False, "")


async def test_without_a_key_the_list_is_all() -> None:
    async with FaultServer() as server:
        server.play("/v1/models", models({"id": "a"}))
        found = await checked(server)
        assert server.count() == 1
    assert (found.key_tried, found.models, found.message) == (False, 1, "")


NOT_FOUND = json_answer({"detail": "Not Found"}, 404)


async def test_an_endpoint_that_lists_nothing_is_no_failure_if_it_knows_how_to_chat() -> None:
    async with FaultServer() as server:
        server.always("/v1/models", NOT_FOUND)
        server.always("/v1/chat/completions", json_answer({"error": {"message": "model is required"}}, 400))
        found = await checked(server, key=KEY)
    assert (found.key_tried, found.models, found.message) == (False, None, "")


async def test_an_address_without_a_list_and_without_a_chat_is_wrong() -> None:
    async with FaultServer() as server:
        server.always("/v1/models", NOT_FOUND)
        server.always("/v1/chat/completions", NOT_FOUND)
        with pytest.raises(SetupBroken, match="Check base_url"):
            await checked(server, key=KEY)


async def test_a_key_that_only_the_chat_refuses_is_refused() -> None:
    async with FaultServer() as server:
        server.always("/v1/models", NOT_FOUND)
        server.always("/v1/chat/completions", json_answer({"error": {"message": "bad key"}}, 401))
        with pytest.raises(KeyRejected):
            await checked(server, key=KEY)


async def test_a_rejected_key_is_a_failure_of_the_check() -> None:
    async with FaultServer() as server:
        server.always("/v1/models", refused(401, "bad key", code="invalid_api_key"))
        with pytest.raises(KeyRejected, match=r"\$THE_KEY"):
            await checked(server, preset="groq", key=KEY, key_source="$THE_KEY")


async def test_the_retired_service_says_so_on_every_way() -> None:
    gone = Play(status=410, body=(b"Gone",), framing="length")
    async with FaultServer() as server:
        server.always("/v1/models", gone)
        with pytest.raises(ProviderError, match="retired on 30 July 2026") as caught:
            await checked(server, preset="github-models", key=KEY)
    assert caught.value.kind is ErrorKind.GONE
    assert len(caught.value.message) <= 200
    assert json.dumps(caught.value.details) == '"Gone"'
