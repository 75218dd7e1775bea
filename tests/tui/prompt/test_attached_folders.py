"""A whole folder goes along: named in the prompt, or by its command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.commands import mentioned_files
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my notes"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "sub" / "b.txt").write_text("b")
    (made / "c.bin").write_bytes(b"\xff\x00")
    return made


def test_a_word_is_a_folder_only_with_its_slash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert mentioned_files("@sub/, and @sub, @/ @nobody/ and @./") == ["sub/", "./"]


async def test_a_folder_named_in_the_prompt_goes_along(folder: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.ask(f'sum up @"{folder}/" please')
        await wait_until(lambda: bool(desk.asks))
        assert [file.name for file in desk.asks[0].attachments] == ["a.txt", "sub/b.txt"]
        await seat.see("2 files attached")


async def test_the_command_takes_a_folder_and_says_what_was_left_out(folder: Path) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.ask(f"/attach {folder}")
        await seat.see("attached +a.txt")
        assert [file.name for file in seat.app.chat.talk.outgoing.attached] == ["a.txt", "sub/b.txt"]
        await seat.ask("/attach none")
        assert not seat.app.chat.talk.outgoing.attached


async def test_a_folder_with_nothing_to_send_is_said_before_the_prompt_goes(tmp_path: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.ask(f"read @{tmp_path}/")
        await seat.see("nothing in it can be")
        assert not desk.asks
