"""Telemetry for a collector the user runs: traces and metrics over OTLP, off unless an address is configured.

``names`` are the names that leave, ``vendors`` says who is behind a provider, ``trace`` makes numbers of an outcome,
``sending`` owns the thread, ``quiet`` its silence, ``otlp`` the SDK, ``endpoint`` whether anything is sent at all.
"""

from llmdesk.telemetry.endpoint import base_of, learn_headers, why_not
from llmdesk.telemetry.sending import Telemetry
from llmdesk.telemetry.trace import Asked
from llmdesk.telemetry.vendors import Vendor, vendor_of

__all__ = ["Asked", "Telemetry", "Vendor", "base_of", "learn_headers", "vendor_of", "why_not"]
