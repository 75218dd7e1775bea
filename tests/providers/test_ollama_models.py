"""Models: lists, health, and what is kept through the package."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest

from llmdesk.core.errors import AnswerCut, ErrorKind, KeyRejected, ModelGone, ProviderError
from llmdesk.core.types import Params
from llmdesk.providers.base import Caps, PullProgress, RunningModel, Timeouts
from tests.support.fault_server import (
    FaultServer,
    Mark,
    Play,
    error,
    json_answer,
    loaded,
    model_entry,
    no_answer,
    page,
    plain,
    progress,
    ps,
    stream,
    tags,
    until,
)
from tests.support.ollama_asking import asking, events_of, ollama_at
from tests.support.slowness import allowed

PULLING = {"status": "pulling aa", "digest": "sha256:aa", "total": 100, "completed": 40}


# --- lists ------------------------------------------------------------------------------------------------------------


async def test_models_are_listed_with_size_window_and_abilities() -> None:
    entry = model_entry("gemma3:27b", size=17_000_000_000, parameters="27.4B", context=131_072,
                        capabilities=["completion", "vision"])  # fmt: skip
    running = [loaded("gemma3:27b", context=16_384)]
    async with FaultServer(models=[entry], running=running) as server, ollama_at(server.url) as provider:
        (model,) = await provider.list_models()
    assert model.name == "gemma3:27b"
    assert model.size_bytes == 17_000_000_000
    assert model.parameters == 27.4e9
    assert model.context_tokens == 131_072
    assert model.loaded_context_tokens == 16_384
    assert model.capabilities == {"completion", "vision"}
    assert not model.remote


async def test_stubs_of_cloud_models_are_marked() -> None:
    models = [model_entry("mine", remote=True), model_entry("glm-5.1:cloud"), model_entry("gpt-oss:120b-cloud")]
    async with FaultServer(models=[*models, model_entry("gemma3:4b")]) as server, ollama_at(server.url) as provider:
        assert [model.remote for model in await provider.list_models()] == [True, True, True, False]


async def test_older_servers_leave_out_windows_and_abilities() -> None:
    old = model_entry("phi:latest", parameters="", context=None, capabilities=None)
    async with FaultServer(models=[old]) as server, ollama_at(server.url) as provider:
        (model,) = await provider.list_models()
    assert (model.parameters, model.context_tokens, model.capabilities) == (None, None, frozenset())


@pytest.mark.parametrize(
    "play", [error(500, "boom"), plain(404, "404 page not found"), page(), json_answer({"models": "x"}), ps()]
)
async def test_a_server_that_does_not_say_what_is_loaded_still_lists(play: Play) -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.always("/api/ps", play)
        (model,) = await provider.list_models()
        assert model.loaded_context_tokens is None


async def test_a_list_with_odd_entries_keeps_the_sound_ones() -> None:
    odd: list[Any] = [{"name": 3}, {}, {"name": "a", "size": -1, "details": "x", "capabilities": "y"}]
    async with FaultServer(models=[*odd, model_entry("b")]) as server, ollama_at(server.url) as provider:
        assert [model.name for model in await provider.list_models()] == ["a", "b"]


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (json_answer({"models": None}), ErrorKind.TRUNCATED),
        (json_answer([1]), ErrorKind.TRUNCATED),
        (Play(body=(b'{"models":[',), framing="length"), ErrorKind.TRUNCATED),
        (Play(framing="length"), ErrorKind.TRUNCATED),
        (page(), ErrorKind.CAPTIVE),
        (page(511), ErrorKind.CAPTIVE),
        (error(401, "unauthorized"), ErrorKind.AUTH),
        (error(503, "overloaded"), ErrorKind.SERVER),
        (error(429, "slow down"), ErrorKind.RATE),
        (plain(404, "404 page not found"), ErrorKind.CONFIG),
        (no_answer(), ErrorKind.SILENT),
        (Play(body=(Mark.HOLD,)), ErrorKind.SILENT),
    ],
)
async def test_a_list_that_fails_has_its_class(play: Play, kind: ErrorKind) -> None:
    limits = Timeouts(first_token_s=0.3) if kind is ErrorKind.SILENT else Timeouts()
    async with FaultServer() as server:
        server.always("/api/tags", play)
        async with ollama_at(server.url, timeouts=limits) as provider:
            with pytest.raises(ProviderError) as caught:
                await provider.list_models()
    assert caught.value.kind is kind


async def test_show_gives_all_but_the_tensors() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        shown = await provider.show_model("gemma3:4b")
        assert shown["template"] == "{{ .Prompt }}"
        assert "tensors" not in shown
        assert server.seen()[0].json == {"model": "gemma3:4b"}
        server.play("/api/show", error(404, "model 'nope:latest' not found"))
        with pytest.raises(ModelGone, match="ollama pull nope"):
            await provider.show_model("nope")


async def test_running_models_tell_what_is_on_the_graphics_card() -> None:
    entry = {**loaded("a", context=4096, size=1000), "size_vram": 0}
    async with FaultServer(running=[entry]) as server, ollama_at(server.url) as provider:
        assert await provider.running_models() == (
            RunningModel(
                name="a", size_bytes=1000, vram_bytes=0, context_tokens=4096, expires_at="2026-11-20T12:05:00Z"
            ),
        )


async def test_a_listed_model_that_cannot_reason_is_not_asked_to() -> None:
    models = [model_entry("plain", capabilities=["completion"]), model_entry("deep", capabilities=["thinking"])]
    async with FaultServer(models=models) as server, ollama_at(server.url) as provider:
        await provider.list_models()
        for name in ("plain", "deep", "unlisted"):
            await events_of(provider, asking(model=name, params=Params(reasoning="high")))
        assert [seen.json.get("think") for seen in server.seen("/api/chat")] == [None, True, True]


# --- health -----------------------------------------------------------------------------------------------------------


async def test_check_without_a_key_asks_for_the_version() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        found = await provider.check()
        assert (found.models, found.key_tried) == (1, False)
        assert found.latency_ms is not None
        assert server.count("/api/version") == 1
        assert not server.count("/api/chat") + server.count("/api/me")


async def test_check_with_a_key_tries_it() -> None:
    async with FaultServer() as server, ollama_at(server.url, key="sk-canary-0123456789") as provider:
        assert (await provider.check()).key_tried
        assert server.seen("/api/me")[0].method == "POST"
        server.play("/api/me", error(401, "unauthorized"))
        with pytest.raises(KeyRejected, match="Check its API key"):
            await provider.check()
        server.play("/api/me", plain(404, "404 page not found"))
        found = await provider.check()
        assert (found.key_tried, found.models) == (False, 1)
        assert not server.count("/api/chat")


async def test_a_key_that_only_the_account_route_does_not_know_is_tried_where_keys_count() -> None:
    async with FaultServer() as server, ollama_at(server.url, key="sk-canary-0123456789") as provider:
        server.always("/api/me", error(401, "unauthorized"))
        server.play("/api/usage", json_answer({"limits": {}}))
        assert (await provider.check()).key_tried
        server.play("/api/usage", error(401, "unauthorized"))
        with pytest.raises(KeyRejected):
            await provider.check()


async def test_an_account_service_that_is_down_is_not_a_rejected_key() -> None:
    async with FaultServer() as server, ollama_at(server.url, key="sk-canary-0123456789") as provider:
        server.play("/api/me", error(503, "account unavailable"))
        with pytest.raises(ProviderError) as caught:
            await provider.check()
    assert caught.value.kind is ErrorKind.SERVER


# --- the package ------------------------------------------------------------------------------------------------------


async def test_pull_tells_how_far_it_is() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/pull", progress({"status": "pulling manifest"}, PULLING, {"status": "success"}))
        steps = [step async for step in provider.pull_model("gemma3:4b")]
        assert server.seen()[0].json["model"] == "gemma3:4b"
    assert steps[1] == PullProgress(status="pulling aa", digest="sha256:aa", total=100, completed=40)
    assert steps[-1].status == "success"


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (progress(PULLING, {"error": "pull model manifest: file does not exist"}), ErrorKind.GONE),
        (progress(PULLING, {"error": "max retries exceeded"}), ErrorKind.SERVER),
        (progress(PULLING), ErrorKind.TRUNCATED),
        (stream([PULLING], tail=(b"\n\n",)), ErrorKind.TRUNCATED),
        (stream([PULLING], tail=(b"<html>",)), ErrorKind.TRUNCATED),
        (stream([PULLING], tail=(b"[1]\n",)), ErrorKind.TRUNCATED),
        (stream([PULLING], tail=(b'{"status":"x","total":"many"}\n',)), ErrorKind.TRUNCATED),
        (stream([PULLING], end=Mark.RST), ErrorKind.NET),
        (stream([PULLING], end=Mark.HOLD), ErrorKind.NET),
        (error(500, "boom"), ErrorKind.SERVER),
        (error(400, "invalid model name"), ErrorKind.REQUEST),
        (error(401, "unauthorized"), ErrorKind.AUTH),
        (error(500, body=b'"a string"'), ErrorKind.SERVER),
        (error(500, body=b"[1, 2]"), ErrorKind.SERVER),
        (page(502), ErrorKind.SERVER),
        (page(511), ErrorKind.CAPTIVE),
        (page(200), ErrorKind.TRUNCATED),
        (Play(raw=(Mark.FIN,)), ErrorKind.NET),
    ],
)
async def test_a_pull_that_fails_has_its_class(play: Play, kind: ErrorKind) -> None:
    async with FaultServer() as server:
        server.play("/api/pull", play)
        async with ollama_at(server.url, timeouts=Timeouts(content_s=1.0)) as provider:
            with pytest.raises(ProviderError) as caught:
                async for _ in provider.pull_model("gemma3:4b"):
                    pass
    assert caught.value.kind is kind, caught.value
    assert caught.value.message.startswith("local: ")
    assert caught.value.__cause__ is None


async def test_push_tells_how_far_it_is() -> None:
    pushing = {**PULLING, "status": "pushing aa"}
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/push", progress({"status": "retrieving manifest"}, pushing, {"status": "success"}))
        steps = [step async for step in provider.push_model("ada/gemma3:4b")]
        assert server.seen("/api/push")[0].json["model"] == "ada/gemma3:4b"
    assert steps[1] == PullProgress(status="pushing aa", digest="sha256:aa", total=100, completed=40)
    assert steps[-1].status == "success"


@pytest.mark.parametrize(
    ("play", "kind", "says"),
    [
        (progress(PULLING, {"error": "unauthorized: access denied"}), ErrorKind.AUTH, "under a name of yours"),
        (progress(PULLING, {"error": '403: {"errors":[{"code":"ACCESS DENIED", "message":"access denied"}]}'}),
         ErrorKind.AUTH, "under a name of yours"),
        (progress(PULLING, {"error": "max retries exceeded"}), ErrorKind.SERVER, "max retries exceeded"),
        (progress(PULLING), ErrorKind.TRUNCATED, "the push ended before it was complete"),
        (stream([PULLING], tail=(b"<html>",)), ErrorKind.TRUNCATED, "damaged"),
        (stream([PULLING], end=Mark.RST), ErrorKind.NET, "local: "),
        (error(401, "unauthorized"), ErrorKind.AUTH, "ollama signin"),
        (error(404, "model 'ada/nope' not found"), ErrorKind.GONE, "not available"),
    ],
)  # fmt: skip
async def test_a_push_that_fails_has_its_class(play: Play, kind: ErrorKind, says: str) -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/push", play)
        with pytest.raises(ProviderError, match=says) as caught:
            async for _ in provider.push_model("ada/gemma3:4b"):
                pass
    assert caught.value.kind is kind, caught.value


async def test_leaving_a_push_stops_it() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/push", stream([PULLING], end=Mark.HOLD))
        async with aclosing(provider.push_model("ada/gemma3:4b")) as steps:
            async for _ in steps:
                break
        await until(lambda: not server.open_connections)


async def test_leaving_a_pull_stops_it_at_once() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/pull", stream([PULLING], end=Mark.HOLD))
        async with aclosing(provider.pull_model("gemma3:4b")) as steps:
            async for _ in steps:
                break
        left = time.monotonic()
        await until(lambda: not server.open_connections)
        assert time.monotonic() - left < allowed(0.5)


async def test_cancelling_a_pull_passes() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/pull", no_answer())
        task = asyncio.ensure_future(anext(provider.pull_model("gemma3:4b")))
        await until(lambda: server.count("/api/pull"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not server.open_connections)


async def test_create_sends_base_system_and_parameters() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        made = provider.create_model("mine", base="gemma3:4b", system="Be kind.", parameters={"temperature": 0.1})
        assert [step.status async for step in made][-1] == "success"
        sent = server.seen()[0].json
        assert (sent["model"], sent["from"], sent["system"]) == ("mine", "gemma3:4b", "Be kind.")
        assert sent["parameters"] == {"temperature": 0.1}


async def test_copy_and_delete_name_what_is_missing() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        await provider.copy_model("gemma3:4b", "mine")
        assert server.seen()[-1].json == {"source": "gemma3:4b", "destination": "mine"}
        await provider.delete_model("mine")
        assert (server.seen()[-1].method, server.seen()[-1].json) == ("DELETE", {"model": "mine"})
        server.play("/api/delete", error(404, "model 'mine' not found"))
        with pytest.raises(ModelGone, match="mine"):
            await provider.delete_model("mine")
        server.play("/api/copy", error(404, 'model "x" not found'))
        with pytest.raises(ModelGone, match="x"):
            await provider.copy_model("x", "y")


async def test_a_list_that_is_not_finished_is_not_a_list() -> None:
    whole = b"".join(step for step in tags(["a"]).body if isinstance(step, bytes))  # type: ignore[union-attr]
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/tags", Play(body=(whole[:-5],), framing="length", length=len(whole)))
        with pytest.raises(AnswerCut):
            await provider.list_models()


async def test_a_list_larger_than_its_cap_is_refused() -> None:
    models = [model_entry(f"model-{number}") for number in range(20)]
    async with FaultServer(models=models) as server, ollama_at(server.url, caps=Caps(answer=2_000)) as provider:
        with pytest.raises(AnswerCut, match="larger than 2 000 bytes"):
            await provider.list_models()
