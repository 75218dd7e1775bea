"""The clocks of this machine, and which boot they count from."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.storage import clocks
from llmdesk.storage.clocks import BOOT_ID, boot_id, system_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _not_asked_yet() -> Iterator[None]:
    boot_id.cache_clear()
    yield
    boot_id.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells one boot from another")
@pytest.mark.usefixtures("_not_asked_yet")
def test_a_boot_has_an_id_of_its_own_and_a_clock_that_counts_suspended_time() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    now = system_clock()
    assert before <= now.boot <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert now.boot_id == BOOT_ID.read_text().strip() != ""
    assert now.wall == pytest.approx(time.time(), abs=3_600)


@pytest.mark.usefixtures("_not_asked_yet")
def test_where_no_boot_is_told_it_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "BOOT_ID", tmp_path / "none")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert boot_id() == system_clock().boot_id == ""


@pytest.mark.usefixtures("_not_asked_yet")
def test_a_boot_that_is_told_in_other_signs_has_no_name_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "id").write_bytes(b"\xff\xfe")
    monkeypatch.setattr(clocks, "BOOT_ID", tmp_path / "id")
    assert boot_id() == ""
