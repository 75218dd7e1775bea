"""Conversations put in order, and had back; what is deleted for good leaves no trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Status
from llmdesk.core.views import Attachment, Draft
from llmdesk.desk.shelf import HAD_BACK_S, TITLE_CHARS
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, fails

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.desk import Desk


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    world = DeskWorld(tmp_path)
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return world


async def begin(desk: Desk, world: DeskWorld, *prompts: str) -> list[str]:
    """A conversation for each prompt, the last one used last."""
    found = []
    for prompt in prompts:
        world.cloud.script(answers(f"about {prompt}"))
        outcome = await ask(desk, prompt)
        assert outcome.conversation is not None
        found.append(outcome.conversation)
    return found


async def listed(desk: Desk, **options: bool) -> list[str]:
    return [view.title for view in await desk.conversations(**options)]  # type: ignore[arg-type]


async def test_a_title_is_one_line_that_says_something(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (one,) = await begin(desk, world, "a")
        await desk.shelf.rename(one, "  two\nlines \x1b[31m ")
        assert (await listed(desk))[0].startswith("two lines")
        await desk.shelf.rename(one, "x" * 500)
        assert len((await listed(desk))[0]) == TITLE_CHARS
        with pytest.raises(UsageError, match="at least one character"):
            await desk.shelf.rename(one, " \n ")


async def test_pinned_ones_stand_above_and_archived_ones_apart(world: DeskWorld) -> None:
    async with world.desk() as desk:
        a, _, c = await begin(desk, world, "a", "b", "c")
        await desk.shelf.pin(a)
        assert await listed(desk) == ["a", "c", "b"]
        assert [v.title for v in await desk.conversations(limit=2)] == ["a", "c"]
        await desk.shelf.archive(c)
        assert await listed(desk) == ["a", "b"]
        (put_away,) = await desk.conversations(archived=True)
        assert (put_away.title, put_away.archived) == ("c", True)
        assert (await desk.conversation(c)).archived
        await desk.shelf.archive(c, False)
        await desk.shelf.pin(a, False)
        assert await listed(desk) == ["c", "b", "a"]


async def test_tags_are_single_words_in_small_letters_and_replace_one_another(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (one,) = await begin(desk, world, "a")
        await desk.shelf.tag(one, ["#Work", "two words", "work", " "])
        assert (await desk.conversation(one)).tags == ("two-words", "work")
        await desk.shelf.tag(one, ["later"])
        (view,) = await desk.conversations()
        assert view.tags == ("later",)
        await desk.shelf.tag(one, [])
        assert (await desk.conversation(one)).tags == ()


async def test_what_is_not_there_cannot_be_put_in_order(world: DeskWorld) -> None:
    async with world.desk() as desk:
        shelf = desk.shelf
        for wrong in (shelf.rename("x", "t"), shelf.pin("x"), shelf.archive("x"), shelf.tag("x", ["a"]),
                      shelf.delete("x"), shelf.undelete("x")):  # fmt: skip
            with pytest.raises(UsageError, match="No conversation x"):
                await wrong


async def test_the_latest_is_neither_put_away_nor_deleted_however_many_came_before(world: DeskWorld) -> None:
    async with world.desk() as desk:
        a, b, c = await begin(desk, world, "a", "b", "c")
        await ask(desk, "in another lane", lane="codegen")
        await desk.shelf.pin(a)  # used long ago
        assert await desk.latest_conversation("chat") == c
        await desk.shelf.delete(c)
        assert await desk.latest_conversation("chat") == b
        await desk.shelf.archive(b)
        assert await desk.latest_conversation("chat") == a
        assert await desk.latest_conversation("repair") is None


# --- deleting, and having back ----------------------------------------------------------------------------------------


async def test_a_deleted_conversation_is_nowhere_until_it_is_had_back(world: DeskWorld) -> None:
    async with world.desk() as desk:
        a, b = await begin(desk, world, "walrus", "seal")
        await desk.shelf.tag(a, ["sea"])
        await desk.shelf.delete(a)
        assert await listed(desk) == ["seal"]
        assert await desk.search("walrus") == ()
        assert await desk.search("tag:sea") == ()
        assert await desk.search("alru") == ()
        assert await desk.recent_prompts() == ("seal",)
        assert await desk.latest_conversation() == b
        with pytest.raises(UsageError, match="No conversation"):
            await desk.conversation(a)
        await desk.shelf.undelete(a)
        assert await listed(desk) == ["seal", "walrus"]
        assert {hit.id for hit in await desk.search("walrus")} == {a}
        assert await desk.recent_prompts() == ("seal", "walrus")


async def test_closing_the_desk_removes_what_was_deleted_there_with_every_trace(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
    async with world.desk() as desk:
        (kept,) = await begin(desk, world, "seal")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await ask(desk, "walrus", attachments=(Attachment(name="w.txt", text="a walrus"),))
        assert paused.conversation is not None
        await desk.keep_draft(Draft(lane="chat", text="more of the walrus", conversation=paused.conversation))
        await desk.shelf.tag(paused.conversation, ["walrus"])
        await desk.shelf.delete(paused.conversation)
    assert b"walrus" not in world.paths.database.read_bytes().lower()
    async with world.desk() as desk:
        assert await listed(desk) == ["seal"]
        assert await desk.outbox() == ()
        assert (await desk.request(paused.request_id)).status is Status.CANCELLED
        with pytest.raises(UsageError):
            await desk.shelf.undelete(paused.conversation)
        assert (await desk.conversation(kept)).title == "seal"


async def test_another_instance_that_closes_leaves_it_to_its_user(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (one,) = await begin(desk, world, "a")
        await desk.shelf.delete(one)
        async with world.desk() as other:
            (two,) = await begin(other, world, "b")
            await other.shelf.delete(two)
        await desk.shelf.undelete(one)
        assert await listed(desk) == ["a"]


async def test_after_ten_minutes_the_next_start_removes_it(world: DeskWorld) -> None:
    killed = world.desk()
    await killed.__aenter__()
    early, late = await begin(killed, world, "early", "late")
    await killed.shelf.delete(early)
    world.clocks.pass_time(HAD_BACK_S - 60)
    await killed.shelf.delete(late)
    world.clocks.pass_time(90)
    async with world.desk() as desk:
        with pytest.raises(UsageError):
            await desk.shelf.undelete(early)
        await desk.shelf.undelete(late)
        assert await listed(desk) == ["late"]
    await killed.__aexit__(None, None, None)


async def test_what_is_said_in_a_deleted_conversation_brings_it_back(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (one,) = await begin(desk, world, "a")
        await desk.shelf.delete(one)
        world.cloud.script(answers("still here"))
        await ask(desk, "b", conversation=one)
    async with world.desk() as desk:
        assert [m.content for m in (await desk.conversation(one)).messages][2:] == ["b", "still here"]
