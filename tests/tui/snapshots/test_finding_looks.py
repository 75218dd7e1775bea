"""What finding looks like: conversations, words in all of them, words in the open one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.looks import TALK, LookedAt, looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_conversations_are_listed_and_searched(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("ctrl+o")
        await seat.see("garden")
        assert await still(seat) == snapshot(name="list")
        await seat.press("alt+r")
        await seat.see("title ▸")
        assert await still(seat) == snapshot(name="renamed")
        await seat.press("escape")
        await seat.type("rose")
        await seat.see("Nobody counts|a bed of")
        assert await still(seat) == snapshot(name="found")
        await seat.type("x")
        await seat.press("backspace", "backspace", "z")
        await seat.see("Nothing was found")
        assert await still(seat) == snapshot(name="nothing")


async def test_words_are_found_in_the_open_conversation(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(stored={"c1": TALK}), size=size, conversation="c1") as seat:
        await seat.see("Keep them")
        await seat.press("ctrl+f")
        await seat.type("line")
        await seat.see("of [1-9]")
        assert await still(seat) == snapshot
