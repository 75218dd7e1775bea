"""The scripted server itself: what it plays and what it writes down can be relied on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ProviderError
from tests.support.fault_server import FaultServer, chat_answer, error, model_entry
from tests.support.ollama_asking import asking, events_of, ollama_at, text_of
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from tests.support.fault_server import Seen


async def test_plays_come_in_order_and_then_the_healthy_answer() -> None:
    async with FaultServer(reply="healthy") as server, ollama_at(server.url) as provider:
        server.play("/api/chat", error(503, "no"), chat_answer("second"))
        with pytest.raises(ProviderError):
            await events_of(provider)
        assert text_of(await events_of(provider)) == "second"
        assert text_of(await events_of(provider)) == "healthy"
        server.always("/api/chat", chat_answer("sticky"))
        assert [text_of(await events_of(provider)) for _ in range(2)] == ["sticky", "sticky"]
        assert server.count("/api/chat") == 5
        server.forget()
        assert server.count() == 0


async def test_a_request_is_written_down_before_it_is_answered() -> None:
    noticed: list[Seen] = []
    async with FaultServer(on_request=noticed.append) as server, ollama_at(server.url) as provider:
        await events_of(provider, asking("What is seen?"))
    (seen,) = noticed
    assert (seen.method, seen.path) == ("POST", "/api/chat")
    assert seen.json["messages"][0]["content"] == "What is seen?"
    assert seen.headers["content-type"] == "application/json"
    assert seen.at > 0
    assert seen.played


async def test_an_assertion_in_the_callback_fails_the_test() -> None:
    def refuse(_: Seen) -> None:
        raise AssertionError("the state file is not there yet")

    server = await FaultServer(on_request=refuse).__aenter__()
    async with ollama_at(server.url) as provider:
        with pytest.raises(ProviderError):
            await events_of(provider)
    with pytest.raises(AssertionError, match="state file"):
        await server.__aexit__()


def test_in_a_thread_it_serves_clients_that_block() -> None:
    with FaultServer.in_thread(models=[model_entry("a"), model_entry("b")]) as server:
        server.play("/api/version", error(503, "not yet"))
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(server.url + "/api/version", timeout=PATIENCE_S)
        assert json.load(caught.value) == {"error": "not yet"}
        with urllib.request.urlopen(server.url + "/api/tags", timeout=PATIENCE_S) as reply:
            assert [model["name"] for model in json.load(reply)["models"]] == ["a", "b"]
        assert server.count() == 2


def test_in_a_thread_an_assertion_in_the_callback_fails_the_test_too() -> None:
    def refuse(_: Seen) -> None:
        raise AssertionError("asked too early")

    with (
        pytest.raises(AssertionError, match="asked too early"),
        FaultServer.in_thread(on_request=refuse) as server,
        pytest.raises(OSError),
    ):
        urllib.request.urlopen(server.url, timeout=PATIENCE_S)
