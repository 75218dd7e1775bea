"""What the desk asks again by itself, on the screen: in its talk, in its place, across restarts, never in the way."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.types import ModelRef
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, asked, fails
from tests.support.screen import seated, wait_until
from tests.support.sitting import Opened
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.screen import Seat


LIMITED = errors.RateLimited("cloud: rate limited.")
DOWN = errors.ServerFailed("cloud: server error 503.", retries=0)
LOCAL = ModelRef("local", "large:27b")


@dataclass
class Alarm:
    """Sleep that ends when the test says that time has passed."""

    world: DeskWorld
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        end = self.world.clocks.wall + seconds
        while self.world.clocks.wall < end:
            await self._moved.wait()

    def ring(self, seconds: float) -> None:
        self.world.clocks.pass_time(seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    made.lanes["chat"] = replace(made.lanes["chat"], targets=(CLOUD,), resume="auto")
    made.lanes["codegen"] = replace(made.lanes["codegen"], targets=(LOCAL,), resume="auto")
    return made


@asynccontextmanager
async def sitting(world: DeskWorld, alarm: Alarm, **how: object) -> AsyncIterator[Seat]:
    async with seated(Opened(world.desk(sleep=alarm)), **how) as seat:  # type: ignore[arg-type]
        yield seat


async def test_the_answer_comes_by_itself_below_its_prompt_when_the_cooldown_ends(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.cloud.script(fails(LIMITED))
    async with sitting(world, alarm) as seat:
        await seat.ask("my question")
        await seat.see("Nobody could answer now")
        await seat.see("asked again by itself in")
        world.cloud.script(answers("at last"))
        alarm.ring(601)
        await seat.see("at last")
        await seat.see("✔ full")
        await seat.see_gone("paused")


async def test_failing_again_by_itself_tells_no_long_story_again(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.cloud.script(fails(DOWN))
    async with sitting(world, alarm) as seat:
        await seat.ask("my question")
        await seat.see("asked again by itself in (1:00|0:5)")
        alarm.ring(61)
        await seat.see("asked again by itself in (3:|2:|1:)")
        assert seat.text.count("Nobody could answer now") == 1


async def test_after_a_restart_it_is_answered_by_itself_and_told(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.cloud.script(fails(LIMITED))
    async with world.desk() as desk:
        left = await ask(desk, "asked before the restart")
    world.cloud.script([Scene(steps=["answered ", "after it"])])
    async with sitting(world, alarm, size=(120, 30)) as seat:
        called: list[str] = []
        seat.app.call_user = called.append  # type: ignore[method-assign]
        await seat.see("1 paused")
        assert len(world.cloud.requests) == 1
        alarm.ring(601)
        await seat.see("Lane chat has the answer to “asked before the restart”")
        await wait_until(lambda: called == ["Lane chat has its answer."], "the call, without a word of the prompt")
        await wait_until(lambda: world.status_of(left.request_id) == "completed")
        assert left.conversation is not None
        await seat.app.chat.open_conversation(left.conversation)
        await seat.see("answered after it")


async def test_in_the_reopened_conversation_it_streams_into_its_place(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.cloud.script(fails(LIMITED))
    async with world.desk() as desk:
        left = await ask(desk, "asked before the restart")
    world.cloud.script(answers("answered after it"))
    async with sitting(world, alarm, conversation=left.conversation) as seat:
        await seat.see("asked before the restart")
        alarm.ring(601)
        await seat.see("asked before the restart(.|\n)*answered after it")
        assert seat.app.chat.talk.record.last_answer == "answered after it"


async def test_an_older_prompt_of_the_open_talk_gets_its_answer_in_its_own_place(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.cloud.script(fails(errors.ServerFailed("cloud: server error 503.", retries=0)))
    async with sitting(world, alarm, size=(100, 40)) as seat:
        await seat.ask("older")
        await seat.see("asked again by itself")
        world.cloud.script(answers("for the newer"))
        await seat.ask("newer")
        await seat.see("for the newer")
        world.cloud.script(answers("for the older"))
        alarm.ring(61)
        await seat.see("older(.|\n)*for the older(.|\n)*newer(.|\n)*for the newer")


async def test_in_another_lane_it_leaves_the_shown_talk_alone_and_badges_its_own(world: DeskWorld) -> None:
    alarm = Alarm(world)
    world.local.script(fails(errors.ServerFailed("local: server error 500.", retries=0)))
    async with sitting(world, alarm, size=(120, 30)) as seat:
        await seat.app.chat.go_to_lane("codegen")
        await seat.ask("in codegen")
        await seat.see("asked again by itself")
        await seat.app.chat.go_to_lane("chat")
        world.local.script(answers("code"))
        alarm.ring(61)
        await seat.see("Lane codegen has its answer")
        assert seat.app.chat.talk.lane == "chat"
        await seat.app.chat.go_to_lane("codegen")
        await seat.see("code +│")
    assert [asked(request) for request in world.local.requests] == ["in codegen"] * 2
