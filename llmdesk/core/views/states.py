"""How a provider is, in one word."""

from __future__ import annotations

from enum import StrEnum


class ProviderState(StrEnum):
    """One word for how a provider is."""

    OK = "ok"
    COOLING = "cooling"
    DOWN = "down"
    NO_KEY = "no key"
    ATTENTION = "needs attention"
    UNKNOWN = "unknown"
