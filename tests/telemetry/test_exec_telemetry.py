"""Telemetry of `llmdesk exec` as a process: what it loads, sends, prints and waits for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, no_answer
from tests.support.otlp_collector import METRICS, TRACES, be_collector, bodies, named, points, tree
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

PROBE = """
import json, sys
{before}
from llmdesk.__main__ import main
code = main({argv!r})
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""
WITHOUT_EXTRA = """
import importlib.abc

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
"""
HURRIED_S = 15.0
"""Far more than an answer and a second take, far less than a collector that holds a call."""


@pytest.fixture
def ollama() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


@pytest.fixture
def collector() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield be_collector(server)


def world(folder: Path, ollama: FaultServer, endpoint: str | None, more: str = "", **environment: str) -> ExecWorld:
    made = exec_world(folder, KEY="canary-key-of-the-cloud", **environment)
    text = configuration(provider("cloud", ollama.url, api_key="${KEY}"), targets=["cloud/gemma3:4b"])
    telemetry = f"telemetry: {{otlp_endpoint: '{endpoint}'}}\n" if endpoint else ""
    made.configure(f"{text}{telemetry}{more}")
    return made


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "llmdesk.yaml")


def after(made: ExecWorld, argv: list[str], before: str = "") -> tuple[int, set[str], str]:
    """Exit code, loaded modules and stderr of a process."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(argv=argv, before=before)],
        capture_output=True, text=True, timeout=60, check=True, env=made.environment,
    )  # fmt: skip
    code, names = json.loads(done.stdout.splitlines()[-1])
    return code, set(names), done.stderr


def test_one_request_of_a_short_life_is_told_before_its_end(
    tmp_path: Path, ollama: FaultServer, collector: FaultServer
) -> None:
    ollama.always("/api/chat", chat_answer("canary-answer", pause_s=allowed(0.2), size=4))
    made = world(
        tmp_path,
        ollama,
        collector.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-collector=canary-collector-key",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_RESOURCE_ATTRIBUTES="team=desk",
    )
    ran = made.run("exec", "--json", "--job", "nightly", "canary-prompt")
    assert (ran.code, ran.err) == (0, "")
    request, (attempt,) = tree(collector)
    assert request.attributes["llmdesk.request.id"] == ran.answer["id"]
    assert request.resource["team"] == "desk"
    assert attempt.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert attempt.attributes["gen_ai.usage.output_tokens"] == ran.answer["usage"]["output_tokens"]
    assert (attempt.ended_ns - attempt.started_ns) / 1e9 == pytest.approx(
        ran.answer["attempts"][0]["elapsed_s"], abs=1e-3
    )
    (duration,) = named(points(collector), "gen_ai.client.operation.duration")
    assert duration.count == 1
    for path in (TRACES, METRICS):
        assert collector.seen(path)[0].headers["x-collector"] == "canary-collector-key"
    assert b"canary" not in b"".join(bodies(collector))
    assert b"canary-collector-key" not in files(tmp_path)


def test_a_collector_that_never_answers_holds_up_neither_the_answer_nor_the_end(
    tmp_path: Path, ollama: FaultServer, collector: FaultServer
) -> None:
    collector.always(TRACES, no_answer())
    collector.always(METRICS, no_answer())
    begun = time.monotonic()
    ran = world(tmp_path, ollama, collector.url).run("exec", "hello")
    assert time.monotonic() - begun < allowed(HURRIED_S)
    assert (ran.code, ran.out, ran.err) == (0, "Hello from Ollama.", "")


def test_a_collector_that_is_not_there_is_a_line_in_the_log_alone(tmp_path: Path, ollama: FaultServer) -> None:
    with FaultServer.in_thread() as gone:
        address = gone.url
    ollama.always("/api/chat", chat_answer("Hello from Ollama.", pause_s=allowed(0.2), size=4))  # while the SDK loads
    made = world(tmp_path, ollama, address, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer canary-collector-key")
    ran = made.run("exec", "hello")
    assert (ran.code, ran.out, ran.err) == (0, "Hello from Ollama.", "")
    lines = [json.loads(line) for line in (tmp_path / "state" / "llmdesk.log").read_text().splitlines()]
    (told,) = [line for line in lines if line["event"] == "telemetry"]
    assert told["message"].startswith("Failed to export spans batch")
    assert "canary" not in json.dumps(lines)


def test_nothing_of_the_sdk_is_loaded_unless_an_address_is_configured(tmp_path: Path, ollama: FaultServer) -> None:
    made = world(tmp_path, ollama, None, OTEL_EXPORTER_OTLP_ENDPOINT=ollama.url)
    code, names, _ = after(made, ["exec", "hello"])
    assert code == 0
    assert not {name for name in names if name.partition(".")[0] in ("opentelemetry", "requests", "google")}
    assert "llmdesk.telemetry.otlp" not in names
    assert ollama.count(TRACES) == 0


def test_a_command_that_asks_nothing_does_not_load_it_either(
    tmp_path: Path, ollama: FaultServer, collector: FaultServer
) -> None:
    made = world(tmp_path, ollama, collector.url)
    for argv in (["lanes"], ["exec", "--dry-run", "hello"]):
        code, names, _ = after(made, argv)
        assert code == 0
        assert not [
            name for name in names if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"))
        ]
    assert collector.requests == []


def test_a_missing_extra_is_one_line_that_names_the_remedy(
    tmp_path: Path, ollama: FaultServer, collector: FaultServer
) -> None:
    made = world(tmp_path, ollama, collector.url)
    code, names, err = after(made, ["exec", "hello"], before=WITHOUT_EXTRA)
    assert code == 0
    assert "llmdesk.telemetry.otlp" not in names
    (line,) = [line for line in err.splitlines() if "elemetry" in line]
    assert "pip install 'llmdesk[otel]'" in line
    assert collector.requests == []


def test_an_interrupted_program_still_ends_at_once(tmp_path: Path, ollama: FaultServer, collector: FaultServer) -> None:
    ollama.always("/api/chat", chat_answer("a long answer " * 200, pause_s=0.05))
    collector.always(TRACES, no_answer())
    process = world(tmp_path, ollama, collector.url).start("exec", "hello")
    assert process.stdout is not None
    process.stdout.read(8)  # it answers
    process.terminate()
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < allowed(HURRIED_S)
    assert process.returncode not in (0, 1)
    assert b"Traceback" not in out + err
