"""Conversations found and put in order, over a real desk and its files."""

from __future__ import annotations

import json
import stat
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.desk_world import DeskWorld, answers, ask, endless
from tests.support.screen import seated, wait_until
from tests.support.sitting import Opened
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.screen import Seat


PROMPTS = ("Plan the garden with roses", "Please parse the log file", "Count the planets")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    made.cloud.scenes = answers(*[f"So: {prompt.lower()}." for prompt in PROMPTS], "And more.")
    return made


@asynccontextmanager
async def sitting(world: DeskWorld, *prompts: str, size: tuple[int, int] = (120, 30)) -> AsyncIterator[Seat]:
    """A desk at which these were asked before."""
    async with world.desk() as desk:
        for prompt in prompts:
            await ask(desk, prompt)
    async with seated(Opened(world.desk()), size=size) as seat:  # type: ignore[arg-type]
        yield seat


def titles(seat: Seat) -> list[str]:
    """The words of the prompts that are listed, from above."""
    known = ("garden", "parse the log", "planets", "Rose bed")
    return [word for line in seat.text.split("\n")[2:-4] for word in known if word.lower() in line.lower()]


async def mark(seat: Seat, words: str) -> None:
    """Open the list and go to a conversation."""
    await seat.press("ctrl+o")
    await seat.see(words)
    for _ in range(titles(seat).index(words)):
        await seat.press("down")


def notices(seat: Seat) -> str:
    return "\n".join(notice.message for notice in seat.app._notifications)


async def test_the_list_begins_with_what_was_used_last_and_search_stands_out_and_jumps(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await seat.press("ctrl+o")
        await seat.see("garden")
        assert titles(seat) == ["planets", "parse the log", "garden"]
        await seat.type("roses")
        await seat.see_gone("planets")
        assert "Plan the garden" in seat.text
        await seat.press("enter")
        await seat.see("So: plan the garden with roses.")
        assert "conversations" not in seat.text.split("\n")[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_pinned_one_stands_above_with_its_mark_and_its_tags(world: DeskWorld, size: tuple[int, int]) -> None:
    async with sitting(world, *PROMPTS, size=size) as seat:
        await mark(seat, "garden")
        await seat.press("alt+s")
        await seat.see("★")
        await wait_until(lambda: titles(seat) == ["garden", "planets", "parse the log"])
        await seat.press("alt+t")
        await seat.see("tags, with spaces between ▸")
        await seat.type("Home summer")
        await seat.press("enter")
        await seat.see_gone("with spaces between ▸")
        if size[0] > 80:
            await seat.see("#home #summer")
        await seat.press("alt+s")
        await seat.see_gone("★")


async def test_a_title_is_written_anew_and_shows_where_the_conversation_is_open(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await mark(seat, "garden")
        await seat.press("enter")
        await seat.see("So: plan the garden")
        await mark(seat, "garden")
        await seat.press("alt+r")
        await seat.see("title ▸ Plan the garden with roses")
        await seat.press("ctrl+u")
        await seat.type("Rose bed")
        await seat.press("enter")
        await wait_until(lambda: "Rose bed" in titles(seat))
        await seat.press("escape")
        await seat.see("─ Rose bed")


async def test_escape_leaves_the_line_that_is_written_in_first(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await seat.type("draft")
        await mark(seat, "garden")
        await seat.press("alt+r", "x", "escape")
        await seat.see_gone("title ▸")
        await seat.press("escape")
        await seat.see("draft")
        await seat.type("!")
        assert seat.prompt == "draft!"


async def test_what_is_put_away_is_elsewhere_and_comes_back(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await mark(seat, "garden")
        await seat.press("alt+a")
        await wait_until(lambda: titles(seat) == ["planets", "parse the log"])
        await seat.press("alt+w")
        await wait_until(lambda: titles(seat) == ["garden"])
        await seat.see("alt.a take back")
        await seat.press("alt+a")
        await seat.see("Nothing was put away")
        await seat.press("alt+w")
        await wait_until(lambda: titles(seat) == ["planets", "parse the log", "garden"])


async def test_deleting_closes_it_where_it_is_open_and_can_be_undone_even_later(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await mark(seat, "garden")
        await seat.press("enter")
        await seat.see("So: plan the garden")
        await mark(seat, "garden")
        await seat.press("alt+d")
        await wait_until(lambda: titles(seat) == ["planets", "parse the log"])
        await seat.press("escape")
        await seat.see("new conversation")
        await seat.press("ctrl+o")
        text = await seat.see("alt.z undo: Plan the garden")
        at = next(y for y, line in enumerate(text.split("\n")) if "alt+z undo" in line)
        await seat.pilot.click(offset=(text.split("\n")[at].index("undo"), at))
        await wait_until(lambda: "garden" in titles(seat))
        await seat.see_gone("alt.z undo")


async def test_one_that_is_being_answered_is_not_deleted(world: DeskWorld) -> None:
    world.cloud.scenes = endless("It grows")
    async with sitting(world) as seat:
        await seat.ask("Plan the garden with roses")
        await seat.see("It grows")
        await mark(seat, "garden")
        await seat.press("alt+d")
        await wait_until(lambda: "being answered in lane chat" in notices(seat))
        assert titles(seat) == ["garden"]


async def test_it_is_written_to_a_new_file_each_time(
    world: DeskWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with sitting(world, *PROMPTS) as seat:
        await mark(seat, "garden")
        await seat.press("alt+e", "alt+q", "alt+e")
        await wait_until(lambda: len(list(tmp_path.glob("llmdesk-*"))) == 3, "three files")
        await wait_until(lambda: notices(seat).count("Written to") == 3)
    assert "Plan the garden" in min(tmp_path.glob("llmdesk-*.md")).read_text()
    assert json.loads(next(tmp_path.glob("llmdesk-*.json")).read_text())["title"].startswith("Plan the garden")


async def test_an_export_of_another_program_is_taken_in(world: DeskWorld, tmp_path: Path) -> None:
    turn = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["From elsewhere, the garden"]}}
    exported = [{"title": "the garden abroad", "create_time": 1.0, "current_node": "a", "mapping": {
        "a": {"id": "a", "parent": None, "children": [], "message": {"id": "a", "create_time": 1.0, **turn}}}}
    ]  # fmt: skip
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(exported))
    async with sitting(world) as seat:
        await seat.press("ctrl+o")
        await seat.see("There is no conversation yet")
        await seat.press("alt+m")
        await seat.see("path of an export ▸")
        seat.app.screen.query_one("#edit SearchInput").value = str(file)  # type: ignore[attr-defined]
        await seat.press("enter")
        await seat.see("the garden abroad")
        assert "Imported 1 conversation" in notices(seat)


async def test_a_search_that_finds_nothing_says_what_would(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS) as seat:
        await seat.press("ctrl+o")
        await seat.type("zebra")
        await seat.see("Nothing was found for “zebra”")
        await seat.press("alt+s")
        await wait_until(lambda: "no conversation in this line" in notices(seat))


async def test_what_is_asked_meanwhile_is_listed_without_a_key(world: DeskWorld) -> None:
    async with sitting(world, *PROMPTS[:2]) as seat:
        await seat.press("ctrl+o")
        await seat.see("garden")
        async with world.desk() as other:
            await ask(other, PROMPTS[2])
            await seat.see("planets")


async def test_the_open_conversation_obeys_commands(world: DeskWorld, tmp_path: Path) -> None:
    async with sitting(world) as seat:
        await seat.ask("/rename nothing here")
        await wait_until(lambda: "no conversation here yet" in notices(seat))
        await seat.ask(PROMPTS[0])
        await seat.see("✔ full")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.ask("/rename Rose bed")
        await seat.see("─ Rose bed")
        await seat.ask("/tag Home, #summer")
        await wait_until(lambda: "Tagged home, summer" in notices(seat))
        await seat.ask("/pin")
        await wait_until(lambda: "above the others" in notices(seat))
        await seat.ask("/archive")
        await wait_until(lambda: "Put away" in notices(seat))
        assert world.rows("SELECT title, pinned, archived_at IS NOT NULL FROM conversations") == [("Rose bed", 1, 1)]
        await seat.ask("/delete")
        await seat.see("new conversation")
        await seat.press("ctrl+o", "alt+z", "alt+w")
        await wait_until(lambda: titles(seat) == ["Rose bed"])


async def test_of_many_conversations_a_page_is_shown_and_more_come_with_the_cursor(world: DeskWorld) -> None:
    async with world.desk() as desk:
        for number in range(450):
            await desk._parts.conversations.create(f"c{number:04}", lane="chat", title=f"Talk number {number}")
    async with seated(Opened(world.desk()), size=(100, 30)) as seat:  # type: ignore[arg-type]
        await seat.press("ctrl+o")
        await seat.see("Talk number 449")
        table = seat.app.screen.query_one("FoundTable")
        assert table.row_count == 200  # type: ignore[attr-defined]
        for _ in range(12):
            await seat.press("pagedown")
        await wait_until(lambda: table.row_count == 400)  # type: ignore[attr-defined]
        await seat.see(r"Talk number 1\d\d")


async def test_find_by_command_goes_to_the_words_and_counts_them(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await seat.ask(PROMPTS[0])
        await seat.see("✔ full")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.ask("/find GARDEN")
        await seat.see("find ▸ +GARDEN.*[12] of 2")
        await seat.press("enter", "enter", "enter")
        await seat.see("[12] of 2")


async def test_find_goes_on_while_an_answer_comes(world: DeskWorld) -> None:
    world.cloud.scenes = endless("the garden", " is a garden")
    async with sitting(world) as seat:
        await seat.ask("Plan the garden")
        await seat.see("is a garden")
        await seat.press("ctrl+f")
        await seat.type("garden")
        await seat.see("[123] of 3")


def test_an_export_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmdesk.tui.own_files import write_new

    monkeypatch.chdir(tmp_path)
    first, second = write_new("a", stem="talk", form="md"), write_new("b", stem="talk", form="md")
    assert (first.name, second.name, second.read_text()) == ("talk.md", "talk-2.md", "b")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_new("c", stem="talk", form="md", path=str(first))
    assert first.read_text() == "a"
