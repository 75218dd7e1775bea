"""What choosing looks like: a lane, a model, lanes to compare, any action by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.fake_desk import answer
from tests.support.looks import LookedAt, looking, still
from tests.support.screen import wait_until

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_the_lanes_and_the_models_to_pick(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("f2")
        await seat.see("Press a lane")
        assert await still(seat) == snapshot(name="lanes")
        await seat.press("escape", "alt+t")
        await seat.see("gemma3:4b")
        assert await still(seat) == snapshot(name="models")
        await seat.type("4b")
        await seat.press("enter")
        await seat.see("next prompt local/gemma3:4b")
        assert await still(seat) == snapshot(name="taken")


async def test_a_comparison_side_by_side(size: Size, snapshot: SnapshotAssertion) -> None:
    scripts = [answer("Eight planets, without Pluto."), answer("Eight.")]
    async with looking(LookedAt(scripts=scripts), size=size) as seat:
        await seat.press("alt+v")
        await seat.see("Compared are")
        assert await still(seat) == snapshot(name="chosen")
        await seat.type("How many planets?")
        await seat.press("enter")
        await seat.see("2 keep codegen")
        await wait_until(lambda: not any(column.busy for column in seat.app.screen.columns))  # type: ignore[attr-defined]
        assert await still(seat) == snapshot(name="answered")


async def test_every_action_by_its_name(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("ctrl+p")
        await seat.see("New conversation\n +ctrl")
        assert await still(seat) == snapshot(name="all")
        await seat.type("lane")
        await seat.see("Next lane")
        assert await still(seat) == snapshot(name="found")
