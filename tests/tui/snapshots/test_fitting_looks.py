"""What is left where there is little room: the sidebar by its stages, a warning, a window that is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.figures import everything
from tests.support.looks import LookedAt, looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


@pytest.mark.parametrize(
    "stage", [(88, 24), (100, 24), (120, 16), (60, 20), (40, 12), (20, 5)], ids=lambda stage: f"{stage[0]}x{stage[1]}"
)
async def test_what_fits_is_shown_whole(stage: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(limits=everything()), size=stage) as seat:
        assert await still(seat) == snapshot


async def test_a_budget_that_is_exceeded_warns_above_everything(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(limits=everything()), size=size) as seat:
        await seat.see("Day budget")
        assert await still(seat) == snapshot


async def test_the_sidebar_is_shown_and_hidden_on_demand(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("alt+s")
        assert await still(seat) == snapshot
