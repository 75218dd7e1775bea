"""What every look at a screen gets: noon in Greenwich for good, a folder of its own, and all sizes."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.support.figures import NOON
from tests.support.looks import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNTING = ("widgets.wait_line", "widgets.provider_panel", "screens.telling", "screens.providers")
"""Modules of the screen that count seconds up or down."""


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: NOON)
    stopped = SimpleNamespace(**{**vars(time), "monotonic": lambda: 1_000.0})
    for module in COUNTING:
        monkeypatch.setattr(f"llmdesk.tui.{module}.time", stopped)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """How many columns and rows there are."""
    found: tuple[int, int] = request.param
    return found
