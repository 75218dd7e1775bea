"""Keys that come in one burst mean what they say, however late the list above the prompt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_list_that_lags_behind_takes_no_part_of_the_line(tmp_path: Path) -> None:
    """The whole line stands in the editor before the list has gone on from its first letters."""
    file = tmp_path / "notes.txt"
    file.write_text("a note")
    async with seated(FakeDesk()) as seat:
        await seat.type("/att")
        await seat.see("/attach")
        prompt = seat.app.chat.talk.pane.prompt
        with prompt.prevent(prompt.Edited, prompt.Moved):
            prompt.insert(f"ach {file}")
            await seat.press("enter")
        await wait_until(lambda: bool(seat.app.chat.talk.outgoing.attached), "the file")
        assert [each.name for each in seat.app.chat.talk.outgoing.attached] == ["notes.txt"]
        assert seat.prompt == ""
