"""What every test of telemetry gets: an environment that says nothing to the SDK."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _nothing_for_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
