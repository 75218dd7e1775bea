"""What every count of the screen gets: a pilot that goes on as soon as the screen has settled."""

from __future__ import annotations

import pytest

from tests.support.settling import settled


@pytest.fixture(autouse=True)
def _settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.app.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", settled)
