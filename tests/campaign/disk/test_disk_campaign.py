"""A slice of the bad disks: the whole program on a disk that is full, forbidden, damaged or gone (policy D3 to D11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.crash.stage import Stage
from tests.campaign.crash.tracer import why_not
from tests.campaign.disk import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SLICE = (
    "D3 full at once",
    "D3 full at once, agreed",
    "D3 no room for an export",
    "D4 read-only",
    "D4 read-only by surprise",
    "D5 state cut off",
    "D5 state NaN",
    "D6 database pages",
    "D6 rubbish in -wal",
    "D7 overflow that cannot be read",
    "D8 data deleted",
    "D9 network",
    "D11 newer schema",
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage.set_in(tmp_path_factory.mktemp("disks")) as stage:
        yield stage


@pytest.mark.parametrize("name", SLICE)
def test_on_a_bad_disk_answers_come_and_nothing_is_lost(name: str, stage: Stage) -> None:
    assert list(cases.quick()[name](stage)) == []


@pytest.mark.parametrize("after", [20, 45])
def test_a_disk_that_fills_up_meanwhile_costs_no_question(after: int, stage: Stage) -> None:
    assert list(cases.full(stage, error=28, after=after)) == []
