"""Traces into OTLP, with the OpenTelemetry SDK. The only module that knows it, imported by the thread that sends.

Nothing here begins a thread, touches the SDK's globals or waits before it tries again: one thread drives it, and what a
collector did not take stays here until that thread comes back.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.version import __version__ as otel_version

from llmdesk.core.addresses import is_loopback
from llmdesk.core.version import __version__
from llmdesk.telemetry import names
from llmdesk.telemetry.quiet import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace import ReadableSpan

    from llmdesk.telemetry.trace import Span, Trace

MAX_SPANS = 2_048
"""Spans kept for a collector that does not take them; the oldest go first. The SDK's own queue has that size."""

BATCH = 512
"""Spans in one call, as the SDK's own default."""

PASSING = frozenset({429, 502, 503, 504})
"""Refusals that may be over in a while (OTLP specification, "Failures": retryable response codes)."""


class NotTaken(Told):
    """A collector that may take it later. Not one of the exceptions after which the exporter waits and tries again."""


class Courier(requests.Session):
    """The connection to the collector: no redirects (the exporter asks for none), no proxy on loopback, no netrc.

    Args:
        endpoint: where it leads.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.trust_env = not is_loopback(endpoint)
        self.auth = _as_it_is  # else a password for that host in ~/.netrc would take the place of the header
        self.limit_s: float | None = None
        """No call takes longer, seconds; ``None`` = as the exporter says."""
        self.may_take_it_later = False
        """Of the last call."""

    def request(self, *args: Any, **keywords: Any) -> Any:
        """Call once. Raises ``NotTaken`` where the same call may do better later."""
        if self.limit_s is not None:
            keywords["timeout"] = min(self.limit_s, keywords.get("timeout") or self.limit_s)
        self.may_take_it_later = True
        try:
            reply = super().request(*args, **keywords)
        except (requests.ConnectionError, requests.Timeout) as problem:
            raise NotTaken(f"no connection ({type(problem).__name__})") from None
        if reply.status_code in PASSING:
            raise NotTaken(f"status {reply.status_code}")
        self.may_take_it_later = False
        return reply


class Otlp:
    """Turns traces into spans and metric points, and sends them when told to.

    Args:
        endpoint: the collector's base URL, without the path of a signal.
    """

    def __init__(self, endpoint: str) -> None:
        self._courier = Courier(endpoint)
        resource = _resource()
        self._finished: deque[ReadableSpan] = deque(maxlen=MAX_SPANS)
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(_Collect(self._finished))
        self._tracer = self._tracers.get_tracer(names.SCOPE, __version__)
        self._span_exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", session=self._courier)
        metric_exporter = OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics", session=self._courier)
        self._reader = PeriodicExportingMetricReader(metric_exporter, export_interval_millis=math.inf)  # no thread
        self._meters = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        self._record = _instruments(self._meters.get_meter(names.SCOPE, __version__))

    def add(self, trace: Trace) -> None:
        """Make spans and metric points of a trace; they are sent later."""
        parent = self._start(trace.request, SpanKind.INTERNAL, Context())
        within = set_span_in_context(parent, Context())
        for attempt in trace.attempts:
            _end(self._start(attempt, SpanKind.CLIENT, within), attempt)
        _end(parent, trace.request)
        for reading in trace.readings:
            self._record[reading.name](reading.value, reading.attributes)

    def send_spans(self) -> bool:
        """Send the spans that are there; false = the collector may take them later, and they are kept."""
        while self._finished:
            batch = [self._finished.popleft() for _ in range(min(BATCH, len(self._finished)))]
            taken = self._span_exporter.export(batch) is SpanExportResult.SUCCESS
            if not taken and self._courier.may_take_it_later:
                self._finished.extendleft(reversed(batch))
                return False
        return True

    def send_metrics(self) -> None:
        """Send the metrics as they stand."""
        self._reader.force_flush()

    def hurry(self, limit_s: float) -> None:
        """From now on no call takes longer than ``limit_s``, seconds; any thread may say so."""
        self._courier.limit_s = limit_s

    def close(self) -> None:
        """Send nothing any more; close the connections."""
        self._tracers.shutdown()
        self._span_exporter.shutdown()  # type: ignore[no-untyped-call]  # of the SDK
        self._meters.shutdown()
        self._courier.close()

    def _start(self, span: Span, kind: SpanKind, context: Context) -> Any:
        return self._tracer.start_span(
            span.name, context, kind, attributes=span.attributes, start_time=_nanoseconds(span.started_at)
        )


class _Collect(SpanProcessor):
    """Keeps finished spans."""

    def __init__(self, finished: deque[ReadableSpan]) -> None:
        self._finished = finished

    def on_end(self, span: ReadableSpan) -> None:
        self._finished.append(span)


def _as_it_is(request: Any) -> Any:
    return request


def _end(made: Any, span: Span) -> None:
    for event in span.events:
        made.add_event(event.name, event.attributes, timestamp=_nanoseconds(event.at))
    if span.error:
        made.set_status(Status(StatusCode.ERROR, span.error))
    made.end(_nanoseconds(span.ended_at))


def _nanoseconds(at: float) -> int:
    return int(at * 1e9)


def _resource() -> Resource:
    """Who sends this: the program, and what the environment adds or says instead.

    Made without the SDK's detectors, of which one would add the command line, and with it the prompt.
    """
    ours = {
        "service.name": names.SCOPE,
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": otel_version,
    }
    return Resource(ours).merge(OTELResourceDetector().detect())


def _instruments(meter: Meter) -> dict[str, Callable[..., None]]:
    """Name of a metric -> what takes its next value."""
    tokens = meter.create_histogram(
        names.TOKEN_USAGE,
        unit="{token}",
        description="Number of input and output tokens used.",
        explicit_bucket_boundaries_advisory=names.TOKEN_BUCKETS,
    )
    duration = meter.create_histogram(
        names.DURATION,
        unit="s",
        description="GenAI operation duration.",
        explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS,
    )
    first_chunk = meter.create_histogram(
        names.TIME_TO_FIRST_CHUNK,
        unit="s",
        description="Time to receive the first chunk of a streamed answer.",
        explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS,
    )
    failovers = meter.create_counter(names.FAILOVERS, unit="{failover}", description="Steps from a target to the next.")
    spent = meter.create_counter(names.SPENT, unit="{USD}", description="What attempts of a known price cost.")
    return {
        names.TOKEN_USAGE: tokens.record,
        names.DURATION: duration.record,
        names.TIME_TO_FIRST_CHUNK: first_chunk.record,
        names.FAILOVERS: failovers.add,
        names.SPENT: spent.add,
    }
