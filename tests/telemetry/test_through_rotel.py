"""Through a collector that others wrote: Rotel reads what is sent, batches it, and writes it again."""

from __future__ import annotations

import importlib.util
import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import Status
from llmdesk.wiring import make_desk
from tests.outside.programs import Program
from tests.support.desk_world import ask, until
from tests.support.exec_world import configuration, provider
from tests.support.fault_server import FaultServer, chat_answer, error
from tests.support.otlp_collector import METRICS, TRACES, be_collector, named, points, tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PACKAGE = importlib.util.find_spec("rotel")
pytestmark = pytest.mark.skipif(
    PACKAGE is None, reason="Rotel is not installed: uv run --with rotel pytest tests/telemetry"
)


@pytest.fixture
async def behind() -> AsyncIterator[FaultServer]:
    """What the collector forwards to."""
    async with FaultServer() as server:
        yield be_collector(server)


@pytest.fixture
def rotel(behind: FaultServer, tmp_path: Path) -> Iterator[str]:
    """Its address."""
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    grpc, http = free_port(), free_port()
    program = Program(
        [
            Path(PACKAGE.origin).with_name("rotel-agent"),
            "start",
            *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"),
            *("--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", behind.url),
        ],
        says=r"(Starting Rotel)",
        cwd=tmp_path,
    )
    yield f"http://127.0.0.1:{http}"
    program.close()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        return int(held.getsockname()[1])


def listens(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=1).close()
    except OSError:
        return False
    return True


async def test_a_failover_arrives_behind_a_collector_as_it_was_sent(
    rotel: str, behind: FaultServer, tmp_path: Path
) -> None:
    async with FaultServer() as cloud, FaultServer() as local:
        cloud.always("/api/chat", error(503, "Server overloaded"))
        local.always("/api/chat", chat_answer("canary-answer", input_tokens=40, output_tokens=9))
        text = configuration(
            provider("cloud", cloud.url, retry={"attempts": 1}),
            provider("local", local.url),
            targets=["cloud/gpt-oss:120b", "local/gemma3:4b"],
        )
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "llmdesk.yaml").write_text(f"{text}telemetry: {{otlp_endpoint: '{rotel}'}}\n")
        await until(lambda: listens(rotel))
        async with make_desk(env={"LLMDESK_HOME": str(tmp_path)}) as desk:
            outcome = await ask(desk, "canary-prompt")
    assert outcome.status is Status.COMPLETED
    await until(lambda: behind.count(TRACES) and behind.count(METRICS))
    request, attempts = tree(behind)
    assert request.attributes["llmdesk.request.id"] == outcome.request_id
    assert request.resource["service.name"] == "llmdesk"
    assert [event[0] for event in request.events] == ["llmdesk.failover"]
    assert [(a.name, a.kind, a.error) for a in attempts] == [
        ("chat gpt-oss:120b", "client", "server"),
        ("chat gemma3:4b", "client", ""),
    ]
    assert attempts[1].attributes["gen_ai.usage.output_tokens"] == 9
    tokens = named(points(behind), "gen_ai.client.token.usage")
    assert {(p.attributes["gen_ai.token.type"], p.value) for p in tokens} == {("input", 40), ("output", 9)}
