"""What is done most can be done without a key."""

from __future__ import annotations

from tests.support.fake_desk import FakeDesk, answer
from tests.support.screen import seated


async def test_a_prompt_is_sent_by_a_click_once_there_is_something_to_send() -> None:
    desk = FakeDesk(scripts=[answer("by mouse")])
    async with seated(desk, size=(80, 24)) as seat:
        assert "send" not in seat.text.split("\n")[-3]
        await seat.type("hi")
        await seat.see(r"─ send ─+\n hi")
        row = next(at for at, line in enumerate(seat.text.split("\n")) if "─ send ─" in line)
        column = seat.text.split("\n")[row].index("send")
        await seat.pilot.click(offset=(column - 6, row))
        assert seat.prompt == "hi"
        await seat.pilot.click(offset=(column + 1, row))
        await seat.see("by mouse")
        assert seat.prompt == ""
