"""Where the token of a telemetry collector stands: the one key in the environment that no provider has."""

from __future__ import annotations

COLLECTOR_HEADERS = (
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
)
"""Variables the SDK takes headers from (OpenTelemetry specification, "OpenTelemetry Protocol Exporter")."""
