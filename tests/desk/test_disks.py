"""Disks that refuse, files that vanish, processes that are killed: what becomes of prompts (policy D3 to D8)."""

from __future__ import annotations

import itertools
import os
import signal
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Accepted, Finished, Status, TextDelta
from llmdesk.core.views import Ask
from tests.support.desk_world import DeskWorld, ask, endless, fails, next_of, story
from tests.support.stored import full_disk, run_together, worker

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import ChatRequest


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


def forbid(world: DeskWorld) -> None:
    """Let the database be something no program can open."""
    world.paths.database.mkdir()


async def test_a_prompt_that_cannot_be_kept_is_not_sent_and_says_so(world: DeskWorld) -> None:
    forbid(world)
    async with world.desk() as desk:
        events = await story(desk.send(Ask(prompt="precious")))
        assert any("llmdesk.db" in warning for warning in desk.warnings)
    (event,) = events
    assert isinstance(event, Finished)
    outcome = event.outcome
    assert (outcome.status, outcome.kept) == (Status.FAILED, False)
    assert outcome.error is not None
    assert outcome.error.message.startswith("Not sent, as it cannot be kept: ")
    assert world.cloud.requests == world.local.requests == []


async def test_a_prompt_is_sent_without_being_kept_where_the_user_agrees(world: DeskWorld) -> None:
    forbid(world)
    async with world.desk() as desk:
        events = await story(desk.send(Ask(prompt="never mind", keep=False)))
    assert isinstance(events[0], Accepted)
    assert not events[0].kept
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.outcome.status, last.outcome.kept) == (Status.COMPLETED, False)


async def test_who_agreed_beforehand_gets_an_answer_and_is_told_that_it_is_not_kept(world: DeskWorld) -> None:
    forbid(world)
    async with world.desk() as desk:
        outcome = await desk.send(Ask(prompt="never mind", unkept_ok=True)).outcome()
    assert (outcome.status, outcome.kept) == (Status.COMPLETED, False)
    assert any("Sent without being kept" in warning for warning in outcome.warnings)


async def test_a_full_disk_at_accept_sends_nothing_and_the_next_prompt_works(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation = (await ask(desk, "before")).conversation
        with full_disk():
            refused = await ask(desk, "x" * 100_000, conversation=conversation)
        assert (refused.status, refused.kept) == (Status.FAILED, False)
        assert refused.error is not None
        assert refused.error.kind is ErrorKind.CONFIG
        assert len(world.cloud.requests) == 1
        assert (await ask(desk, "after", conversation=conversation)).status is Status.COMPLETED
    assert [m.content for m in world.cloud.requests[-1].messages] == ["before", "ok", "after"]


async def test_a_disk_that_fills_up_in_mid_answer_costs_the_record_and_not_the_answer(world: DeskWorld) -> None:
    import contextlib

    with contextlib.ExitStack() as stack:

        def fill(_: ChatRequest) -> None:
            stack.enter_context(full_disk())

        world.cloud.on_request = fill
        async with world.desk() as desk:
            outcome = await ask(desk, "hello")
            stack.close()
            assert (outcome.status, outcome.text) == (Status.COMPLETED, "ok")
            assert any("could not be stored" in warning for warning in outcome.warnings)
    async with world.desk() as desk:
        assert await desk.outbox() == (), "what was answered is not asked again"
        found = await desk.conversation(outcome.conversation or "")
        assert [m.content for m in found.messages] == ["hello", "ok"]


async def test_a_database_deleted_while_a_request_runs_is_made_anew_with_the_request_in_it(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="still here"))
        await next_of(aiter(run), TextDelta)
        for path in world.paths.data_dir.iterdir():
            path.unlink()
        run.cancel(keep=True)
        await run.outcome()
        (entry,) = await desk.outbox()
        assert entry.prompt == "still here"
        found = await desk.conversation(entry.conversation or "")
        assert [m.content for m in found.messages] == ["still here", "half"]


async def test_a_broken_database_is_moved_aside_and_the_desk_works_on(world: DeskWorld) -> None:
    world.paths.database.write_bytes(b"this is no database" * 100)
    async with world.desk() as desk:
        assert (await ask(desk)).status is Status.COMPLETED
        (warning,) = desk.warnings
        assert "damaged" in warning
    kept = [p for p in world.paths.data_dir.iterdir() if "corrupt" in p.name]
    assert any(p.read_bytes().startswith(b"this is no database") for p in kept)


async def test_a_state_file_deleted_while_running_loses_no_cooldown(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        await ask(desk)
        world.paths.state_file.unlink()
        assert (await ask(desk)).attempts[0].reason == "cooling"
    assert world.paths.state_file.exists()
    assert len(world.cloud.requests) == 1


# --- killed processes ---

DYING = """
import asyncio, sys
from pathlib import Path
from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask
from tests.support.desk_world import DeskWorld, endless

async def main():
    world = DeskWorld(Path(sys.argv[1]))
    world.cloud.script(endless("half of it"))
    async with world.desk() as desk:
        runs = [desk.send(Ask(prompt=f"prompt {n}")) for n in range(3)]
        for run in runs:
            async for event in run:
                if isinstance(event, TextDelta):
                    break
        print("answering", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

STARTING = """
import asyncio, sys
from pathlib import Path
from tests.support.desk_world import DeskWorld

async def main():
    world = DeskWorld(Path(sys.argv[2]))
    print("ready", flush=True)
    sys.stdin.readline()
    async with world.desk() as desk:
        for entry in await desk.outbox():
            print(entry.id, entry.prompt, sep="|")

asyncio.run(main())
"""


async def test_a_killed_processs_requests_come_back_once_in_order_and_can_be_asked_again(world: DeskWorld) -> None:
    async with world.desk() as living:
        world.ids = itertools.count(100)
        world.cloud.script(endless("mine"))
        mine = living.send(Ask(prompt="of the living"))
        await next_of(aiter(mine), TextDelta)
        with worker(DYING, world.home) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "answering\n"
            assert await living.outbox() == ()
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        lists = run_together(STARTING, 3, world.home)
        assert lists[0] == lists[1] == lists[2]
        assert [line.partition("|")[2] for line in lists[0]] == ["prompt 0", "prompt 1", "prompt 2"]
        assert world.status_of(mine.request_id) in ("accepted", "running")
        first, *rest = await living.outbox()
        assert "interrupted" in first.reason
        world.cloud.script([])
        assert (await (await living.retry(first.id)).outcome()).status is Status.COMPLETED
        async with world.desk() as later:
            assert await later.outbox() == tuple(rest)
        mine.cancel()
        await mine.outcome()
    assert world.rows("SELECT count(*) FROM requests WHERE status IN ('accepted', 'running')") == [(0,)]
