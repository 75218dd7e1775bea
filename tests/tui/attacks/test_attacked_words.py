"""Hostile words wherever somebody else's text is shown: never markup, never a control sequence, on any screen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import ModelRef
from llmdesk.core.views import Attachment
from llmdesk.tui.screens.panels import SCREENS
from tests.support.desk_world import DeskWorld, answers
from tests.support.screen import wait_until
from tests.support.sitting import exchange, sitting, talk_of
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.screen import Seat

HOSTILE = "\x1b]52;c;aGFja2Vk\x07\x1b[2J[red]x[/] [/nope] [@click=app.bell]y[/] \u202eevil\x9b31m\rz\u200b"
pytestmark = pytest.mark.usefixtures("without_net")

STEERS = {chr(code) for code in [*range(32), *range(127, 160)]} - {"\n"} | set("\u202e\u200b")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    made.local.models = (*made.local.models, replace(made.local.models[1], name=f"{HOSTILE}:7b"))
    made.cloud.script(answers("fine", "fine too", "again"))
    made.local.script(answers("fine"))
    return made


async def clean(seat: Seat) -> None:
    """Nothing on the screen can steer a terminal, and brackets are still brackets."""
    await seat.pilot.pause()
    found = STEERS & set(seat.text)
    assert not found, f"{found} on {seat.app.screen}:\n{seat.text!r}"


async def test_titles_tags_files_and_models_are_only_text_on_every_screen(world: DeskWorld) -> None:
    async with sitting(world, size=(120, 40)) as seat:
        talk_of(seat).attach(Attachment(name=f"{HOSTILE}.txt", text="x"))
        await clean(seat)
        await exchange(seat, f"ask {HOSTILE}", "fine")
        await clean(seat)
        desk = await seat.app.desk()
        conversation = talk_of(seat).conversation
        assert conversation is not None
        await desk._parts.conversations.rename(conversation, HOSTILE)
        await desk._parts.conversations.tag(conversation, [HOSTILE])
        await seat.app.chat.open_conversation(conversation)
        await clean(seat)
        for panel in SCREENS:
            seat.app.action_open_panel(panel)
            await wait_until(lambda: seat.app.screen is not seat.app.chat, panel)
            await clean(seat)
            await seat.press("escape")
            await wait_until(lambda: seat.app.screen is seat.app.chat, f"the end of {panel}")
        for keys in ("ctrl+p", "f2", "alt+v", "alt+m"):
            await seat.press(keys)
            await clean(seat)
            await seat.press("escape", "escape")
            await wait_until(lambda: seat.app.screen is seat.app.chat, f"the end of {keys}")
        await seat.ask("/delete")
        await wait_until(lambda: any("Deleted" in notice.message for notice in seat.app._notifications), "the notice")
        await clean(seat)
        assert not any(STEERS & set(notice.message) for notice in seat.app._notifications)


async def test_a_raw_view_and_a_picked_model_with_such_a_name_are_only_text(world: DeskWorld) -> None:
    async with sitting(world, size=(120, 40)) as seat:
        talk_of(seat).outgoing.once = ModelRef("local", f"{HOSTILE}:7b")
        await clean(seat)
        await seat.ask("one")
        await wait_until(lambda: not talk_of(seat).busy)
        await clean(seat)
        await seat.ask("/raw")
        await clean(seat)


async def test_file_names_that_are_completed_and_pasted_are_only_text(
    world: DeskWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a\x1b]52;c;aGF\x07[red]x[\u202e.txt").write_text("x")
    (folder / "about.txt").write_text("x")
    monkeypatch.chdir(folder)
    async with sitting(world, size=(120, 40)) as seat:
        await seat.type("see @a")
        await seat.see("about.txt")
        await clean(seat)
        await seat.press("tab")
        await clean(seat)


async def test_prompts_of_the_library_are_only_text(world: DeskWorld) -> None:
    folder = world.paths.config_file.parent / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a\x1b[2J[red]x.md").write_text(f"{HOSTILE} {{name}}")
    async with sitting(world, size=(120, 40)) as seat:
        await seat.ask("/prompt")
        await clean(seat)
        await seat.press("enter")
        await clean(seat)


async def test_what_completes_a_word_is_only_text(world: DeskWorld) -> None:
    async with sitting(world, size=(120, 40)) as seat:
        await seat.type("/model local/")
        await seat.see(r"\[red\]")
        await clean(seat)
