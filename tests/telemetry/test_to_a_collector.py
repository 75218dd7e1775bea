"""What a collector is told: a real desk over real servers, and every byte that arrives read as OTLP."""

from __future__ import annotations

import base64
import itertools
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.types import ModelRef, Params, Status
from llmdesk.core.version import __version__
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support import anthropic_answers, google_answers, openai_answers
from tests.support.desk_world import ask
from tests.support.exec_world import configuration, provider
from tests.support.fault_server import FaultServer, chat_answer, chat_chunk, error, redirect, stream
from tests.support.otlp_collector import METRICS, TRACES, be_collector, bodies, named, points, spans, tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.core.types import Outcome

LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")
PRICED = {"price": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 10}}


@pytest.fixture
async def collector() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield be_collector(server)


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield server


@pytest.fixture
async def local() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply="From here.") as server:
        yield server


class Home:
    """A folder with a configuration over two servers and a collector."""

    def __init__(self, folder: Path, cloud: FaultServer, local: FaultServer, collector: FaultServer) -> None:
        self.cloud, self.local, self.collector = cloud, local, collector
        self.env = {"LLMDESK_HOME": str(folder), "KEY": "canary-key-of-the-cloud", "PATH": os.environ["PATH"]}
        self.file = folder / "config" / "llmdesk.yaml"
        self.file.parent.mkdir(parents=True)
        self.configure()

    def configure(self, more: str = "", *, endpoint: str = "", lane: str = "", **cloud: Any) -> None:
        text = configuration(
            provider("cloud", self.cloud.url, **{"api_key": "${KEY}", **cloud}),
            provider("local", self.local.url),
            targets=["cloud/gpt-oss:120b", "local/gemma3:4b"],
            more=lane,
        )
        text += f"telemetry: {{otlp_endpoint: '{endpoint or self.collector.url}'}}\n{more}"
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(0o600)

    async def asked(self, prompt: str = "hello", **fields: Any) -> Outcome:
        """Ask one thing and leave."""
        async with make_desk(env=self.env) as desk:
            assert desk.warnings == ()
            return await ask(desk, prompt, **fields)


@pytest.fixture
def home(tmp_path: Path, cloud: FaultServer, local: FaultServer, collector: FaultServer) -> Home:
    return Home(tmp_path, cloud, local, collector)


async def test_an_answer_is_a_request_with_one_attempt_in_it(home: Home) -> None:
    home.cloud.play("/api/chat", chat_answer("Good.", model="gpt-oss:120b-q4", input_tokens=120, output_tokens=7))
    home.configure(lane=", params: {temperature: 0.5, top_k: 40, seed: 7, max_output_tokens: 99, stop: canary-stop}")
    before_ns = time.time_ns()
    outcome = await home.asked(job="nightly")
    request, (attempt,) = tree(home.collector)
    assert (request.name, request.kind, request.error) == ("llmdesk.request", "internal", "")
    assert request.attributes == {
        "llmdesk.request.id": outcome.request_id,
        "llmdesk.lane": "chat",
        "llmdesk.job": "nightly",
        "llmdesk.outcome": "completed",
        "llmdesk.target": "cloud/gpt-oss:120b",
        "llmdesk.cost_usd": 0.0,
        "gen_ai.conversation.id": outcome.conversation,
    }
    assert (attempt.name, attempt.kind, attempt.error) == ("chat gpt-oss:120b", "client", "")
    first_chunk_s = attempt.attributes.pop("gen_ai.response.time_to_first_chunk")
    assert attempt.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.conversation.id": outcome.conversation,
        "gen_ai.request.model": "gpt-oss:120b",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_k": 40.0,
        "gen_ai.request.seed": 7,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.response.model": "gpt-oss:120b-q4",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 7,
        "server.address": "127.0.0.1",
        "server.port": home.cloud.port,
        "llmdesk.request.id": outcome.request_id,
        "llmdesk.provider": "cloud",
        "llmdesk.lane": "chat",
        "llmdesk.outcome": "completed",
        "llmdesk.attempt.number": 1,
        "llmdesk.usage.estimated": False,
        "llmdesk.cost_usd": 0.0,
    }
    assert 0 < first_chunk_s <= (attempt.ended_ns - attempt.started_ns) / 1e9
    assert before_ns - 1_000_000 <= request.started_ns <= attempt.started_ns  # a float of the clock is coarser than it
    assert attempt.ended_ns <= request.ended_ns <= time.time_ns() + 1_000_000
    assert (attempt.ended_ns - attempt.started_ns) / 1e9 == pytest.approx(outcome.attempts[0].elapsed_s, abs=1e-5)


async def test_the_way_down_a_lane_is_told_with_every_step(home: Home) -> None:
    home.cloud.play("/api/chat", error(503, "Server overloaded"), error(503, "Server overloaded"), LIMIT)
    home.configure(retry={"attempts": 3, "delay_s": 0.3})
    outcome = await home.asked()
    assert outcome.status is Status.COMPLETED
    request, attempts = tree(home.collector)
    assert [(a.name, a.error, a.attributes.get("http.response.status_code")) for a in attempts] == [
        ("chat gpt-oss:120b", "server", 503),
        ("chat gpt-oss:120b", "server", 503),
        ("chat gpt-oss:120b", "rate", 429),
        ("chat gemma3:4b", "", None),
    ]
    assert [a.attributes["error.type"] for a in attempts[:3]] == ["server", "server", "rate"]
    assert attempts[2].attributes["llmdesk.cooldown_s"] > 100
    assert [a.ended_ns <= b.started_ns for a, b in itertools.pairwise(attempts)] == [True] * 3
    first, second, seam = request.events
    for wait, behind in ((first, attempts[0]), (second, attempts[1])):
        assert wait[0] == "llmdesk.wait"
        assert wait[1] == pytest.approx(behind.ended_ns, abs=10_000)
        assert wait[2]["llmdesk.waited_s"] >= 0.3
        assert wait[2]["llmdesk.reason"] == "server"
    assert seam[0] == "llmdesk.failover"
    assert seam[2].pop("llmdesk.lost_s") > 0.6
    assert seam[2] == {
        "llmdesk.failover.from": "cloud/gpt-oss:120b",
        "llmdesk.failover.to": "local/gemma3:4b",
        "llmdesk.reason": "rate",
    }
    (counted,) = named(points(home.collector), "llmdesk.failovers")
    assert counted.value == 1
    assert counted.attributes["llmdesk.failover.to"] == "local/gemma3:4b"


async def test_a_target_that_was_not_asked_is_an_event_and_no_attempt(home: Home) -> None:
    home.cloud.play("/api/chat", LIMIT)
    await home.asked()
    home.collector.forget()
    be_collector(home.collector)
    await home.asked()
    request, (attempt,) = tree(home.collector)
    assert attempt.attributes["llmdesk.attempt.number"] == 2
    assert [event[0] for event in request.events] == ["llmdesk.skip", "llmdesk.failover"]
    assert request.events[0][2] == {"llmdesk.target": "cloud/gpt-oss:120b", "llmdesk.reason": "cooling"}


async def test_a_request_nobody_answers_is_told_as_failed(home: Home) -> None:
    home.cloud.always("/api/chat", LIMIT)
    home.local.always("/api/chat", error(503, "Server overloaded"))
    outcome = await home.asked()
    assert outcome.status is Status.PAUSED
    request, attempts = tree(home.collector)
    assert request.attributes["llmdesk.outcome"] == "paused"
    assert (request.error, request.attributes["error.type"]) == ("server", "server")
    assert "llmdesk.target" not in request.attributes
    durations = named(points(home.collector), "gen_ai.client.operation.duration")
    assert {(p.attributes["error.type"], p.count) for p in durations} == {("rate", 1), ("server", 3)}
    assert len(attempts) == 4


async def test_metrics_have_the_names_units_and_buckets_of_the_conventions(home: Home) -> None:
    home.cloud.play("/api/chat", chat_answer("Good.", input_tokens=1000, output_tokens=70))
    home.configure(f"models: {{cloud/gpt-oss:120b: {PRICED}}}\n", billing="metered")
    outcome = await home.asked()
    assert outcome.cost_usd == "0.0017"
    found = points(home.collector)
    about = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "gpt-oss:120b",
        "gen_ai.response.model": "gemma3:4b",
        "llmdesk.provider": "cloud",
        "llmdesk.lane": "chat",
        "server.address": "127.0.0.1",
        "server.port": home.cloud.port,
    }
    tokens = named(found, "gen_ai.client.token.usage")
    assert {(p.attributes["gen_ai.token.type"], p.value, p.count) for p in tokens} == {
        ("input", 1000, 1),
        ("output", 70, 1),
    }
    assert all(p.attributes == {**about, "gen_ai.token.type": p.attributes["gen_ai.token.type"]} for p in tokens)
    assert {p.bounds for p in tokens} == {tuple(4**n for n in range(14))}
    (duration,) = named(found, "gen_ai.client.operation.duration")
    (first,) = named(found, "gen_ai.client.operation.time_to_first_chunk")
    (spent,) = named(found, "llmdesk.cost")
    assert 0 < first.value <= duration.value
    assert duration.attributes == first.attributes == spent.attributes == about
    assert duration.bounds == first.bounds == pytest.approx([0.01 * 2**n for n in range(14)])
    assert spent.value == pytest.approx(0.0017)
    assert {p.metric: p.unit for p in found} == {
        "gen_ai.client.token.usage": "{token}",
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "llmdesk.cost": "{USD}",
    }


async def test_tokens_that_were_guessed_are_marked_and_kept_out_of_the_metrics(home: Home) -> None:
    home.cloud.play("/api/chat", chat_answer("Good.", input_tokens=None, output_tokens=None))
    await home.asked()
    _, (attempt,) = tree(home.collector)
    assert attempt.attributes["llmdesk.usage.estimated"] is True
    assert attempt.attributes["gen_ai.usage.output_tokens"] > 0
    assert named(points(home.collector), "gen_ai.client.token.usage") == []


async def test_embeddings_are_told_as_such(home: Home) -> None:
    await home.asked("", endpoint="embed", extra={"input": ["canary-text"]}, keep=False)
    _, (attempt,) = tree(home.collector)
    assert attempt.name == "embeddings gpt-oss:120b"
    assert attempt.attributes["gen_ai.operation.name"] == "embeddings"
    assert "gen_ai.request.stream" not in attempt.attributes
    assert b"canary" not in b"".join(bodies(home.collector))


async def test_every_kind_of_provider_is_told_by_the_name_of_its_vendor(
    home: Home, cloud: FaultServer, collector: FaultServer
) -> None:
    cloud.always("/v1/chat/completions", openai_answers.answer("Good."))
    cloud.always("/v1/messages", anthropic_answers.answer("Good."))
    cloud.always("/v1beta/models/gemini-2.5-flash:streamGenerateContent", google_answers.answer("Good."))
    text = configuration(
        provider("team", f"{cloud.url}/v1", kind="openai"),
        provider("claude", cloud.url, kind="anthropic", api_key="${KEY}"),
        provider("gemini", cloud.url, kind="google", api_key="${KEY}"),
        "  echo: {kind: command, command: [cat]}",
        targets=["team/gpt-test", "claude/haiku", "gemini/gemini-2.5-flash", "echo/any"],
    )
    home.file.write_text(f"{text}telemetry: {{otlp_endpoint: '{collector.url}'}}\n", encoding="utf-8")
    async with make_desk(env=home.env) as desk:
        for ref in ("team/gpt-test", "claude/haiku", "gemini/gemini-2.5-flash", "echo/any"):
            outcome = await ask(desk, model=ModelRef.parse(ref))
            assert outcome.status is Status.COMPLETED
    attempts = [span for span in spans(collector) if span.parent]
    assert [(a.attributes["gen_ai.provider.name"], a.attributes.get("server.port")) for a in attempts] == [
        ("openai", cloud.port),
        ("anthropic", cloud.port),
        ("gcp.gen_ai", cloud.port),
        ("command", None),
    ]


async def test_no_text_and_no_key_is_in_any_byte(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=desk")
    home.cloud.always("/api/chat", error(500, "canary-of-the-server: canary-prompt"))
    home.local.play(
        "/api/chat",
        stream([chat_chunk("canary-cut "), chat_chunk("canary-answer")]),
        chat_answer("canary-answer", thinking="canary-thought"),
    )
    outcome = await home.asked("canary-prompt", system="canary-system", params=Params(stop=("canary-stop",)))
    assert outcome.status is Status.COMPLETED
    assert "canary" in f"{outcome.attempts}"
    whole = b"".join(bodies(home.collector)) + repr([s.headers for s in home.collector.seen()]).encode()
    assert b"gen_ai.operation.name" in whole
    assert b"canary" not in whole
    assert base64.b64encode(b"canary-key-of-the-cloud") not in whole


@pytest.mark.parametrize("record", ["metadata", "off-record"])
async def test_what_is_not_recorded_here_is_not_told_either(home: Home, record: str) -> None:
    home.configure(f"privacy: {{record: {record}}}\n")
    outcome = await home.asked("canary-prompt")
    request, (attempt,) = tree(home.collector)
    assert b"canary" not in b"".join(bodies(home.collector))
    assert attempt.attributes["gen_ai.usage.output_tokens"] > 0
    told = {span.attributes.get("gen_ai.conversation.id") for span in (request, attempt)}
    assert told == {None if record == "off-record" else outcome.conversation}


async def test_the_resource_is_the_program_and_what_the_environment_says(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.asked()
    resource = spans(home.collector)[0].resource
    assert (resource["service.name"], resource["service.version"]) == ("llmdesk", __version__)
    assert resource["telemetry.sdk.language"] == "python"
    home.collector.requests.clear()
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,service.name=desk%20one")
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "*")  # one of them would add the command line
    await home.asked()
    later = spans(home.collector)[0].resource
    assert (later["service.name"], later["deployment.environment.name"]) == ("desk one", "staging")
    assert later["service.instance.id"] != resource["service.instance.id"]
    assert not [name for name in later if name.startswith("process.")]
    assert spans(home.collector)[0].scope == ("llmdesk", __version__)


async def test_headers_and_compression_come_from_the_standard_variables(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20canary-collector-key")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{home.local.url}/elsewhere")  # the file's holds
    await home.asked()
    for path in (TRACES, METRICS):
        (seen,) = home.collector.seen(path)
        assert seen.headers["authorization"] == "Bearer canary-collector-key"
        assert seen.headers["content-encoding"] == "gzip"
        assert seen.headers["content-type"] == "application/x-protobuf"
    assert tree(home.collector)[0].attributes["llmdesk.outcome"] == "completed"
    assert home.local.requests == []


@pytest.mark.parametrize("suffix", ["/", "/v1/traces", "/v1/metrics", "/v1/traces/"])
async def test_the_address_of_a_signal_stands_for_its_base(home: Home, suffix: str) -> None:
    home.configure(endpoint=f"{home.collector.url}{suffix}")
    await home.asked()
    assert sorted({seen.path for seen in home.collector.seen()}) == [METRICS, TRACES]


async def test_a_base_path_is_kept(home: Home) -> None:
    home.collector.always("/otlp/v1/traces", redirect(200, ""))
    home.configure(endpoint=f"{home.collector.url}/otlp")
    await home.asked()
    assert home.collector.seen()[0].path == "/otlp/v1/traces"


async def test_a_redirect_is_not_followed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary-collector-key")
    async with FaultServer() as elsewhere:
        home.collector.always(TRACES, redirect(307, f"{elsewhere.url}{TRACES}"))
        home.collector.always(METRICS, redirect(302, f"{elsewhere.url}{METRICS}"))
        await home.asked()
        assert elsewhere.requests == []
    assert home.collector.count(TRACES) == 1


async def test_neither_a_proxy_nor_netrc_comes_between(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary-netrc\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with FaultServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await home.asked()
        assert proxy.requests == []
    assert "authorization" not in home.collector.seen(TRACES)[0].headers


async def test_local_only_tells_nobody_elsewhere_and_says_so(home: Home) -> None:
    home.configure("privacy: {network: local-only}\n", endpoint="https://collector.example")
    async with make_desk(env=home.env) as desk:
        (warning,) = desk.warnings
        assert warning.startswith("Telemetry is not sent: telemetry.otlp_endpoint is not on this machine")
        await ask(desk, "hello")
    home.configure("privacy: {network: local-only}\n")
    home.collector.requests.clear()
    await home.asked()
    assert home.collector.count(TRACES) == 1


async def test_many_requests_go_in_few_calls(home: Home) -> None:
    async with make_desk(env=home.env) as desk:
        for number in range(20):
            await ask(desk, f"question {number}")
    assert len([span for span in spans(home.collector) if not span.parent]) == 20
    assert len({span.trace for span in spans(home.collector)}) == 20
    assert home.collector.count(TRACES) <= 2
    (duration,) = named(points(home.collector), "gen_ai.client.operation.duration")
    assert duration.count == 20


async def test_a_desk_that_asks_nothing_calls_nobody(home: Home) -> None:
    async with make_desk(env=home.env) as desk:
        await desk.plan(Ask(prompt="hello"))
    assert home.collector.requests == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_SDK_DISABLED", "true", set()),
        ("OTEL_TRACES_SAMPLER", "always_off", {METRICS}),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", {METRICS, TRACES}),
    ],
)
async def test_the_sdk_obeys_its_own_variables(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: set[str]
) -> None:
    monkeypatch.setenv(name, value)
    outcome = await home.asked()
    assert outcome.status is Status.COMPLETED
    assert {seen.path for seen in home.collector.seen()} == told
