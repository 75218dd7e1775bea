"""A collector that is dead, slow, or refuses: nothing waits for it, nothing is printed, and it is asked again."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Outcome, Params, Status
from llmdesk.telemetry import Asked, Telemetry, sending
from llmdesk.telemetry.otlp import MAX_SPANS, Otlp
from llmdesk.telemetry.quiet import kept_in
from llmdesk.telemetry.sending import LEAVE_S, LOAD_S, MAX_TRACES
from llmdesk.telemetry.trace import trace_of
from tests.support.desk_world import until
from tests.support.fault_server import FaultServer, error, no_answer, plain
from tests.support.otlp_collector import METRICS, TAKEN, TRACES, be_collector, named, points, spans_in
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from llmdesk.telemetry.trace import Trace

SLACK_S = 1.5
"""What a busy machine may add to a limit, seconds."""

Logged = list[tuple[str, dict[str, Any]]]


@pytest.fixture
async def collector() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield be_collector(server)


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def ended(request: str = "id-1") -> Outcome:
    made = Attempt(
        number=1,
        target=ModelRef("cloud", "big:120b"),
        outcome=AttemptOutcome.COMPLETED,
        at=time.time() - 0.5,
        elapsed_s=0.5,
    )
    return Outcome(
        request_id=request,
        status=Status.COMPLETED,
        lane="chat",
        text="canary-answer",
        latency_s=0.5,
        attempts=(made,),
    )


def asked() -> Asked:
    return Asked(endpoint="chat", params=Params(), ended_at=time.time())


def trace(request: str = "id-1") -> Trace:
    return trace_of(ended(request), asked(), {})


def told(collector: FaultServer, *, since: int = 0) -> list[str]:
    """The requests that arrived in all calls but the first ``since``."""
    calls = [spans_in(seen) for seen in collector.seen(TRACES)[since:]]
    return sorted(span.attributes["llmdesk.request.id"] for call in calls for span in call if not span.parent)


def telling(url: str, logged: Logged, **more: Any) -> Telemetry:
    return Telemetry(url, {}, log=lambda event, **fields: logged.append((event, fields)), **more)


async def test_nobody_there_costs_neither_time_nor_a_line_on_the_screen(
    nobody: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOAD_S", PATIENCE_S)
    logged: Logged = []
    telemetry = telling(nobody, logged)
    begun = time.monotonic()
    telemetry.record(ended(), asked())
    assert time.monotonic() - begun < allowed(0.1)
    await telemetry.aclose()
    assert time.monotonic() - begun < PATIENCE_S / 3
    assert capfd.readouterr() == ("", "")
    ((_, fields),) = logged
    assert fields["message"] == "Failed to export spans batch code: None, reason: no connection (ConnectionError)"


async def test_leaving_a_collector_that_never_answers_takes_about_a_second(collector: FaultServer) -> None:
    collector.always(TRACES, no_answer())
    collector.always(METRICS, no_answer())
    telemetry = telling(collector.url, [])
    telemetry.record(ended(), asked())
    await until(lambda: telemetry._carrier is not None)
    begun = time.monotonic()
    await telemetry.aclose()
    assert time.monotonic() - begun < LEAVE_S + allowed(SLACK_S)


async def test_leaving_in_the_middle_of_a_call_does_not_wait_for_its_end(collector: FaultServer) -> None:
    collector.always(TRACES, no_answer())
    telemetry = telling(collector.url, [], spans_every_s=0.0)
    telemetry.record(ended(), asked())
    await until(lambda: collector.count(TRACES) == 1)  # as patient as the SDK is: ten seconds
    begun = time.monotonic()
    await telemetry.aclose()
    assert time.monotonic() - begun < LEAVE_S + allowed(SLACK_S)


async def test_leaving_without_having_asked_waits_for_nothing(nobody: str) -> None:
    logged: Logged = []
    telemetry = telling(nobody, logged)
    telemetry.expect()
    begun = time.monotonic()
    await telemetry.aclose()
    assert time.monotonic() - begun < allowed(LOAD_S)
    assert logged == []


async def test_a_collector_that_comes_back_gets_what_it_missed_once(collector: FaultServer) -> None:
    collector.play(TRACES, error(503, "later"), error(429, "slowly"))
    telemetry = telling(collector.url, [], spans_every_s=0.02)
    telemetry.record(ended("first"), asked())
    await until(lambda: collector.count(TRACES) == 1)
    telemetry.record(ended("second"), asked())
    await until(lambda: "second" in told(collector, since=2))
    await telemetry.aclose()
    assert told(collector, since=2) == ["first", "second"]


async def test_metrics_are_sent_while_the_desk_is_open(collector: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LAST_CALL_S", PATIENCE_S)
    monkeypatch.setattr(sending, "LEAVE_S", PATIENCE_S)
    telemetry = telling(collector.url, [], metrics_every_s=0.05)
    telemetry.record(ended(), asked())
    await until(lambda: collector.count(METRICS) >= 2)
    assert [point.count for point in named(points(collector), "gen_ai.client.operation.duration")] == [1]
    assert collector.count(TRACES) == 0  # they wait for others
    await telemetry.aclose()
    assert told(collector) == ["id-1"]


def test_a_batch_that_is_refused_for_good_is_not_offered_again() -> None:
    logged: Logged = []
    with FaultServer.in_thread() as server, kept_in(lambda event, **fields: logged.append((event, fields))):
        be_collector(server)
        server.play(TRACES, plain(400, "canary-reason"), plain(401, "who are you"))
        otlp = Otlp(server.url)
        for request in ("bad", "worse", "good"):
            otlp.add(trace(request))
            assert otlp.send_spans()
        otlp.close()
        assert server.count(TRACES) == 3
    assert len(logged) == 1  # each kind of line once
    assert "canary" not in f"{logged}"


def test_what_waits_for_a_collector_is_bounded_and_the_newest_stays() -> None:
    with FaultServer.in_thread() as server, kept_in(lambda *_, **__: None):
        otlp = Otlp(server.url)
        server.always(TRACES, error(503, "later"))
        for number in range(2 * MAX_SPANS):  # two spans each
            otlp.add(trace(f"id-{number}"))
        assert not otlp.send_spans()
        server.requests.clear()
        server.always(TRACES, TAKEN)
        assert otlp.send_spans()
        found = told(server)
        assert (len(found), f"id-{2 * MAX_SPANS - 1}" in found) == (MAX_SPANS // 2, True)
        otlp.close()


async def test_requests_that_nobody_takes_are_counted_and_not_kept_without_end(nobody: str) -> None:
    held = threading.Event()

    class Stuck:
        def add(self, _: Trace) -> None:
            held.wait(60)

        def send_spans(self) -> bool:
            return True

        def send_metrics(self) -> None: ...

        def hurry(self, _: float) -> None:
            held.set()

        def close(self) -> None: ...

    logged: Logged = []
    telemetry = telling(nobody, logged, carrier=lambda _: Stuck())
    telemetry.record(ended(), asked())
    await until(lambda: telemetry._carrier is not None and not telemetry._traces)
    for _ in range(MAX_TRACES + 5):
        telemetry.record(ended(), asked())
    await telemetry.aclose()
    assert logged == [("telemetry", {"lost_requests": 5})]


async def test_an_sdk_that_cannot_be_loaded_breaks_nothing(nobody: str) -> None:
    def broken(_: str) -> Any:
        raise RuntimeError("canary-secret")

    logged: Logged = []
    telemetry = telling(nobody, logged, carrier=broken)
    telemetry.record(ended(), asked())
    await telemetry.aclose()
    telemetry.record(ended(), asked())
    assert logged == [("telemetry", {"error": "RuntimeError"})]


async def test_threads_end_with_the_desk(collector: FaultServer) -> None:
    before = threading.active_count()
    telemetry = telling(collector.url, [])
    telemetry.record(ended(), asked())
    await telemetry.aclose()
    assert not [
        thread for thread in threading.enumerate() if "llmdesk-telemetry" in thread.name or "Otel" in thread.name
    ]
    assert threading.active_count() <= before + 1  # the loop's own thread for waiting
    await until(lambda: collector.open_connections == 0)


def test_what_the_sdk_logs_for_somebody_else_goes_where_it_went(caplog: pytest.LogCaptureFixture) -> None:
    logged: Logged = []
    theirs = logging.getLogger("opentelemetry.sdk.of_the_host")
    with kept_in(lambda event, **fields: logged.append((event, fields))):
        theirs.warning("mine: %s", "canary-header")
        theirs.warning("mine: %s", "again")
        other = threading.Thread(target=lambda: theirs.warning("theirs: %s", "kept"))
        other.start()
        other.join()
    theirs.warning("after")
    assert logged == [("telemetry", {"library": theirs.name, "message": "mine: %s"})]
    assert [record.getMessage() for record in caplog.records] == ["theirs: kept", "after"]
    assert logging.getLogger("opentelemetry").propagate
    assert not logging.getLogger("opentelemetry").handlers


async def test_a_malformed_header_is_not_in_the_log(
    collector: FaultServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "canary-header-without-value,x-bad=canary\x7fvalue\u00e9")
    logged: Logged = []
    telemetry = telling(collector.url, logged)
    telemetry.record(ended(), asked())
    await telemetry.aclose()
    assert logged
    assert "canary" not in json.dumps(logged)
    assert capfd.readouterr() == ("", "")
