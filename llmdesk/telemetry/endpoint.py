"""Where telemetry may go, and whether it can: the address in the configuration, the extra, the user's privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from llmdesk.core.addresses import is_loopback
from llmdesk.core.collector_headers import COLLECTOR_HEADERS
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNALS = ("/v1/traces", "/v1/metrics")

NOT_LOCAL = "Telemetry is not sent: telemetry.otlp_endpoint is not on this machine, and privacy.network is local-only."
NOT_INSTALLED = (
    "Telemetry is not sent: telemetry.otlp_endpoint is set, and the package that sends it is missing. "
    "Install it with: pip install 'llmdesk[otel]'"
)


def base_of(url: str) -> str:
    """The collector's base URL; the full address of one signal stands for its base."""
    base = url.rstrip("/")
    for signal in SIGNALS:
        base = base.removesuffix(signal)
    return base.rstrip("/")


def why_not(url: str, *, local_only: bool) -> str:
    """Why nothing is sent to ``url``, in a line for the user; empty = it is."""
    if local_only and not is_loopback(url):
        return NOT_LOCAL
    return "" if _installed() else NOT_INSTALLED


def learn_headers(env: Mapping[str, str]) -> None:
    """Teach the redactor the values of the headers in the environment, in every form in which they may turn up."""
    for name in COLLECTOR_HEADERS:
        for pair in env.get(name, "").split(","):
            value = pair.partition("=")[2].strip()
            for text in {value, unquote(value), unquote(pair).partition("=")[2].strip()}:
                redact.learn(text)
                redact.learn(text.partition(" ")[2])  # without the scheme: Bearer, Basic


def _installed() -> bool:
    from importlib.util import find_spec

    try:
        return all(find_spec(f"opentelemetry.{part}") for part in ("sdk", "exporter.otlp.proto.http"))
    except ModuleNotFoundError:
        return False
