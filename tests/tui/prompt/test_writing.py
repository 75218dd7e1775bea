"""The prompt on the screen: completing, mistyped commands, attached files, prompts of the library."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from textual import events

from llmdesk.tui.widgets.queue_line import CROSS
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.screen import Seat


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "sub dir").mkdir()
    (tmp_path / "sub dir" / "inner.md").write_text("x")
    (tmp_path / "notes.txt").write_text("content")
    (tmp_path / "notebook.txt").write_text("content")
    with contextlib.chdir(tmp_path):
        yield tmp_path


async def paste(seat: Seat, text: str) -> None:
    seat.app.chat.talk.pane.prompt.post_message(events.Paste(text))
    await seat.pilot.pause()


async def test_tab_takes_a_folder_and_then_a_file_of_it(folder: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("read @sub")
        await seat.see("sub dir/ +folder")
        await seat.press("tab")
        await seat.see("inner.md")
        assert seat.prompt == 'read @"sub dir/'
        await seat.press("tab")
        assert seat.prompt == 'read @"sub dir/inner.md" '
        await seat.press("enter")
        await wait_until(lambda: bool(desk.asks))
        assert [file.name for file in desk.asks[0].attachments] == ["inner.md"]


async def test_enter_takes_what_begins_so_and_sends_where_nothing_is_marked(folder: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("read @note")
        await seat.see("notebook.txt")
        await seat.press("down", "enter")
        assert seat.prompt == "read @notes.txt "
        assert not desk.asks
        await seat.type("@")
        await seat.see("sub dir/")
        await seat.press("enter")
        await wait_until(lambda: bool(desk.asks))
        assert desk.asks[0].prompt == "read @notes.txt @"


async def test_tab_before_the_list_is_there_waits_for_it(folder: Path) -> None:
    async with seated(FakeDesk()) as seat:
        seat.app.chat.talk.pane.prompt.insert("@noteb")
        await seat.press("tab")
        await wait_until(lambda: seat.prompt == "@notebook.txt ", "the file")


async def test_escape_puts_the_list_away_until_the_next_word(folder: Path) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("@note")
        await seat.see("notebook.txt")
        await seat.press("escape")
        await seat.type("b")
        await seat.pilot.pause()
        assert "notebook.txt" not in seat.text
        await seat.type(" @note")
        await seat.see("notebook.txt")


async def test_arguments_of_commands_are_completed_and_run() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("/lane cod")
        await seat.see("codegen +cloud/")
        await seat.press("enter")
        await seat.see("─ 2 codegen ─")
        await seat.type("/model loc")
        await seat.see("local/")
        await seat.press("down", "enter")
        await wait_until(lambda: seat.app.chat.talk.model is not None, "the model")


async def test_a_mistyped_command_is_sent_only_by_a_second_enter() -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("/mdoel x")
        await seat.press("enter")
        await seat.see("Did you mean /model")
        assert not desk.asks
        assert seat.prompt == "/mdoel x"
        await seat.press("enter")
        await wait_until(lambda: bool(desk.asks))
        assert desk.asks[0].prompt == "/mdoel x"
        await seat.ask("//help")
        await wait_until(lambda: len(desk.asks) == 2)
        assert desk.asks[1].prompt == "/help"


async def test_a_file_that_cannot_be_read_holds_the_prompt_back_once(folder: Path) -> None:
    (folder / "secret.txt").write_text("x")
    desk = FakeDesk()
    async with seated(desk) as seat:

        def refuse(path: Path) -> object:
            from llmdesk.core.errors import UsageError

            raise UsageError(f"{path.name}: Permission denied.")

        desk.attach = refuse  # type: ignore[assignment,method-assign]
        await seat.ask("read @secret.txt")
        await seat.see("Permission denied")
        assert seat.prompt == "read @secret.txt"
        await seat.press("enter")
        await wait_until(lambda: bool(desk.asks))


async def test_a_dropped_file_is_offered_and_attached_by_one_key(folder: Path) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("see ")
        await paste(seat, f"'{folder}/notes.txt'")
        await seat.see("tab attaches it +notes.txt 7 B")
        await seat.press("tab")
        await seat.see("attached notes.txt 7 B")
        assert seat.prompt == "see "
        await paste(seat, f"{folder}/notebook.txt")
        await seat.see("tab attaches it")
        await seat.type("x")
        await seat.see_gone("tab attaches it")
        assert seat.prompt == f"see {folder}/notebook.txtx"


async def test_files_are_taken_off_one_by_one_by_key_and_by_click() -> None:
    async with seated(FakeDesk()) as seat:
        for _ in range(3):
            await paste(seat, "x" * 100_001)
        await seat.see("pasted-3.txt 100 kB " + CROSS)
        await seat.press("alt+u")
        await seat.see_gone("pasted-3.txt 100 kB")
        line = next(line for line in seat.text.splitlines() if "attached pasted-1.txt" in line)
        row = seat.text.splitlines().index(line)
        await seat.pilot.click(offset=(line.index(CROSS), row))
        await seat.see_gone("pasted-1.txt 100 kB")
        assert [file.name for file in seat.app.chat.talk.outgoing.attached] == ["pasted-2.txt"]
        assert seat.prompt == ""


async def test_one_endless_line_goes_along_as_a_file() -> None:
    async with seated(FakeDesk()) as seat:
        await paste(seat, "x" * 30_000)
        await seat.see("attached pasted-1.txt 30.0 kB")


async def test_typing_into_a_large_text_stays_quick() -> None:
    """Measured against an empty editor in the same run, so that a slow machine changes nothing."""

    async def cost(text: str) -> float:
        async with seated(FakeDesk()) as seat:
            prompt = seat.app.chat.talk.pane.prompt
            prompt.insert(text)
            await seat.pilot.pause()
            began = time.process_time()
            for _ in range(15):
                prompt.insert("x")
                await seat.pilot.pause()
            return (time.process_time() - began) / 15

    assert await cost("some words in a line of text @x\n" * 3_000) < await cost("") + allowed(0.040)


async def test_a_prompt_of_the_library_is_filled_gap_by_gap(home: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("/prompt expl")
        await seat.see("Explain a thing")
        await seat.press("enter")
        await wait_until(lambda: seat.prompt.startswith("Explain {topic} to {who} in chat."), "the prompt")
        await seat.press("enter")
        await seat.see("is not filled in yet")
        assert not desk.asks
        await seat.type("bees")
        await seat.press("tab")
        assert seat.prompt == 'Explain bees to {who} in chat. bees! {"a": {}}'
        await seat.type("kids")
        await seat.press("tab", "enter")
        await wait_until(lambda: bool(desk.asks))
        assert desk.asks[0].prompt == 'Explain bees to kids in chat. bees! {"a": {}}'


async def test_a_prompt_is_picked_from_the_list_with_its_text_shown(home: Path) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.ask("/prompt")
        await seat.see("Explain a thing")
        await seat.type("rev")
        await seat.see("Review the code line by line")
        await seat.press("enter")
        await wait_until(lambda: seat.prompt == "Review.\nReview the code line by line.", "the prompt")


async def test_a_prompt_that_is_called_like_a_command_is_taken_from_the_palette(home: Path) -> None:
    (home / "save.md").write_text("Save the bees.\n")
    async with seated(FakeDesk()) as seat:
        await wait_until(lambda: seat.app.prompts is not None, "the library")
        offered = {each.title: each.callback for each in seat.app.get_system_commands(seat.app.screen)}
        offered["Prompt save"]()
        await wait_until(lambda: seat.prompt == "Save the bees.", "the prompt")


async def test_a_prompt_is_kept_and_another_is_replaced_only_when_asked_twice(home: Path) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.ask("A good question")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.ask("/prompt save good")
        await wait_until((home / "good.md").exists, "the file")
        assert (home / "good.md").read_text() == "A good question\n"
        for expected in ("A good question\n", "other\n"):
            seat.app.chat.talk.pane.prompt.put("/prompt save good\nother")
            await seat.press("enter")
            await wait_until(lambda: (home / "good.md").read_text() == expected, "the text")  # noqa: B023
        await wait_until(lambda: seat.prompt == "other", "the text that goes on")
        await seat.press("ctrl+c")
        await seat.ask("/prompt nothing")
        await seat.see("There is no prompt 'nothing'")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path))
    prompts = tmp_path / "config" / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "explain.md").write_text('# Explain a thing\nExplain {topic} to {who} in {lane}. {topic}! {"a": {}}\n')
    (prompts / "review.md").write_text("Review.\nReview the code line by line.\n")
    return prompts
