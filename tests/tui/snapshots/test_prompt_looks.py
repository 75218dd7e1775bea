"""What the prompt looks like: what completes it, what goes along, what waits behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.types import AttemptStarted, TextDelta
from llmdesk.core.views import Attachment
from tests.support.fake_desk import LOCAL, Gate
from tests.support.looks import LookedAt, looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_commands_arguments_and_paths_are_completed(size: Size, snapshot: SnapshotAssertion) -> None:
    for name in ("notes.md", "numbers.csv"):
        Path(name).write_text("x" * 1200)
    Path("nested").mkdir()
    async with looking(size=size) as seat:
        await seat.type("/e")
        await seat.see("/export")
        assert await still(seat) == snapshot(name="command")
        await seat.press("ctrl+u")
        await seat.type("/lane c")
        await seat.see("codegen")
        assert await still(seat) == snapshot(name="argument")
        await seat.press("ctrl+u")
        await seat.type("read @n")
        await seat.see("numbers.csv")
        assert await still(seat) == snapshot(name="path")


async def test_a_prompt_of_several_lines_with_files_beside_a_queue(size: Size, snapshot: SnapshotAssertion) -> None:
    script = [AttemptStarted(number=1, target=LOCAL), TextDelta("There are ei"), Gate()]
    async with looking(LookedAt(scripts=[script]), size=size) as seat:
        await seat.ask("How many planets?")
        await seat.see("There are ei")
        await seat.ask("And how many moons?")
        await seat.ask("Then compare them with those of other stars,\nas far as they are known.")
        await seat.see("queued 2")
        seat.app.chat.talk.attach(Attachment(name="planets.csv", text="x" * 1200))
        seat.app.chat.talk.attach(Attachment(name="sky.png", image=b"x" * 70_000))
        seat.app.chat.talk.pane.prompt.insert("What do you see here?\nAnd in the table?")
        await seat.see("sky.png")
        assert await still(seat) == snapshot(name="line")
        await seat.press("alt+q")
        await seat.see("queue of chat")
        assert await still(seat) == snapshot(name="screen")


async def test_earlier_prompts_are_searched(size: Size, snapshot: SnapshotAssertion) -> None:
    recent = ("Count the planets", "Parse the log file", "Plan the garden")
    async with looking(LookedAt(recent=recent), size=size) as seat:
        await seat.press("ctrl+r")
        await seat.see("Parse the log")
        await seat.type("pla")
        await seat.see_gone("Parse the log")
        assert await still(seat) == snapshot


async def test_a_prompt_is_taken_from_the_library(size: Size, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "config" / "prompts"
    folder.mkdir(parents=True)
    (folder / "review.md").write_text("# Review a change\n\nReview {file} as {who} would, and name {count} faults.\n")
    (folder / "translate.md").write_text("# Translate\n\nTranslate into {language}:\n\n{clipboard}\n")
    async with looking(size=size) as seat:
        await seat.ask("/prompt")
        await seat.see("Review a change")
        assert await still(seat) == snapshot
