"""Programs under a hard budget: what they ask is limited and booked, what is blocked raises the documented error."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk import LLMUnavailableError, OllamaClient, load_config
from tests.support.fault_server import FaultServer, embeddings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = "canary-key-0123456789"
HELLO = [{"role": "user", "content": "Hello"}]
CONFIG = """\
version: 1
providers:
  cloud: {{kind: ollama, base_url: "{url}", api_key: "{key}", default_model: "gpt-oss:120b", billing: metered}}
  local: null
lanes:
  chat: {{targets: ["cloud/gpt-oss:120b"]}}
  codegen: null
  repair: null
  critic: null
  planner: null
  clarifier: null
  reviewer: null
models:
  cloud/gpt-oss:120b: {{price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 2}}}}
  cloud/nomic-embed-text: {{price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 0}}}}
budgets:
  - {{scope: day, limit_usd: {limit}, kind: hard}}
"""


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OLLAMA_API_KEY", "OLLAMA_HOST", "LLMDESK_CONFIG", "LLMDESK_NETWORK", "LLMDESK_RECORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path / "home"))


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply="The cloud says hello.") as server:
        yield server


def client_with(cloud: FaultServer, tmp_path: Path, limit: str) -> OllamaClient:
    file = tmp_path / "llmdesk.yaml"
    file.touch(0o600)
    file.write_text(CONFIG.format(url=cloud.url, key=KEY, limit=limit))
    return OllamaClient(load_config(file), home=tmp_path / "home")


def attempts(tmp_path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(tmp_path / "home" / "data" / "llmdesk.db")
    try:
        assert connection.execute("SELECT count(*) FROM reservations").fetchone() == (0,)
        return connection.execute(
            "SELECT outcome, input_tokens, output_tokens, cost_nano_usd FROM attempts ORDER BY id"
        ).fetchall()
    finally:
        connection.close()


async def test_a_hard_budget_raises_its_message_and_nothing_waits(cloud: FaultServer, tmp_path: Path) -> None:
    async with client_with(cloud, tmp_path, "0.0001") as client:
        with pytest.raises(LLMUnavailableError) as caught:
            await client.chat(messages=HELLO)
        with pytest.raises(LLMUnavailableError, match="Day budget"):
            await client.embed(input="word " * 200)
        assert client.current_provider == "none"
    assert caught.value.message.startswith("Day budget 0.0001 USD: 0.0001 USD left, cloud/gpt-oss:120b may use ")
    assert caught.value.request_id is None
    assert cloud.count("/api/chat") == cloud.count("/api/embed") == 0


@pytest.mark.parametrize("options", [None, {"num_predict": -1}, {"num_predict": 90_000}])
async def test_no_option_of_a_program_lifts_the_limit(
    cloud: FaultServer, tmp_path: Path, options: dict[str, int] | None
) -> None:
    async with client_with(cloud, tmp_path, "0.01") as client:
        answer = await client.chat(messages=HELLO, options=options)
    assert answer.message.content == "The cloud says hello."
    (sent,) = cloud.seen("/api/chat")
    assert 4_900 < sent.json["options"]["num_predict"] < 5_000, "a cent pays for 5 000 tokens"
    assert attempts(tmp_path) == [("completed", 12, 5, 12_000 + 10_000)]


async def test_vectors_are_booked_though_their_requests_are_not_kept(cloud: FaultServer, tmp_path: Path) -> None:
    cloud.play("/api/embed", embeddings([[1.0, 0.0]], model="nomic-embed-text"))
    async with client_with(cloud, tmp_path, "0.01") as client:
        await client.embed(input="some text")
    ((outcome, told_in, _, cost),) = attempts(tmp_path)
    assert (outcome, cost) == ("completed", told_in * 1_000)
    assert "num_predict" not in str(cloud.seen("/api/embed")[0].json)
