"""Comparisons under attack: columns that pause, fail, come back by themselves, and are left at a bad moment."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from tests.support.desk_world import CLOUD, LARGE, DeskWorld, answers, endless, fails
from tests.support.screen import wait_until
from tests.support.sitting import sitting, standing
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.tui.screens.compare import CompareScreen
    from tests.support.screen import Seat

LIMITED = errors.RateLimited("cloud: rate limited.")
BAD = errors.RequestRejected("cloud: bad request.")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    """``chat`` asks the cloud, ``codegen`` the local model."""
    made = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    made.lanes["chat"] = replace(made.lanes["chat"], targets=(CLOUD,), resume="auto")
    made.lanes["codegen"] = replace(made.lanes["codegen"], targets=(LARGE,), resume="auto")
    made.cloud.scenes = answers("From above.")
    made.local.scenes = answers("From here.")
    return made


def comparison(seat: Seat) -> CompareScreen:
    return seat.app.screen  # type: ignore[return-value]


async def compare(seat: Seat, prompt: str = "Which way?") -> None:
    await seat.ask(f"/compare chat codegen {prompt}")
    await wait_until(lambda: len(getattr(seat.app.screen, "columns", ())) == 2, "the columns")


async def test_a_paused_column_that_is_asked_again_by_itself_shows_its_answer_and_is_asked_once(
    world: DeskWorld,
) -> None:
    world.local.scenes = fails(errors.RateLimited("local: rate limited."))
    async with sitting(world, size=(120, 30)) as seat:
        await compare(seat)
        column = comparison(seat).columns[1]
        await wait_until(lambda: column.paused is not None, "the pause")
        (waits,) = await (await seat.app.desk()).outbox()
        world.local.script(answers("From here at last."))
        desk = await seat.app.desk()
        desk._parts.router.targets.take_back("local")
        run = await desk.retry(waits.id, probe=True)
        assert seat.app.chat._resumed.take(waits, run), "the column follows it"
        await seat.see("From here at last.")
        await wait_until(lambda: not column.busy, "the end")
        before = len(world.local.requests)
        await seat.press("2")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")
        assert len(world.local.requests) == before
        assert standing(world) == ["Which way?", "From here at last."]
        assert not await desk.outbox()


async def test_both_fail_and_the_prompt_is_back(world: DeskWorld) -> None:
    world.cloud.scenes = fails(BAD)
    world.local.scenes = fails(errors.RequestRejected("local: bad request."))
    async with sitting(world, size=(120, 30)) as seat:
        await compare(seat)
        await wait_until(lambda: not any(column.busy for column in comparison(seat).columns), "both ends")
        await seat.press("escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")
        await seat.pilot.pause()
        assert seat.prompt == "Which way?"
        assert "From" not in seat.text


async def test_leaving_the_program_in_a_comparison_pauses_both_and_one_prompt_stands(world: DeskWorld) -> None:
    world.cloud.scenes = endless("half above")
    world.local.scenes = endless("half here")
    async with sitting(world, size=(120, 30)) as seat:
        await compare(seat)
        await seat.see("half here")
        await seat.see("half above")
        seat.app.chat.keep_all()
        await wait_until(lambda: not any(talk.busy for talk in seat.app.chat.all_talks()), "both ends")
        desk = await seat.app.desk()
        first, second = await desk.outbox()
        assert (first.prompt, second.prompt) == ("Which way?", "Which way?")
    assert standing(world).count("Which way?") == 1
    world.cloud.script(answers("Above."))
    world.local.script(answers("Here."))
    async with sitting(world, size=(120, 30)) as seat:
        await wait_until(lambda: standing(world) == ["Which way?", "Here."], "the one that stands, by itself")
        await wait_until(lambda: world.status_of(first.id) == "cancelled", "the end of the other version")
        assert await (await seat.app.desk()).outbox() == ()
    assert [len(world.cloud.requests), len(world.local.requests)] == [1, 2]


async def test_what_is_typed_into_a_comparison_is_a_draft_of_its_lane(world: DeskWorld) -> None:
    async with sitting(world, size=(120, 30)) as seat:
        await seat.press("alt+v")
        await seat.see("Compared are")
        await seat.type("worth keeping")
        await wait_until(lambda: world.rows("SELECT lane, text FROM drafts") == [("chat", "worth keeping")])
