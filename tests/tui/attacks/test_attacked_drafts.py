"""What is written and not sent, under attack: files, edits, queues, lanes that go away, several crashes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import ModelRef
from llmdesk.core.views import Attachment, Draft, DraftedPrompt
from llmdesk.storage.database import Database
from llmdesk.storage.drafts import DraftStore
from tests.support.desk_world import CLOUD, LARGE, DeskWorld, answers, asked, endless
from tests.support.screen import wait_until
from tests.support.sitting import exchange, sitting, talk_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.desk import Desk

NOTES = Attachment(name="notes.txt", text="what is noted")
IMAGE = Attachment(name="p.png", image=b"\x89PNG\x00\xff")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path)
    made.lanes = {name: replace(lane, targets=(CLOUD,)) for name, lane in made.lanes.items()}
    return made


@pytest.fixture
async def crashed(world: DeskWorld) -> AsyncIterator[Database]:
    """The database as an instance that was killed has left it."""
    database = Database(world.paths.database, on_warning=lambda _: None)
    yield database
    await database.aclose()


def store(database: Database, owner: str, at: float = 1_000.0) -> DraftStore:
    return DraftStore(database, owner, lambda _: False, clock=lambda: at)


async def drafts(desk: Desk) -> dict[str, Draft]:
    """What is on disk, seen by an instance that finds nobody alive."""
    database = desk._parts.database
    return {draft.lane: draft for draft in await DraftStore(database, "reader", lambda _: False).claim()}


async def test_files_of_the_draft_and_of_queued_prompts_survive_a_crash(world: DeskWorld, crashed: Database) -> None:
    queue = (DraftedPrompt(text="next", attachments=(IMAGE,), model=LARGE), DraftedPrompt(text="then"))
    await store(crashed, "gone").keep(Draft(lane="chat", text="mine", attachments=(NOTES,), queue=queue))
    async with sitting(world) as seat:
        await seat.see("Your draft")
        assert seat.prompt == "mine"
        assert talk_of(seat).outgoing.attached == (NOTES,)
        waiting = talk_of(seat).outgoing.queue
        assert [(item.text, item.attachments, item.model) for item in waiting] == [
            ("next", (IMAGE,), LARGE),
            ("then", (), None),
        ]


async def test_a_file_without_a_word_is_a_draft_too(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        talk_of(seat).attach(NOTES)
        desk = await seat.app.desk()
        await wait_until(lambda: bool(world.rows("SELECT name FROM draft_files")), "the file on disk")
        assert (await drafts(desk))["chat"].attachments == (NOTES,)


async def test_files_of_a_draft_go_when_it_is_sent(world: DeskWorld) -> None:
    world.cloud.script(answers("a"))
    async with sitting(world) as seat:
        talk_of(seat).attach(NOTES)
        await wait_until(lambda: bool(world.rows("SELECT name FROM draft_files")), "the file on disk")
        await exchange(seat, "one", "a")
        await wait_until(lambda: not world.rows("SELECT name FROM draft_files"), "the end of the file")


async def test_the_draft_that_made_room_for_an_edit_is_kept(world: DeskWorld) -> None:
    world.cloud.script(answers("a"))
    async with sitting(world) as seat:
        await exchange(seat, "one", "a")
        await seat.type("precious")
        talk_of(seat).editing.begin(talk_of(seat).record.turns.last)  # type: ignore[arg-type]
        await seat.type(" edited")
        await wait_until(lambda: world.rows("SELECT text, aside FROM drafts") == [("one edited", '["precious"]')])


async def test_of_several_crashes_the_newest_is_back_and_no_older_one_is_lost(
    world: DeskWorld, crashed: Database
) -> None:
    await store(crashed, "a", 1_000).keep(Draft(lane="chat", text="oldest", queue=(DraftedPrompt(text="q1"),)))
    await store(crashed, "b", 3_000).keep(Draft(lane="chat", text="newest"))
    await store(crashed, "c", 2_000).keep(Draft(lane="chat", text="with a file", attachments=(NOTES,)))
    async with sitting(world) as seat:
        await seat.see("Your draft")
        assert seat.prompt == "newest"
        queue = talk_of(seat).outgoing.queue
        assert [(item.text, item.attachments) for item in queue] == [("with a file", (NOTES,)), ("q1", ())]
        await seat.press("up")
        assert seat.prompt == "oldest"


async def test_what_was_claimed_is_still_there_if_the_next_instance_is_killed_at_once(
    world: DeskWorld, crashed: Database
) -> None:
    await store(crashed, "a").keep(Draft(lane="chat", text="mine", attachments=(NOTES,)))
    await store(crashed, "b").claim()
    (found,) = await store(crashed, "c").claim()
    assert (found.text, found.attachments) == ("mine", (NOTES,))


async def test_a_claim_takes_nothing_from_what_was_written_before_it(world: DeskWorld, crashed: Database) -> None:
    await store(crashed, "a").keep(Draft(lane="chat", text="left"))
    mine = store(crashed, "b")
    await mine.keep(Draft(lane="chat", text="mine"))
    assert [draft.text for draft in await DraftStore(crashed, "b", {"b"}.__contains__).claim()] == ["left"]
    (found,) = await store(crashed, "c").claim()
    assert (found.text, found.aside) == ("mine", ("left",))


async def test_a_draft_and_a_queue_of_a_lane_that_is_configured_no_more_come_to_the_lane_shown(
    world: DeskWorld, crashed: Database
) -> None:
    draft = Draft(lane="renamed", text="mine", queue=(DraftedPrompt(text="next"),), attachments=(NOTES,))
    await store(crashed, "gone").keep(draft)
    async with sitting(world) as seat:
        await seat.see("Lane renamed is not configured any more")
        assert seat.prompt == "mine"
        assert [item.text for item in talk_of(seat).outgoing.queue] == ["next"]
        assert talk_of(seat).outgoing.attached == (NOTES,)
        await wait_until(lambda: world.rows("SELECT lane FROM drafts") == [("chat",)])


async def test_a_lane_that_goes_while_the_desk_runs_loses_neither_draft_nor_queue(world: DeskWorld) -> None:
    world.cloud.script(endless("coming"))
    async with sitting(world) as seat:
        await seat.press("alt+2")
        await seat.ask("under way")
        await seat.see("coming")
        await seat.ask("queued")
        await seat.type("half a")
        chat = seat.app.chat
        desk = await seat.app.desk()
        del desk._parts.lanes["codegen"]
        await chat._settings_read(desk)
        await seat.see("Lane codegen is not configured any more")
        assert talk_of(seat).lane == "chat"
        assert seat.prompt == "half a"
        assert [item.text for item in talk_of(seat).outgoing.queue] == ["queued"]
        world.cloud.script(answers("answered"))
        await seat.press("ctrl+u", "alt+g")
        await seat.see("answered")
        assert asked(world.cloud.requests[-1]) == "queued"


async def test_leaving_keeps_a_queue_that_the_outbox_does_not_take(world: DeskWorld) -> None:
    world.cloud.script(endless("coming"))
    async with sitting(world) as seat:
        await seat.ask("under way")
        await seat.see("coming")
        talk_of(seat).outgoing.once = ModelRef("nobody", "x")
        await seat.ask("queued for nobody")
        seat.app.chat.keep_all()
        await wait_until(lambda: "queued for nobody" in str(world.rows("SELECT queue FROM drafts")))


async def test_leaving_right_after_enter_loses_nothing(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        talk_of(seat).submit("just sent")
        seat.app.chat.keep_all()
        await wait_until(
            lambda: (
                "just sent" in str(world.rows("SELECT queue FROM drafts"))
                or bool(world.rows("SELECT 1 FROM requests WHERE prompt = 'just sent'"))
            )
        )


async def test_leaving_a_comparison_keeps_the_drafts_of_its_lanes(world: DeskWorld) -> None:
    world.cloud.script(endless("coming"))
    async with sitting(world) as seat:
        await seat.press("alt+2")
        await seat.type("half a thought")
        await wait_until(lambda: ("codegen", "half a thought") in world.rows("SELECT lane, text FROM drafts"))
        await seat.press("alt+1")
        await seat.ask("/compare chat codegen Which way?")
        await seat.see("coming")
        seat.app.chat.keep_all()
        await wait_until(lambda: all(not talk.busy for talk in seat.app.chat.all_talks()), "the end")
        await seat.pilot.pause(0.05)
        assert ("codegen", "half a thought") in world.rows("SELECT lane, text FROM drafts")
