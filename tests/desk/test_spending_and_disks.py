"""What is spent when disks refuse, conversations vanish and programs die (policy B1, B2, D3, I8)."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.budget import Account, Budget
from llmdesk.core.types import AttemptOutcome, Status, TextDelta, Usage
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, LARGE, DeskWorld, answers, ask, endless, fails, next_of
from tests.support.stored import an_attempt, worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmdesk.desk import Desk


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


def tokens(limit: int, scope: str = "day", **fields: object) -> Budget:
    return Budget(scope=scope, limit=limit, unit="tokens", **fields)  # type: ignore[arg-type]


def forbid(world: DeskWorld) -> None:
    """Let the database be something no program can open."""
    world.paths.database.mkdir()


def impatient(world: DeskWorld) -> Desk:
    """A desk that does not wait long for a database that somebody else writes."""
    desk = world.desk()
    desk._parts.database._lock_timeout_s = 0.02
    return desk


@pytest.fixture
def hold(world: DeskWorld) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Holds the database, so that nobody can write it; rolling back lets it go."""
    held = []

    def now() -> sqlite3.Connection:
        held.append(sqlite3.connect(world.paths.database, isolation_level=None, check_same_thread=False))
        held[-1].execute("BEGIN IMMEDIATE")
        return held[-1]

    yield now
    for each in held:
        each.close()


def spent(world: DeskWorld) -> int:
    """The tokens booked to any day."""
    return int(world.rows("SELECT coalesce(sum(tokens), 0) FROM spend WHERE scope = 'day'")[0][0])


def reserved(world: DeskWorld) -> list[tuple[object, ...]]:
    return world.rows("SELECT request, number FROM reservations")


# --- a database that cannot be written ---


async def test_with_a_hard_budget_nothing_is_sent_where_nobody_can_tell_what_is_left(world: DeskWorld) -> None:
    world.budgets = (tokens(10**6, hard=False), tokens(10**6))
    forbid(world)
    async with world.desk() as desk:
        outcome = await ask(desk, unkept_ok=True)
    assert world.cloud.requests == world.local.requests == []
    assert outcome.status is Status.PAUSED
    assert {attempt.outcome for attempt in outcome.attempts} == {AttemptOutcome.SKIPPED}
    assert outcome.error is not None
    assert outcome.error.message.startswith("Not sent, as the hard day budget cannot be kept: ")
    assert len(outcome.error.message) <= 200


async def test_soft_budgets_let_an_answer_through_that_nobody_can_count(world: DeskWorld) -> None:
    world.budgets = (tokens(1, hard=False),)
    forbid(world)
    async with world.desk() as desk:
        outcome = await ask(desk, unkept_ok=True)
    assert outcome.status is Status.COMPLETED
    (line,) = world.paths.metrics_overflow.read_text().splitlines()
    assert outcome.request_id in line
    assert "hello" not in line


async def test_what_a_held_database_could_not_take_is_counted_at_the_next_start_and_settles_what_was_reserved(
    world: DeskWorld, hold: Callable[[], sqlite3.Connection]
) -> None:
    world.budgets = (tokens(10**6),)
    held: list[sqlite3.Connection] = []
    world.cloud.on_request = lambda _: held.append(hold())
    async with impatient(world) as desk:
        outcome = await ask(desk)
        assert outcome.status is Status.COMPLETED
        assert any("could not be stored" in warning for warning in outcome.warnings)
        assert len(reserved(world)) == 1
    assert spent(world) == 0
    held[0].rollback()
    async with world.desk() as desk:
        assert outcome.usage is not None
        (view,) = await desk.budgets()
        assert view.spent == (outcome.usage.input_tokens or 0) + (outcome.usage.output_tokens or 0) > 0
        assert reserved(world) == []
        assert not world.paths.metrics_overflow.exists()


async def test_a_database_that_is_free_again_before_the_desk_closes_takes_everything_once(
    world: DeskWorld, hold: Callable[[], sqlite3.Connection]
) -> None:
    world.budgets = (tokens(10**6),)
    held: list[sqlite3.Connection] = []
    world.cloud.on_request = lambda _: held.append(hold())
    async with impatient(world) as desk:
        outcome = await ask(desk)
        held[0].rollback()
    total = spent(world)
    assert outcome.usage is not None
    assert total == (outcome.usage.input_tokens or 0) + (outcome.usage.output_tokens or 0) > 0
    assert world.paths.metrics_overflow.exists()
    async with world.desk():
        assert (spent(world), reserved(world)) == (total, [])
        assert not world.paths.metrics_overflow.exists()


async def test_a_request_that_is_asked_again_goes_on_with_the_numbers_that_were_kept_for_later(
    world: DeskWorld,
) -> None:
    with worker(KILLED, world.home) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "answering\n"
        process.kill()
        process.wait()
    ((request_id,),) = world.rows("SELECT id FROM requests")
    desk = world.desk()
    account = Account(request=request_id, lane="chat")
    kept = an_attempt(1, CLOUD, usage=Usage(input_tokens=700, output_tokens=0))
    assert desk._parts.ledger.keep_for_later(account, [kept])
    async with desk:
        (entry,) = await desk.outbox()
        assert entry.attempts == 1
        outcome = await (await desk.retry(entry.id)).outcome()
        assert [attempt.number for attempt in outcome.attempts] == [2]
    assert spent(world) > 700


# --- requests that vanish ---


async def test_an_answer_whose_conversation_is_removed_meanwhile_is_paid_for_without_a_word_of_it(
    world: DeskWorld,
) -> None:
    world.budgets = (tokens(10**6),)
    world.cloud.script([Scene(steps=["secret ", 0.05, "answer"])])
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="secret"))
        await next_of(aiter(run), TextDelta)
        conversation = (await desk.conversations())[0].id
        await desk.remove_conversation(conversation)
        outcome = await run.outcome()
        assert outcome.status is Status.COMPLETED
        assert reserved(world) == []
    assert spent(world) > 0
    assert "secret" not in repr(world.rows("SELECT * FROM attempts"))


async def test_a_stopped_answer_is_paid_for_and_leaves_nothing_reserved(world: DeskWorld) -> None:
    world.budgets = (tokens(10**6),)
    world.cloud.script(endless("half of it"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="stop me"))
        await next_of(aiter(run), TextDelta)
        assert len(reserved(world)) == 1
        run.cancel()
        await run.outcome()
        assert reserved(world) == []
    assert spent(world) > 0


# --- history off the record ---


async def test_failover_history_is_read_where_attempts_are_booked(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    world.local.script(answers("from here"))
    async with world.desk() as desk:
        await ask(desk)
        (step,) = await desk.failovers()
    assert (step.source, step.target, step.reason) == (CLOUD, LARGE, "rate")


KILLED = """
import asyncio, sys
from pathlib import Path
from llmdesk.core.budget import Account, Budget
from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask
from tests.support.desk_world import DeskWorld, endless

async def main():
    world = DeskWorld(Path(sys.argv[1]), budgets=(Budget(scope="day", limit=100_000, unit="tokens"),))
    world.cloud.script(endless("half of it"))
    async with world.desk() as desk:
        async for event in desk.send(Ask(prompt="hello")):
            if isinstance(event, TextDelta):
                print("answering", flush=True)

asyncio.run(main())
"""


async def test_a_kill_between_reserving_and_booking_leaves_nothing_reserved_after_the_next_start(
    world: DeskWorld,
) -> None:
    with worker(KILLED, world.home) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "answering\n"
        assert len(reserved(world)) == 1
        process.kill()
        process.wait()
    assert len(reserved(world)) == 1
    world.budgets = (tokens(100_000),)
    async with world.desk() as desk:
        assert reserved(world) == []
        (view,) = await desk.budgets()
        assert view.reserved == 0
        (entry,) = await desk.outbox()
        (lost,) = (await desk.request(entry.id)).attempts
        assert (lost.number, lost.outcome, lost.reason) == (1, AttemptOutcome.CANCELLED, "cancelled")
        assert lost.usage == Usage(input_tokens=view.spent, output_tokens=0, estimated=True)
        assert 0 < view.spent < 20, "the prompt alone, by our estimate"
        assert (await (await desk.retry(entry.id)).outcome()).status is Status.COMPLETED
        before = view.spent
        (view,) = await desk.budgets()
        assert view.spent > before
        assert view.reserved == 0
