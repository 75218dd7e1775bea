"""What the screens look like as text; colours are the themes' matter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_desk import FakeDesk, failover
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

MARKDOWN = "Here is a **parser**:\n\n```python\ndef parse(line):\n    return line.split()\n```\n\n1. one\n2. two\n"


def without_times(text: str) -> str:
    return re.sub(r"\b\d\d:\d\d\b", "14:20", text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_an_answer_after_a_failover(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(scripts=[failover(MARKDOWN)]), size=size) as seat:
        await seat.see("What is here")
        await seat.ask("Write a parser")
        await seat.see("✔ full")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        if size[0] > 100:
            await seat.see("no request in the last hour")
        await seat.pilot.pause()
        assert without_times(seat.text) == snapshot


async def test_the_keys_of_the_chat(snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(), size=(110, 75)) as seat:
        await seat.see("What is here")
        await seat.press("f1")
        await seat.see("Commands")
        assert seat.text == snapshot


async def test_the_commands_that_fit(snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(), size=(80, 24)) as seat:
        await seat.see("What is here")
        await seat.type("/e")
        await seat.see("/export")
        assert seat.text == snapshot
