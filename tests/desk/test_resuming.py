"""Resuming: what nobody could answer is asked again by itself when its time has come, in order, exactly once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.lanes import Lane
from llmdesk.core.types import ModelRef, Status
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, asked, endless, fails, until
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.core.views import OutboxEntry
    from llmdesk.desk import Desk, Run

LIMITED = errors.RateLimited("cloud: rate limited.")
DOWN = errors.ServerFailed("cloud: server error 503.", retries=0)


@dataclass
class Alarm:
    """Sleep that ends when the test has moved the world's clocks far enough."""

    world: DeskWorld
    sleeping: list[float] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        end = self.world.clocks.wall + seconds
        self.sleeping.append(end)
        try:
            while self.world.clocks.wall < end:
                await self._moved.wait()
        finally:
            self.sleeping.remove(end)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, a nap at a time, as it does for a program that sleeps."""
        for _ in range(int(seconds / 30) + 1):
            step = min(seconds, 30.0)
            seconds -= step
            self.world.clocks.pass_time(step)
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            for _ in range(5):
                await asyncio.sleep(0.002)


@dataclass
class Face:
    """A face that stays open; ``watches`` = it reads the runs it is told of."""

    watches: bool = False
    taken: list[tuple[OutboxEntry, Run]] = field(default_factory=list)

    def __call__(self, entry: OutboxEntry, run: Run) -> bool:
        self.taken.append((entry, run))
        return self.watches

    @property
    def prompts(self) -> list[str]:
        return [entry.prompt for entry, _ in self.taken]


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path)
    made.lanes["chat"] = replace(made.lanes["chat"], targets=(CLOUD,), resume="auto")
    made.lanes["codegen"] = replace(made.lanes["codegen"], targets=(CLOUD,), resume="ask")
    return made


@pytest.fixture
def alarm(world: DeskWorld) -> Alarm:
    return Alarm(world)


@asynccontextmanager
async def staying(desk: Desk, face: Face | None = None) -> AsyncIterator[Face]:
    """The desk with a face that stays open."""
    face = face or Face()
    task = asyncio.create_task(desk.keep_resuming(face))
    try:
        yield face
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def paused(world: DeskWorld, desk: Desk, *prompts: str, why: Exception = LIMITED, **fields: object) -> list[str]:
    """Ask while nobody can answer."""
    world.cloud.script(fails(why))  # type: ignore[arg-type]
    ids = []
    for prompt in prompts:
        outcome = await ask(desk, prompt, **fields)
        assert outcome.status is Status.PAUSED
        ids.append(outcome.request_id)
    world.cloud.requests.clear()
    world.cloud.script(answers("at last"))
    return ids


def statuses(world: DeskWorld, ids: list[str]) -> list[str | None]:
    return [world.status_of(each) for each in ids]


# --- when ---


async def test_a_cooldowns_end_brings_the_paused_ones_back_in_their_order_and_not_before(
    world: DeskWorld, alarm: Alarm
) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk) as face:
        ids = await paused(world, desk, "first", "second", "third")
        await alarm.pass_time(590)
        assert world.cloud.requests == []
        await alarm.pass_time(15)
        await until(lambda: statuses(world, ids) == ["completed"] * 3)
        assert [asked(request) for request in world.cloud.requests] == ["first", "second", "third"]
        assert face.prompts == ["first", "second", "third"]
        assert await desk.outbox() == ()


async def test_passing_failures_are_tried_again_after_a_minute_doubling_five_times_then_never(
    world: DeskWorld, alarm: Alarm
) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        begun = world.clocks.wall
        (request,) = await paused(world, desk, "x", why=DOWN)
        world.cloud.script(fails(DOWN))
        tries: list[float] = []
        world.cloud.on_request = lambda _: tries.append(world.clocks.wall - begun)
        for count in range(1, 6):
            await alarm.pass_time(60 * 2 ** (count - 1) + 1)
            await until(lambda: len(tries) == count and world.status_of(request) == "paused")  # noqa: B023
        gaps = [after - before for before, after in zip([0.0, *tries], tries, strict=False)]
        assert all(at <= gap <= at + 31 for gap, at in zip(gaps, (60, 120, 240, 480, 960), strict=True))
        (entry,) = await desk.outbox()
        assert (entry.next_try_at, entry.resumed) == (None, 5)
        await alarm.pass_time(5_000)
        assert len(tries) == 5
        world.cloud.on_request = None
        outcome = await (await desk.retry(request)).outcome()
        assert outcome.next_try_at == world.clocks.wall + 60, "a user who asks again begins the count anew"


async def test_the_count_of_tries_survives_a_restart(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk:
        (request,) = await paused(world, desk, "x", why=DOWN)
    world.cloud.script(fails(DOWN))
    for count in range(1, 6):
        async with world.desk(sleep=alarm) as desk, staying(desk):
            await alarm.pass_time(60 * 2 ** (count - 1) + 1)
            await until(lambda: len(world.cloud.requests) == count and world.status_of(request) == "paused")  # noqa: B023
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await alarm.pass_time(5_000)
    assert len(world.cloud.requests) == 5


@pytest.mark.parametrize(
    "error",
    [
        errors.KeyRejected("cloud: key rejected (401).", http_status=401),
        errors.ModelGone("cloud: no such model."),
        errors.SetupBroken("cloud: certificate not trusted."),
        errors.WebPageAnswered("cloud: got a web page."),
    ],
)
async def test_what_needs_a_remedy_is_not_tried_again_by_itself(
    world: DeskWorld, alarm: Alarm, error: errors.ProviderError
) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        (request,) = await paused(world, desk, "x", why=error)
        await alarm.pass_time(3_000)
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await alarm.pass_time(3_000)
    assert world.cloud.requests == []
    assert world.status_of(request) == "paused"


@pytest.mark.parametrize("kind", [errors.KeyRejected, errors.ModelGone])
async def test_a_check_that_finds_it_mended_takes_it_up_at_once(
    world: DeskWorld, alarm: Alarm, kind: type[errors.ProviderError]
) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        (request,) = await paused(world, desk, "x", why=kind("cloud: not like this."))
        world.cloud.list_error = errors.KeyRejected("cloud: key rejected (401).")
        await desk.check_providers()
        await alarm.pass_time(1)
        assert world.cloud.requests == []
        world.cloud.list_error = None
        await desk.check_providers()
        await until(lambda: world.status_of(request) == "completed")


async def test_a_cooldown_that_was_prolonged_meanwhile_is_waited_for(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, world.desk() as other, staying(desk):
        (request,) = await paused(world, desk, "x")
        await alarm.pass_time(300)
        other._parts.cooldowns.cool("cloud", "quota", "cloud: weekly limit.", 3_600)
        await alarm.pass_time(3_500)
        assert world.cloud.requests == []
        await alarm.pass_time(150)
        await until(lambda: world.status_of(request) == "completed")


async def test_a_lane_that_does_not_resume_by_itself_waits_for_its_user(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        (waiting,) = await paused(world, desk, "x", lane="codegen")
        await alarm.pass_time(5_000)
        assert world.cloud.requests == []
        assert world.status_of(waiting) == "paused"


async def test_where_no_lane_resumes_by_itself_nothing_runs(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], resume="ask")
    async with world.desk() as desk:
        waiting = await paused(world, desk, "x", why=errors.WebPageAnswered("cloud: a web page."))
        await asyncio.wait_for(desk.keep_resuming(Face()), PATIENCE_S)
        assert (world.cloud.requests, statuses(world, waiting)) == ([], ["paused"])


async def test_what_is_not_kept_on_disk_is_not_asked_again_behind_its_users_back(world: DeskWorld) -> None:
    async with world.desk(stored=False) as desk:
        waiting = await paused(world, desk, "x", why=errors.ServerFailed("cloud: server error 503."))
        await asyncio.wait_for(desk.keep_resuming(Face()), PATIENCE_S)
        assert world.cloud.requests == []
        assert [entry.id for entry in await desk.outbox()] == waiting


async def test_nothing_sleeps_and_nothing_is_read_while_nothing_is_paused(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await ask(desk)
        reads = 0
        outbox = desk._parts.requests.outbox

        async def counted() -> tuple[OutboxEntry, ...]:
            nonlocal reads
            reads += 1
            return await outbox()

        await alarm.pass_time(30)
        desk._parts.requests.outbox = counted  # type: ignore[method-assign]
        await alarm.pass_time(600)
        assert (reads, alarm.sleeping) == (0, [])


# --- in order ---


async def test_a_lane_that_waits_holds_up_no_other_lane_and_no_new_prompt(world: DeskWorld, alarm: Alarm) -> None:
    local = ModelRef("local", "large:27b")
    world.lanes["codegen"] = Lane(name="codegen", targets=(local,), resume="auto")
    async with world.desk(sleep=alarm) as desk, staying(desk) as face:
        (slow,) = await paused(world, desk, "cloud")
        world.local.script(fails(DOWN))
        quick = (await ask(desk, "local", lane="codegen")).request_id
        world.local.script(answers("local answer"))
        assert (await ask(desk, "new", lane="codegen")).text == "local answer"
        await alarm.pass_time(61)
        await until(lambda: world.status_of(quick) == "completed")
        assert world.status_of(slow) == "paused"
        await alarm.pass_time(600)
        await until(lambda: world.status_of(slow) == "completed")
        assert face.prompts == ["local", "cloud"]


async def test_the_older_request_goes_first_although_the_younger_ones_time_has_come(
    world: DeskWorld, alarm: Alarm
) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        old = await paused(world, desk, "old", why=DOWN)
        world.cloud.script(fails(DOWN))
        await alarm.pass_time(61)  # its next time is in two minutes
        await until(lambda: len(world.cloud.requests) == 1 and statuses(world, old) == ["paused"])
        young = await paused(world, desk, "young", why=DOWN)
        await alarm.pass_time(61)
        await until(lambda: statuses(world, old + young) == ["completed"] * 2)
    assert [asked(request) for request in world.cloud.requests] == ["old", "young"]


async def test_one_that_waits_for_its_user_holds_up_no_younger_one(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        stuck = await paused(world, desk, "stuck", why=errors.WebPageAnswered("cloud: got a web page."))
        young = await paused(world, desk, "young", why=DOWN)
        await alarm.pass_time(61)
        await until(lambda: statuses(world, young) == ["completed"])
        assert statuses(world, stuck) == ["paused"]


async def test_a_limit_met_again_stops_the_rest_of_the_lane(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        ids = await paused(world, desk, "first", "second", "third")
        world.cloud.script(fails(LIMITED))
        await alarm.pass_time(601)
        await until(lambda: len(world.cloud.requests) == 1 and statuses(world, ids) == ["paused"] * 3)
        await alarm.pass_time(500)
        assert len(world.cloud.requests) == 1
        assert [entry.resumed for entry in await desk.outbox()] == [0, 0, 0], "a cooldown's end is no try in vain"
        world.cloud.script(answers("at last"))
        await alarm.pass_time(120)
        await until(lambda: statuses(world, ids) == ["completed"] * 3)


async def test_the_answer_stands_behind_its_own_prompt(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, staying(desk):
        talk = (await ask(desk, "begin")).conversation
        (late,) = await paused(world, desk, "late", conversation=talk)
        world.lanes["chat"] = replace(world.lanes["chat"], targets=(ModelRef("local", "large:27b"),))
        await ask(desk, "newer", conversation=talk)
        await alarm.pass_time(601)
        await until(lambda: world.status_of(late) == "completed")
        assert talk is not None
        told = [message.content for message in (await desk.conversation(talk)).messages]
    assert told == ["begin", "ok", "late", "at last" if world.cloud.requests else "ok", "newer", "ok"]


# --- restarts and other instances ---


async def test_a_desk_that_starts_takes_up_in_order_what_came_due_while_it_was_closed(
    world: DeskWorld, alarm: Alarm
) -> None:
    async with world.desk() as desk:
        ids = await paused(world, desk, "first", "second")
    world.clocks.reboot(wall_jump=700)
    async with world.desk(sleep=alarm) as desk, staying(desk) as face:
        await until(lambda: statuses(world, ids) == ["completed"] * 2)
    assert face.prompts == ["first", "second"]


async def test_what_was_left_by_quitting_is_taken_up_where_the_lane_says_so(world: DeskWorld, alarm: Alarm) -> None:
    world.cloud.script(endless("some"))
    async with world.desk() as desk:
        left = [desk.send(Ask(prompt=lane, lane=lane)).request_id for lane in ("chat", "codegen")]
        await until(lambda: len(world.cloud.requests) == 2)
    assert statuses(world, left) == ["paused", "paused"]
    world.cloud.script(answers("at last"))
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await until(lambda: statuses(world, left) == ["completed", "paused"])
        assert (await desk.request(left[0])).answer == "at last"


async def test_what_is_due_at_once_is_taken_up_although_the_clock_never_stands_still(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (request,) = await paused(world, desk, "x")
    world.rows("UPDATE requests SET error_kind = NULL, next_try_at = NULL")
    world.clocks.pass_time(700)
    readings = 0

    def ticking() -> float:
        nonlocal readings
        readings += 1
        return world.clocks.wall + readings * 1e-6

    async with world.desk(clock=ticking) as desk, staying(desk):
        await until(lambda: world.status_of(request) == "completed")
    assert readings < 100


async def test_what_a_dead_instance_left_running_is_taken_up(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk() as desk:
        (request,) = await paused(world, desk, "x")
    world.rows("UPDATE requests SET status = 'running', owner = '999999-dead', next_try_at = NULL")
    world.clocks.pass_time(700)
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await until(lambda: world.status_of(request) == "completed")


async def test_a_request_that_never_outlives_its_desk_is_not_tried_for_ever(world: DeskWorld) -> None:
    world.cloud.script(endless("some"))
    async with world.desk() as desk:
        desk.send(Ask(prompt="poison"))
        await until(lambda: world.cloud.requests)
    for count in range(2, 7):
        async with world.desk() as desk, staying(desk):
            await until(lambda: len(world.cloud.requests) == count)  # noqa: B023
    async with world.desk() as desk, staying(desk) as face:
        await asyncio.sleep(0.05)
        assert face.taken == []
        assert [(entry.resumed, entry.error_kind) for entry in await desk.outbox()] == [(5, ErrorKind.CANCELLED)]


async def test_of_two_desks_each_request_is_served_by_exactly_one(world: DeskWorld, alarm: Alarm) -> None:
    world.lanes["codegen"] = replace(world.lanes["codegen"], resume="auto")
    async with world.desk(sleep=alarm) as one, world.desk(sleep=alarm) as other:
        ids = await paused(world, one, *(f"chat {n}" for n in range(5)))
        ids += await paused(world, one, *(f"codegen {n}" for n in range(5)), lane="codegen")
        async with staying(one) as here, staying(other) as there:
            await alarm.pass_time(601)
            await until(lambda: statuses(world, ids) == ["completed"] * 10)
    sent = [asked(request) for request in world.cloud.requests]
    for lane in ("chat", "codegen"):
        assert [text for text in sent if text.startswith(lane)] == [f"{lane} {n}" for n in range(5)]
    assert sorted(here.prompts + there.prompts) == sorted(sent)


async def test_an_earlier_request_of_the_conversation_is_waited_for(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk, world.desk() as other:
        talk = (await ask(desk, "begin")).conversation
        first, second = await paused(world, desk, "first", "second", conversation=talk)
        world.clocks.pass_time(601)
        world.cloud.script([Scene(steps=["slow ", 0.2, "answer"]), *answers("at last")])
        run = await other.retry(first)
        await until(lambda: world.cloud.requests)
        async with staying(desk):
            await until(lambda: world.status_of(second) == "completed")
        assert (await run.outcome()).text == "slow answer"
    contexts = [[message.content for message in request.messages] for request in world.cloud.requests]
    assert contexts[-1] == ["begin", "ok", "first", "slow answer", "second"]


async def test_one_whose_last_target_its_user_left_waits_for_its_user(world: DeskWorld, alarm: Alarm) -> None:
    world.cloud.script(endless("some"))
    async with world.desk(sleep=alarm) as desk, staying(desk) as face:
        run = desk.send(Ask(prompt="x"))
        await until(lambda: world.cloud.requests)
        run.next_target()
        assert (await run.outcome()).status is Status.PAUSED
        await alarm.pass_time(600)
        assert face.taken == []


# --- nobody is asked, nothing is lost ---


async def test_a_question_that_nobody_sees_pauses_the_request(world: DeskWorld, alarm: Alarm) -> None:
    local = ModelRef("local", "large:27b")
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD, local), failover="never")
    async with world.desk(sleep=alarm) as desk, staying(desk):
        (request,) = await paused(world, desk, "x", why=DOWN)
        world.lanes["chat"] = replace(world.lanes["chat"], failover="ask")
        world.cloud.script(fails(DOWN))
        await alarm.pass_time(61)
        await until(lambda: world.cloud.requests and world.status_of(request) == "paused")
    assert world.local.requests == []


async def test_a_desk_that_closes_keeps_what_it_had_just_taken_up(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as desk:
        ids = await paused(world, desk, "first", "second")
        world.cloud.script(endless("some"))
        world.clocks.pass_time(700)
        task = asyncio.create_task(desk.keep_resuming(Face()))
        await until(lambda: world.cloud.requests)
    await asyncio.wait_for(task, PATIENCE_S)
    assert statuses(world, ids) == ["paused", "paused"]


async def test_one_that_cannot_be_asked_as_configured_stays_and_holds_up_nothing(
    world: DeskWorld, alarm: Alarm
) -> None:
    async with world.desk() as desk:
        ids = await paused(world, desk, "of another version", "plain")
    world.rows("UPDATE requests SET payload = '[]' WHERE id = ?", ids[0])
    world.clocks.pass_time(700)
    async with world.desk(sleep=alarm) as desk, staying(desk):
        await until(lambda: statuses(world, ids) == ["paused", "completed"])


async def test_two_desks_try_no_more_often_than_one(world: DeskWorld, alarm: Alarm) -> None:
    async with world.desk(sleep=alarm) as one, world.desk(sleep=alarm) as other:
        (request,) = await paused(world, one, "x", why=DOWN)
        world.cloud.script(fails(DOWN))
        async with staying(one), staying(other):
            for count in range(1, 6):
                await alarm.pass_time(60 * 2 ** (count - 1) + 1)
                await until(lambda: len(world.cloud.requests) >= count and world.status_of(request) == "paused")  # noqa: B023
                assert len(world.cloud.requests) == count
            await alarm.pass_time(5_000)
    assert len(world.cloud.requests) == 5


async def test_one_that_waits_otherwise_than_it_was_seen_is_left_alone(world: DeskWorld) -> None:
    async with world.desk() as desk:
        (request,) = await paused(world, desk, "x", why=DOWN)
        (seen,) = await desk.outbox()
        world.cloud.script(fails(DOWN))
        world.clocks.pass_time(61)
        await (await desk._asking.take_up(seen, resumed=1)).outcome()
        with pytest.raises(errors.UsageError):
            await desk._asking.take_up(seen, resumed=1)
        (again,) = await desk.outbox()
        assert (again.id, again.resumed) == (request, 1)
