"""Faults of llmdesk itself: a run ends all the same, nothing hangs, and no prompt that was accepted is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind, StorageError, UsageError
from llmdesk.core.types import Finished, Status
from llmdesk.core.views import Ask
from tests.support.desk_world import DeskWorld, ask, story
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import ChatRequest


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def test_an_adapter_with_a_bug_ends_in_the_outbox(world: DeskWorld) -> None:
    def bug(_: ChatRequest) -> None:
        raise RuntimeError("a bug, with sk-aaaaaaaaaaaaaaaa in it")

    world.cloud.on_request = bug
    async with world.desk() as desk:
        outcome = await ask(desk, "not lost")
        assert outcome.status is Status.PAUSED
        assert outcome.error is not None
        assert "RuntimeError" in outcome.error.message
        assert [a.error_kind for a in outcome.attempts] == [ErrorKind.SERVER]
        assert "sk-aaaa" not in outcome.error.message + outcome.attempts[0].message
        (entry,) = await desk.outbox()
        assert entry.prompt == "not lost"
        world.cloud.on_request = None
        assert (await (await desk.retry(entry.id)).outcome()).text == "ok"
    assert any(name == "unexpected error" for name, _ in world.logged)


async def test_storage_with_a_bug_at_the_end_still_ends_the_run_and_keeps_the_prompt(world: DeskWorld) -> None:
    desk = world.desk()

    async def bug(*_: object, **__: object) -> bool:
        raise TypeError("a bug")

    desk._parts.requests.finish = bug  # type: ignore[method-assign]
    async with desk:
        run = desk.send(Ask(prompt="not lost"))
        outcome = await asyncio.wait_for(run.outcome(), PATIENCE_S)
        events = await story(run)
        assert isinstance(events[-1], Finished)
        assert outcome.error is not None
        assert "TypeError" in outcome.error.message
        assert (outcome.status, outcome.kept) == (Status.PAUSED, True)
    async with world.desk() as desk:
        assert [entry.prompt for entry in await desk.outbox()] == ["not lost"]


async def test_a_log_with_a_bug_changes_nothing_of_the_outcome(world: DeskWorld) -> None:
    def bug(name: str, **_: object) -> None:
        if name == "request finished":
            raise TypeError("a bug")

    async with world.desk(log=bug) as desk:
        run = desk.send(Ask(prompt="x"))
        assert (await run.outcome()).status is Status.COMPLETED
        await asyncio.sleep(0)
        assert len([e for e in await story(run) if isinstance(e, Finished)]) == 1
        assert world.status_of(run.request_id) == "completed"


async def test_storage_with_a_bug_at_the_beginning_sends_nothing_and_says_that_nothing_is_kept(
    world: DeskWorld,
) -> None:
    desk = world.desk()

    async def bug(*_: object) -> None:
        raise TypeError("a bug")

    desk._parts.requests.accept = bug  # type: ignore[method-assign]
    async with desk:
        outcome = await asyncio.wait_for(ask(desk, "x"), PATIENCE_S)
        assert outcome.status is Status.FAILED
        assert not outcome.kept
    assert world.cloud.requests == []


async def test_what_no_json_can_hold_is_refused_before_anything_is_sent(world: DeskWorld) -> None:
    circle: dict[str, object] = {}
    circle["again"] = circle
    async with world.desk() as desk:
        for value in (object(), b"bytes", circle):
            with pytest.raises(UsageError, match="no JSON"):
                desk.send(Ask(prompt="x", extra={"raw": value}))
        assert (await ask(desk, "x", extra={"raw": "text"})).status is Status.COMPLETED
    assert len(world.cloud.requests) == 1


async def test_a_provider_that_cannot_be_made_is_one_failed_attempt(world: DeskWorld) -> None:
    world.shelf.broken["cloud"] = errors.SetupBroken("cloud: the key command failed.")
    async with world.desk() as desk:
        outcome = await ask(desk)
    assert [(a.error_kind, a.target.provider) for a in outcome.attempts] == [
        (ErrorKind.CONFIG, "cloud"), (None, "local"),
    ]  # fmt: skip


async def test_what_cannot_be_closed_keeps_nothing_else_open(world: DeskWorld) -> None:
    class Stuck(type(world.shelf)):  # type: ignore[misc]
        async def aclose(self) -> None:
            raise RuntimeError("a bug")

    world.shelf = Stuck(world.shelf.providers)
    desk = world.desk()
    with pytest.raises(RuntimeError, match="a bug"):
        async with desk:
            await ask(desk)
    with pytest.raises(StorageError, match="closed"):
        await desk.outbox()
    assert list((world.paths.state_dir / "instances").iterdir()) == []
