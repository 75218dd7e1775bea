"""``num_ctx`` goes to models that run where the server runs, and to no other, whoever asked for it (policy R15b)."""

from __future__ import annotations

from typing import Any

import pytest

from llmdesk.core.types import Params
from tests.support.fault_server import FaultServer, model_entry
from tests.support.ollama_asking import asking, events_of, ollama_at

WISHES: dict[str, dict[str, Any]] = {
    "parameter": {"params": Params(context_tokens=4_096)},
    "extra parameter": {"params": Params(extra={"num_ctx": 4_096})},
    "options among the parameters": {"params": Params(extra={"options": {"num_ctx": 4_096}})},
    "options of the caller": {"extra": {"options": {"num_ctx": 4_096}}},
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize(
    ("model", "key"),
    [("gpt-oss:120b", "key-of-a-service"), ("gpt-oss:120b-cloud", None), ("glm-5.1:CLOUD", None), ("mine", None)],
    ids=["service with a key", "cloud tag", "tag cloud", "made from a cloud model"],
)
async def test_hosted_models_are_sent_no_window(wish: dict[str, Any], model: str, key: str | None) -> None:
    derived = model_entry("mine:latest") | {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"}
    async with FaultServer(models=[derived]) as server, ollama_at(server.url, key=key) as provider:
        await provider.list_models()
        await events_of(provider, asking(model=model, **wish))
        (seen,) = server.seen("/api/chat")
    assert "num_ctx" not in seen.json.get("options", {})


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
async def test_models_of_this_machine_are_sent_the_window(wish: dict[str, Any]) -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        await provider.list_models()
        await events_of(provider, asking(**wish))
        (seen,) = server.seen("/api/chat")
    assert seen.json["options"]["num_ctx"] == 4_096
