"""What every test of the screen gets: a pilot that goes on as soon as the screen has settled."""

from __future__ import annotations

import pytest

from llmdesk.tui.harmless import Harmless
from tests.support.settling import settled


@pytest.fixture(autouse=True)
def _settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.app.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", settled)


@pytest.fixture
def without_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the filter under every widget, which would hide that one shows a text as it came."""
    monkeypatch.setattr(Harmless, "apply", lambda _self, segments, _background: segments)
