"""What is done most can be done without a key."""

from __future__ import annotations

from tests.support.fake_desk import FakeDesk, answer
from tests.support.screen import click, seated


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


async def test_a_key_in_the_line_at_the_bottom_can_be_clicked() -> None:
    async with seated(FakeDesk(), size=(160, 30)) as seat:
        await seat.see("f6 failovers")
        await click(seat, "f6 failovers")
        await seat.see("─ failovers")
        await click(seat, "f1 keys")
        await seat.see("─ keys and commands")
        await click(seat, "Esc close")
        await seat.see("─ failovers")
        await click(seat, "Esc close")
        await seat.see("f6 failovers")
        await click(seat, "alt+1…9 lane")
        await seat.see("Press a lane")


async def test_a_filter_is_opened_by_a_click_in_the_last_line() -> None:
    async with seated(FakeDesk(), size=(160, 30)) as seat:
        await seat.press("f6")
        await seat.see("─ failovers")
        await click(seat, "/ filter")
        assert seat.app.focused is not None
        await seat.type("zzz")
        await seat.see("zzz")


async def test_the_talk_is_seen_behind_what_is_asked() -> None:
    async with seated(FakeDesk(), size=(120, 40)) as seat:
        await seat.see("What is here")
        await seat.press("f2")
        await seat.see("Press a lane")
        assert "What is here" in seat.text
        assert "Ask something" in seat.text
