"""What a desk keeps of its calls: of real adapters, over real HTTP and real programs, in memory and within limits."""

from __future__ import annotations

import base64
import itertools
import sys
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ProviderError
from llmdesk.core.types import ChatRequest, Message, ModelRef, Role, Status
from llmdesk.core.views import Ask
from llmdesk.desk.exchanges import MOST, MOST_BYTES, Exchanges
from llmdesk.providers import make_provider
from llmdesk.providers.base import Endpoint
from llmdesk.wiring import make_desk
from tests.support.fault_server import FaultServer, chat_answer, error
from tests.support.plays import Mark, Play

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.exchange import Exchange
    from llmdesk.providers.base import Provider

KEY = "sk-canary-raw-0123456789"
TARGET = ModelRef("cloud", "gemma3:4b")


def exchanges() -> Exchanges:
    ticks = itertools.count()
    return Exchanges(lambda: 1_770_000_000.0, lambda: next(ticks) / 10)


async def asked(provider: Provider, kept: Exchanges, prompt: str = "Hello", model: str = TARGET.model) -> None:
    message = Message(role=Role.USER, content=prompt)
    request = ChatRequest(model=model, messages=(message,), tap=kept.tap("r1", 1, TARGET))
    try:
        async for _ in provider.stream(request):
            pass
    except ProviderError:
        pass
    finally:
        await provider.aclose()


def body(exchange: Exchange) -> bytes:
    return b"".join(chunk.data for chunk in exchange.received)


@pytest.mark.parametrize("kind", ["ollama", "openai", "anthropic", "google"])
async def test_every_wire_is_kept_without_its_key(kind: str) -> None:
    basic = base64.b64encode(b"me:password-canary").decode()
    echo = f"{KEY} {base64.b64encode(KEY.encode()).decode()} Basic {basic} password-canary"
    kept = exchanges()
    async with FaultServer() as server:
        for path in ("/api/chat", "/chat/completions", "/v1/messages", f"/v1beta/models/{TARGET.model}"):
            server.always(path, error(503, echo))
        endpoint = Endpoint(
            name="cloud", base_url=server.url, key=KEY,
            headers={"Proxy-Authorization": f"Basic {basic}", "X-Team": "red-team"},
        )  # fmt: skip
        await asked(make_provider(kind, endpoint), kept)
    (exchange,) = await kept.of("r1")
    everything = repr(exchange)
    for secret in (KEY, base64.b64encode(KEY.encode()).decode().rstrip("="), basic, "password-canary", "red-team"):
        assert secret not in everything
    assert exchange.method == "POST"
    assert exchange.url.startswith(server.url)
    assert b"Hello" in exchange.sent
    assert exchange.status is not None
    assert exchange.ended_ms is not None


async def test_a_stream_is_kept_piece_by_piece() -> None:
    kept = exchanges()
    async with FaultServer() as server:
        server.play("/api/chat", chat_answer("Good morning"))
        await asked(make_provider("ollama", Endpoint(name="cloud", base_url=server.url)), kept)
    (exchange,) = await kept.of("r1")
    assert exchange.status == 200
    assert body(exchange).count(b"\n") >= 2
    times = [chunk.at_ms for chunk in exchange.received]
    assert times == sorted(times)
    assert dict(exchange.request_headers)["content-type"] == "application/json"


async def test_a_server_that_is_not_there_leaves_what_was_to_be_sent() -> None:
    kept = exchanges()
    async with FaultServer() as server:
        server.play("/api/chat", Play(raw=(Mark.RST,)))
        await asked(make_provider("ollama", Endpoint(name="cloud", base_url=server.url)), kept)
    (exchange,) = await kept.of("r1")
    assert exchange.status is None
    assert b"Hello" in exchange.sent
    assert exchange.request_headers


async def test_a_program_is_kept_with_the_names_of_its_environment_alone(tmp_path: Path) -> None:
    script = "import os, sys; print('out of', sys.stdin.read(), os.environ['TOKEN']); print('err', file=sys.stderr)"
    kept = exchanges()
    endpoint = Endpoint(
        name="tool", base_url="", models=("m",),
        options={"command": [sys.executable, "-c", script], "env": {"TOKEN": "env-canary-value", "PATH": "/usr/bin"}},
    )  # fmt: skip
    await asked(make_provider("command", endpoint), kept, "my question")
    (exchange,) = await kept.of("r1")
    assert exchange.argv[0] == sys.executable
    assert exchange.environment == ("PATH", "TOKEN")
    assert exchange.sent == b"my question"
    assert b"out of my question" in body(exchange)
    assert "env-canary-value" not in repr(exchange.environment)
    assert exchange.error_output.strip() == "err"
    assert exchange.status == 0


async def test_only_the_last_calls_are_kept() -> None:
    kept = exchanges()
    for number in range(MOST + 5):
        kept.tap(f"r{number}", 1, TARGET).call(method="POST", url="http://x", body=b"b")
    assert await kept.of("r4") == ()
    assert len(await kept.of("r5")) == 1
    assert kept.size == MOST


async def test_all_together_they_stay_within_their_limit() -> None:
    kept = exchanges()
    calls = [kept.tap(f"r{n}", 1, TARGET).call(method="POST", url="", body=b"") for n in range(12)]
    for call in calls:
        for _ in range(20):
            call.came(b"x" * 100_000)
            assert kept.size <= MOST_BYTES
    calls[0].came(b"more of what is not kept any more")
    assert kept.size <= MOST_BYTES
    assert await kept.of("r0") == ()
    assert await kept.of("r11")


async def test_the_desk_tells_every_attempt_of_a_request_and_writes_none_of_it_down(tmp_path: Path) -> None:
    canary = "only-on-the-wire-7731"
    async with FaultServer() as server:
        server.play("/api/chat", error(503, canary), chat_answer("Good morning"))
        env = {"LLMDESK_HOME": str(tmp_path), "OLLAMA_HOST": server.url, "HOME": str(tmp_path)}
        config = tmp_path / "desk.yaml"
        config.write_text(
            "version: 1\n"
            f'providers:\n  local: {{kind: ollama, base_url: "{server.url}", '
            "retry: {attempts: 2, delay_s: 0, wait: fixed, max_delay_s: 0}}\n"
            "lanes:\n  chat: {targets: [local/gemma3:4b]}\n"
        )
        config.chmod(0o600)
        async with make_desk(config=config, env=env) as desk:
            run = desk.send(Ask(prompt="hello"))
            async for _ in run:
                pass
            outcome = await run.outcome()
            assert outcome.status is Status.COMPLETED
            first, second = await desk.exchanges(outcome.request_id)
            assert (first.attempt, first.status, second.attempt, second.status) == (1, 503, 2, 200)
            assert canary.encode() in body(first)
            assert await desk.exchanges("another") == ()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != config]
    assert kept
    assert not any(b"done_reason" in path.read_bytes() for path in kept)
