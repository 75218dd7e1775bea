"""Copying out of the conversation: blocks one after the other, files, selections; exactly, and told truthfully."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.support.fake_desk import FakeDesk, answer
from tests.support.screen import seated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.screen import Seat

BLOCKS = "One:\n\n```sh\nls  \n```\n\nTwo:\n\n```python\n\tx = 1\n```\n\nThree:\n\n    indented\n"


async def answered(seat: Seat) -> None:
    await seat.ask("x")
    await seat.see("✔ full")


async def test_each_key_press_copies_the_next_block_of_the_marked_answer() -> None:
    async with seated(FakeDesk(scripts=[answer(BLOCKS)])) as seat:
        await answered(seat)
        await seat.press("alt+up")
        for told, text in (
            (r"Block 1 of 3 \(sh\)", "ls  \n"), (r"Block 2 of 3 \(python\)", "\tx = 1\n"),
            ("Block 3 of 3", "indented\n"), (r"Block 1 of 3 \(sh\)", "ls  \n"),
        ):  # fmt: skip
            await seat.press("b")
            await seat.see(told)
            assert seat.app.clipboard == text


async def test_from_the_prompt_the_last_block_is_copied_first_and_then_the_ones_before() -> None:
    async with seated(FakeDesk(scripts=[answer(BLOCKS)])) as seat:
        await answered(seat)
        for number, text in ((3, "indented\n"), (2, "\tx = 1\n"), (1, "ls  \n"), (3, "indented\n")):
            await seat.press("alt+b")
            await seat.see(f"Block {number} of 3")
            assert seat.app.clipboard == text


async def test_without_a_block_it_is_said() -> None:
    async with seated(FakeDesk(scripts=[answer("only words")])) as seat:
        await answered(seat)
        await seat.press("alt+b")
        await seat.see("There is no code block in it")
        assert seat.app.clipboard == ""


async def test_what_is_copied_is_harmless() -> None:
    async with seated(FakeDesk(scripts=[answer("a\x1b]0;title\x07\u202eb")])) as seat:
        await answered(seat)
        await seat.press("alt+c")
        await seat.see("Answer: ")
        assert seat.app.clipboard == "a␛]0;title␇\ufffdb"


async def test_the_answer_goes_into_a_private_file_that_was_not_there_before(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
            await answered(seat)
            await seat.ask("/copy file")
            await seat.see("Written to")
            written = tmp_path / "llmdesk-answer.md"
            assert written.read_text() == "the answer"
            assert written.stat().st_mode & 0o777 == 0o600
            await seat.ask("/copy file")
            await seat.see("llmdesk-answer-2.md")
            await seat.ask(f"/copy file {tmp_path}/named.txt")
            await seat.see("named.txt")
            (tmp_path / "named.txt").write_text("changed")
            await seat.ask(f"/copy file {tmp_path}/named.txt")
            await seat.see("is there already")
            assert (tmp_path / "named.txt").read_text() == "changed"
            await seat.ask("/copy file /nowhere/at/all.md")
            await seat.see("could not be written")


async def test_a_conversation_is_exported_into_the_file_that_is_named(tmp_path: Path) -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat)
        await seat.ask(f"/export json {tmp_path}/all.json")
        await seat.see("Written to")
        assert (tmp_path / "all.json").read_text() == "{}"
        await seat.ask(f"/export {tmp_path}/all.md")
        await seat.see("all.md")
        assert (tmp_path / "all.md").exists()


async def test_a_selection_of_the_prompt_is_copied_by_the_same_way() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("some words")
        seat.app.chat.talk.pane.prompt.select_all()
        await seat.press("ctrl+c")
        await seat.see("Selection: sent to the terminal")
        assert seat.app.clipboard == "some words"
