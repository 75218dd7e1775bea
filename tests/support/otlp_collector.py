"""A collector of the test: it takes OTLP over HTTP and reads it with the official protobuf messages."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.plays import Play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.fault_server import FaultServer, Seen

TRACES, METRICS = "/v1/traces", "/v1/metrics"
TAKEN = Play(status=200, headers={"Content-Type": "application/x-protobuf"}, framing="length")
"""An empty response message: everything was taken."""

KINDS = {1: "internal", 3: "client"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSeen:
    """A span as it arrived. Times are nanoseconds; ``parent`` is empty for a root, ``error`` where all is well."""

    name: str
    kind: str
    trace: bytes
    id: bytes
    parent: bytes
    started_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, int, dict[str, Any]], ...]
    error: str
    resource: dict[str, Any]
    scope: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSeen:
    """A point of a metric. ``value`` is the sum; ``count`` and ``bounds`` are those of a histogram."""

    metric: str
    unit: str
    attributes: dict[str, Any]
    value: float
    count: int | None
    bounds: tuple[float, ...]


def be_collector(server: FaultServer) -> FaultServer:
    """Let ``server`` take everything."""
    server.always(TRACES, TAKEN)
    server.always(METRICS, TAKEN)
    return server


def bodies(server: FaultServer) -> list[bytes]:
    """What arrived for a collector, decompressed."""
    return [unpacked(seen) for seen in server.seen() if seen.path in (TRACES, METRICS)]


def unpacked(seen: Seen) -> bytes:
    """The body of a call."""
    return gzip.decompress(seen.body) if seen.headers.get("content-encoding") == "gzip" else seen.body


def spans(server: FaultServer) -> list[SpanSeen]:
    """Every span that arrived, by its beginning."""
    found = [span for seen in server.seen(TRACES) for span in spans_in(seen)]
    return sorted(found, key=lambda span: span.started_ns)


def spans_in(seen: Seen) -> list[SpanSeen]:
    """The spans of one call."""
    found = []
    for by_resource in ExportTraceServiceRequest.FromString(unpacked(seen)).resource_spans:
        resource = _values(by_resource.resource.attributes)
        for by_scope in by_resource.scope_spans:
            scope = (by_scope.scope.name, by_scope.scope.version)
            found += [_span(span, resource, scope) for span in by_scope.spans]
    return found


def tree(server: FaultServer) -> tuple[SpanSeen, list[SpanSeen]]:
    """The one request that arrived, and its attempts in order."""
    found = spans(server)
    (root,) = [span for span in found if not span.parent]
    rest = [span for span in found if span.parent]
    assert all((span.parent, span.trace) == (root.id, root.trace) for span in rest)
    return root, rest


def points(server: FaultServer) -> list[PointSeen]:
    """Every point of the newest call for metrics."""
    found = []
    for by_resource in ExportMetricsServiceRequest.FromString(unpacked(server.seen(METRICS)[-1])).resource_metrics:
        for by_scope in by_resource.scope_metrics:
            for metric in by_scope.metrics:
                shape = getattr(metric, metric.WhichOneof("data"))
                found += [_point(metric, point) for point in shape.data_points]
    return found


def named(points: Iterable[PointSeen], metric: str, **attributes: object) -> list[PointSeen]:
    """Those of one metric; attributes are written with ``__`` for a dot."""
    wanted = {name.replace("__", "."): value for name, value in attributes.items()}
    return [p for p in points if p.metric == metric and wanted.items() <= p.attributes.items()]


def _span(span: Any, resource: dict[str, Any], scope: tuple[str, str]) -> SpanSeen:
    return SpanSeen(
        name=span.name,
        kind=KINDS[span.kind],
        trace=span.trace_id,
        id=span.span_id,
        parent=span.parent_span_id,
        started_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        attributes=_values(span.attributes),
        events=tuple((event.name, event.time_unix_nano, _values(event.attributes)) for event in span.events),
        error=span.status.message if span.status.code == 2 else "",
        resource=resource,
        scope=scope,
    )


def _point(metric: Any, point: Any) -> PointSeen:
    histogram = metric.WhichOneof("data") == "histogram"
    return PointSeen(
        metric=metric.name,
        unit=metric.unit,
        attributes=_values(point.attributes),
        value=point.sum if histogram else point.as_double or point.as_int,
        count=point.count if histogram else None,
        bounds=tuple(point.explicit_bounds) if histogram else (),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)
