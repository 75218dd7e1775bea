"""Watching: changes of this instance at once, of another one soon, and nothing while nothing changes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, cast

import pytest

from llmdesk.core import errors
from llmdesk.core.budget import Budget
from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask, Topic
from llmdesk.desk import watch as watch_module
from llmdesk.desk.watch import Watch
from tests.support.desk_world import DeskWorld, ask, endless, fails, next_of
from tests.support.slowness import PATIENCE_S, allowed
from tests.support.stored import full_disk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from llmdesk.desk import Desk

GLANCE_S = 0.03


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskWorld:
    monkeypatch.setattr(watch_module, "GLANCE_S", GLANCE_S)
    return DeskWorld(tmp_path)


class Watcher:
    """Collects what a desk reports."""

    def __init__(self, desk: Desk) -> None:
        self.seen: set[Topic] = set()
        self.wakes = 0
        self._changes = cast("AsyncGenerator[frozenset[Topic], None]", desk.watch())
        self._task = asyncio.create_task(self._collect())
        self._came = asyncio.Event()

    async def _collect(self) -> None:
        async with aclosing(self._changes) as changes:
            async for topics in changes:
                assert topics
                self.wakes += 1
                self.seen |= topics
                self._came.set()

    async def until(self, *topics: Topic) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not set(topics) <= self.seen:
                self._came.clear()
                await self._came.wait()

    async def close(self) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


async def test_a_request_is_reported_at_once_where_it_was_made(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 60.0)
    async with world.desk() as desk:
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        await ask(desk)
        await watcher.until(Topic.REQUESTS, Topic.CONVERSATIONS, Topic.OUTBOX)
        assert Topic.COOLDOWNS not in watcher.seen
        world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
        await ask(desk)
        await watcher.until(Topic.COOLDOWNS, Topic.PROVIDERS)
        await watcher.close()


async def test_an_answer_reports_its_provider(world: DeskWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 60.0)
    async with world.desk() as desk:
        world.cloud.list_error = errors.NetworkFailed("cloud: no network.")
        await desk.check_providers()
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        await ask(desk)
        await watcher.until(Topic.PROVIDERS)
        await watcher.close()


async def test_another_instances_requests_and_cooldowns_are_reported_soon(world: DeskWorld) -> None:
    async with world.desk() as desk, world.desk() as other:
        await desk.outbox()
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        await ask(other)
        await watcher.until(Topic.REQUESTS, Topic.OUTBOX, Topic.CONVERSATIONS)
        world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
        await ask(other)
        await watcher.until(Topic.COOLDOWNS, Topic.PROVIDERS)
        (status, _) = desk.providers()
        assert status.state.value == "cooling"
        await watcher.close()


async def test_nothing_is_reported_while_nothing_changes(world: DeskWorld) -> None:
    async with world.desk() as desk, world.desk() as other:
        await ask(desk)
        watcher = Watcher(desk)
        await asyncio.sleep(allowed(GLANCE_S * 3))  # the log of the request is written by a thread of its own
        before = watcher.wakes
        for _ in range(3):
            await other.outbox()
            desk.providers()
            await asyncio.sleep(GLANCE_S * 3)
        assert watcher.wakes == before
        await watcher.close()


async def test_a_request_that_has_only_begun_has_nothing_to_count(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 60.0)
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        run = desk.send(Ask(prompt="hello"))
        await next_of(aiter(run), TextDelta)
        await watcher.until(Topic.BEGUN)
        assert not watcher.seen & {Topic.REQUESTS, Topic.OUTBOX}
        run.cancel()
        await watcher.until(Topic.REQUESTS, Topic.OUTBOX)
        await watcher.close()


async def test_what_budgets_set_aside_is_told_when_an_attempt_begins(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 60.0)
    world.budgets = (Budget(scope="day", limit=10**6, unit="tokens"),)
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        run = desk.send(Ask(prompt="hello"))
        await next_of(aiter(run), TextDelta)
        await watcher.until(Topic.REQUESTS)
        (view,) = await desk.budgets()
        assert view.reserved
        run.cancel()
        await run.outcome()
        await watcher.close()


async def test_the_end_of_a_request_is_told_where_the_disk_refuses_to_take_it(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "GLANCE_S", 60.0)
    async with world.desk() as desk:
        watcher = Watcher(desk)
        await asyncio.sleep(0)
        with ExitStack() as stack:
            world.cloud.on_request = lambda _: stack.enter_context(full_disk())
            outcome = await ask(desk)
            assert any("could not be stored" in warning for warning in outcome.warnings)
            await watcher.until(Topic.REQUESTS, Topic.OUTBOX)
        await watcher.close()


async def test_glances_are_few_and_end_with_the_watcher() -> None:
    glances = 0

    def marks() -> tuple[object, object]:
        nonlocal glances
        glances += 1
        return 1, 1

    watch = Watch(marks)
    changes = watch()
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert glances == 1
    watch.changed(Topic.OUTBOX)
    watch.changed(Topic.REQUESTS)
    assert await waiting == {Topic.OUTBOX, Topic.REQUESTS}
    assert glances == 2
    await changes.aclose()
    watch.changed(Topic.OUTBOX)
    assert glances == 2
    assert watch._pending == {}


async def test_every_watcher_hears_of_a_change_and_none_of_it_twice() -> None:
    watch = Watch(lambda: (1, 1))
    first, second = watch(), watch()
    waits = [asyncio.ensure_future(anext(changes)) for changes in (first, second)]
    await asyncio.sleep(0)
    watch.changed(Topic.OUTBOX)
    assert [await wait for wait in waits] == [{Topic.OUTBOX}] * 2
    again = asyncio.ensure_future(anext(first))
    await asyncio.sleep(0)
    watch.changed(Topic.PROVIDERS)
    assert await again == {Topic.PROVIDERS}
    await first.aclose()
    await second.aclose()
