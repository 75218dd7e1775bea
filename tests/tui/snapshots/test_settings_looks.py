"""What settings look like on the screen: keys, themes, lanes, and the change that is to be approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.looks import looking, still
from tests.support.settings_world import settled

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_keys_and_themes(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.ask("/keys")
        await seat.see("─ keys")
        assert await still(seat) == snapshot(name="keys")
        await seat.press("slash", *"failover", "space", *"history", "enter", "enter")
        await seat.see("Key for: Failover history")
        await seat.press("f7")
        await seat.see("outbox would have to give it up first")
        assert await still(seat) == snapshot(name="caught")
        while "─ 1 chat" not in seat.text:
            await seat.press("escape")
            await seat.pilot.pause()
        await seat.ask("/theme")
        await seat.see("─ themes")
        assert await still(seat) == snapshot(name="themes")


async def test_a_lane_and_the_change_to_approve(size: Size, snapshot: SnapshotAssertion) -> None:
    async with settled(size=size) as (seat, file):
        await seat.ask("/lanes")
        await seat.see("target 2 +local/largest")
        assert await still(seat) == snapshot(name="lane")
        await seat.press("enter", "J")
        await seat.see("target 1 +local/largest")
        await seat.press("w")
        await seat.see(r"\+ +chat:")
        text = (await still(seat)).replace(str(file), "CONFIG")
        assert text.replace(str(file.parent), "FOLDER") == snapshot(name="change")
