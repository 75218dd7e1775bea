"""The simulated servers as the ``ollama`` package sees them: every answer must parse as the real one's would."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import ollama
import pytest

from llmdesk.demo.catalogue import CLOUD_MODELS, LOCAL_MODELS
from llmdesk.demo.ollama_sim import OllamaSim
from llmdesk.demo.scene import Scene
from llmdesk.demo.server import HttpServer
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "demo-key"
HELLO = [{"role": "user", "content": "hello"}]


@contextlib.asynccontextmanager
async def _client(sim: OllamaSim, **headers: str) -> AsyncIterator[ollama.AsyncClient]:
    async with HttpServer(sim) as server:
        client = ollama.AsyncClient(host=server.url, headers=headers, trust_env=False, timeout=PATIENCE_S)
        try:
            yield client
        finally:
            await client._client.aclose()


@pytest.fixture
async def local() -> AsyncIterator[ollama.AsyncClient]:
    async with _client(OllamaSim(LOCAL_MODELS)) as client:
        yield client


async def test_chat_and_generate_stream(local: ollama.AsyncClient) -> None:
    chunks = [chunk async for chunk in await local.chat("demo-large:27b", HELLO, stream=True)]
    assert chunks[-1].done
    assert chunks[-1].eval_count == len(chunks) - 1
    assert "DEMO" in "".join(chunk.message.content or "" for chunk in chunks)
    whole = await local.generate("demo-small:4b", "show me a table")
    assert "| moment |" in str(whole.response)
    assert whole.done_reason == "stop"


async def test_list_show_and_ps(local: ollama.AsyncClient) -> None:
    listed = await local.list()
    assert {str(model.model) for model in listed.models} >= {"demo-large:27b", "demo-embed:latest"}
    assert all(model.modified_at is not None for model in listed.models)
    shown = await local.show("demo-large:27b")
    assert shown.capabilities == ["completion", "vision", "tools"]
    await local.chat("demo-large:27b", HELLO, options={"num_ctx": 8192})
    (running,) = (await local.ps()).models
    assert (running.model, running.context_length) == ("demo-large:27b", 8192)
    assert running.expires_at is not None


async def test_pull_create_copy_delete_and_embed(local: ollama.AsyncClient) -> None:
    progress = [step async for step in await local.pull("demo-medium:9b", stream=True)]
    assert progress[-1].status == "success"
    assert any(step.completed for step in progress)
    made = [step async for step in await local.create("demo-pirate", from_="demo-medium:9b", system="Arr", stream=True)]
    assert made[-1].status == "success"
    assert (await local.copy("demo-pirate", "demo-other")).status == "success"
    assert (await local.delete("demo-other")).status == "success"
    assert len((await local.embed("demo-embed", ["a", "b"])).embeddings) == 2
    await local.copy("demo-pirate", "demo/pirate")
    pushed = [step async for step in await local.push("demo/pirate", stream=True)]
    assert (pushed[-1].status, pushed[-3].completed) == ("success", pushed[-3].total)
    for name, refused in (("demo-pirate", "access denied"), ("demo/nope", "not found")):
        with pytest.raises(ollama.ResponseError, match=refused):
            async for _ in await local.push(name, stream=True):
                pass
    with pytest.raises(ollama.ResponseError, match="does not exist"):
        async for _ in await local.pull("gemma3:4b", stream=True):
            pass


async def test_the_cloud_answers_with_its_key_and_refuses_as_scripted() -> None:
    sim = OllamaSim(CLOUD_MODELS, key=KEY, scene=Scene())
    async with _client(sim, Authorization=f"Bearer {KEY}") as cloud:
        answer = await cloud.chat("demo-cloud:120b", HELLO)
        assert answer.message.thinking
        with pytest.raises(ollama.ResponseError, match="hourly usage limit") as refused:
            await cloud.chat("demo-cloud:120b", HELLO)
        assert refused.value.status_code == 429
        with pytest.raises(ollama.ResponseError, match="overloaded") as busy:
            await cloud.chat("demo-cloud:120b", [{"role": "user", "content": "overload"}])
        assert busy.value.status_code == 503
        assert (await cloud.chat("demo-cloud:120b", HELLO)).done


async def test_the_cloud_without_its_key_says_unauthorized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    async with _client(OllamaSim(CLOUD_MODELS, key=KEY)) as cloud:
        with pytest.raises(ollama.ResponseError, match="unauthorized") as refused:
            await cloud.chat("demo-cloud:120b", HELLO)
    assert refused.value.status_code == 401
